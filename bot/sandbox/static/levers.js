// The levers that whoever started the sandbox offers: drawn as they stand, handed on when they are pulled.

import { ask, make, tappable } from "./pieces.js";
import { said, words } from "./words.js";

const LOOK_MS = 1000;

export class Levers {
  constructor(page) {
    Object.assign(this, { page, state: null, problem: "" });
    this.root = document.getElementById("levers");
    this.list = document.getElementById("lever-list");
  }

  /** Pull one, and wait until it has ended, or stands. */
  async pull(lever, department = "") {
    this.problem = "";
    try {
      this.update(await ask("/api/levers", { lever, department }));
    } catch (error) {
      this.problem = error.says ? said(error.says) : error.message;
      this.draw();
      throw error;
    }
    while (this.state?.running === lever) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      await this.page.refreshState();
    }
  }

  update(state) {
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    this.draw();
  }

  draw() {
    const levers = this.state?.levers || [];
    this.root.hidden = !levers.length && this.state !== null;
    if (this.root.hidden) return;
    this.drawStatus();
    const focused = document.activeElement?.dataset?.lever;
    const shown = levers.filter((lever) => lever.enabled || !isFollowUp(lever));
    this.list.replaceChildren(...shown.map((lever) => this.lever(lever)));
    if (focused) this.list.querySelector(`[data-lever="${focused}"]`)?.focus();
  }

  /** One sentence on what is happening, or on what came of it. */
  drawStatus() {
    const line = document.getElementById("lever-says");
    line.textContent = this.state === null ? words().leversGone : this.problem || said(this.state.says);
    line.classList.toggle("running", Boolean(this.state?.running));
    line.classList.toggle("failed", Boolean(this.state?.failed || this.problem || this.state === null));
  }

  lever({ name, label, hint, enabled, departments }) {
    const box = make("div", `lever ${name}`);
    const hintText = make("p", "lever-hint", said(hint));
    hintText.id = `hint-${name}`;
    const choice = departments.length ? this.choice(departments) : null;
    const button = tappable("lever-button", said(label), () => this.pull(name, choice?.querySelector("select").value).catch(() => {}));
    button.disabled = !enabled;
    button.dataset.lever = name;
    button.setAttribute("aria-describedby", hintText.id);
    box.append(...(choice ? [choice, button, hintText] : [button, hintText]));
    return box;
  }

  choice(departments) {
    const label = make("label", "department");
    label.append(make("span", "unseen", words().department));
    const select = make("select");
    select.append(...departments.map((name) => {
      const option = make("option", "", this.page.label(name));
      option.value = name;
      return option;
    }));
    select.value = this.department || departments[Math.min(2, departments.length - 1)];
    select.addEventListener("change", () => { this.department = select.value; });
    label.append(select);
    return label;
  }
}

/** What only makes sense after another lever is not shown before. */
const isFollowUp = ({ name }) => name === "resume";
