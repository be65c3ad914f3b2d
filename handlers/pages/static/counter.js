// Makes the counter's pages quicker; every one of them works without it.

import * as checks from "./checks.js";

for (const form of document.querySelectorAll("form[data-words]")) watch(form, JSON.parse(form.dataset.words));
for (const form of document.querySelectorAll("form")) sendOnce(form);
document.querySelector("[data-focus]")?.focus();
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
// After the deed: reloading the page shows the slip again, and does not ask whether to send the form again.
const settled = document.querySelector("[data-settle]");
if (settled) history.replaceState(null, "", settled.dataset.settle);

// Say what is wrong when a field is left, and take it back as soon as it is right.
function watch(form, words) {
  for (const input of form.querySelectorAll("[data-check]")) {
    const check = checks[input.dataset.check];
    const look = () => show(input, input.value ? check(input.value) : null, words);
    input.addEventListener("change", look);
    input.addEventListener("input", () => {
      if (input.getAttribute("aria-invalid") === "true" && !check(input.value)) look();
    });
  }
}

function show(input, key, words) {
  const count = checks.digits(input.value).length;
  document.getElementById(`e-${input.name}`).textContent = key ? words[key].replace("{count}", count) : "";
  input.closest(".field").classList.toggle("wrong", key !== null);
  if (key) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

// A second press while the first is on its way would be harmless, and would look as if the first had failed.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
}
