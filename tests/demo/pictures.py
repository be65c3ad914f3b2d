"""The pictures of the documentation: of what the tests of the page have just seen, so that they show this very program."""

import html
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

MARGIN = 12
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #1e2227; }}
pre {{ margin: 0; padding: 22px 26px; color: #d6dae0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 14px/1.55 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "Noto Sans CJK SC", monospace; }}
b {{ color: #8ad48f; font-weight: 600; }}
</style><pre>{lines}</pre>"""


class Album:
    """Where pictures go, each taken once: by the first who sees what it shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.png"

    def phones(self, page: Page, name: str, *sides: str) -> None:
        """One phone, or two side by side."""
        for side in sides:  # the newest lines in sight, whatever slid in last
            page.locator(f"#{side} .chat").evaluate("chat => chat.scrollTo(0, chat.scrollHeight)")
        page.wait_for_timeout(400)  # slides have ended
        boxes = [page.locator(f"#{side} .phone").bounding_box() for side in sides]
        known = [box for box in boxes if box is not None]
        left, top = (min(box[edge] for box in known) - MARGIN for edge in ("x", "y"))
        right = max(box["x"] + box["width"] for box in known) + MARGIN
        bottom = max(box["y"] + box["height"] for box in known) + MARGIN
        page.screenshot(path=self.path(name), clip={"x": left, "y": top, "width": right - left, "height": bottom - top})

    def once(self, page: Page, name: str, seen: Callable[[], bool], *sides: str) -> Callable[[], None]:
        """Something to look with after each tap: the picture is taken as soon as it shows what it is for."""

        def look() -> None:
            if not self.path(name).exists() and seen():
                self.phones(page, name, *sides)

        return look

    def terminal(self, browser: Browser, name: str, told: list[tuple[str, str]]) -> None:
        """Commands and what they printed, as a terminal shows them."""
        lines = "\n\n".join(f"<b>$ {html.escape(typed)}</b>\n{html.escape(said.strip())}" for typed, said in told)
        page = browser.new_page(viewport={"width": 980, "height": 300})
        page.set_content(_TERMINAL.format(lines=lines))
        page.screenshot(path=self.path(name), full_page=True)
        page.close()


def shows(line: Locator, *words: str) -> bool:
    """Whether the line is there and holds all of these."""
    if line.count() == 0:
        return False
    text = line.inner_text()
    return all(word in text for word in words)
