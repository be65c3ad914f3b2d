"""The menu below the chat, as data: at most three buttons, each with at most five below it."""

from dataclasses import dataclass
from typing import Any

from bot.errors import BadSetting

BUTTONS_MAX = 3
BUTTONS_BELOW_MAX = 5
NAME_CHARACTERS_MAX = 4
NAME_BELOW_CHARACTERS_MAX = 8
KEY_BYTES_MAX = 128


@dataclass(frozen=True, slots=True)
class Button:
    """Sends `key` when tapped, as if it had been typed; or opens `url`; or shows the buttons `below` it."""

    name: str
    key: str = ""
    url: str = ""
    below: tuple["Button", ...] = ()

    def __post_init__(self) -> None:
        if sum(map(bool, (self.key, self.url, self.below))) != 1:
            raise BadSetting("menu", f"{self.name}: needs exactly one of key, url and below")
        if len(self.key.encode()) > KEY_BYTES_MAX:
            raise BadSetting("menu", f"{self.name}: its key is longer than {KEY_BYTES_MAX} bytes")
        _check_row(self.below, BUTTONS_BELOW_MAX, NAME_BELOW_CHARACTERS_MAX)
        if any(button.below for button in self.below):
            raise BadSetting("menu", f"{self.name}: buttons stand in two rows, not three")


@dataclass(frozen=True, slots=True)
class Menu:
    """The row that is always seen."""

    buttons: tuple[Button, ...]

    def __post_init__(self) -> None:
        if not self.buttons:
            raise BadSetting("menu", "needs a button")
        _check_row(self.buttons, BUTTONS_MAX, NAME_CHARACTERS_MAX)


def _check_row(buttons: tuple[Button, ...], buttons_max: int, characters_max: int) -> None:
    if len(buttons) > buttons_max:
        raise BadSetting("menu", f"{len(buttons)} buttons in a row, at most {buttons_max}")
    for button in buttons:
        if not 0 < len(button.name) <= characters_max:
            raise BadSetting("menu", f"{button.name}: a name has 1 to {characters_max} characters here")


def print_menu(menu: Menu) -> dict[str, Any]:
    """The menu as `menu/create` takes it."""
    return {"button": [_print_button(button) for button in menu.buttons]}


def _print_button(button: Button) -> dict[str, Any]:
    if button.below:
        return {"name": button.name, "sub_button": [_print_button(below) for below in button.below]}
    if button.url:
        return {"type": "view", "name": button.name, "url": button.url}
    return {"type": "click", "name": button.name, "key": button.key}
