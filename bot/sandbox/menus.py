"""Checks a menu as Tencent does when an account puts it up: three buttons of five, names and keys within bytes."""

from typing import Any

from bot.sandbox.errors import ApiRefused

BUTTONS_MAX = 3
SUB_BUTTONS_MAX = 5
NAME_BYTES_MAX = 16  # phones cut a name after 4 Chinese characters
SUB_NAME_BYTES_MAX = 60  # … and after 8
KEY_BYTES_MAX = 128
URL_BYTES_MAX = 1024


def check_menu(data: Any) -> list[dict[str, object]]:
    """Read `{"button": [...]}`; returns the buttons with nothing in them but what a phone shows."""
    buttons = data.get("button") if isinstance(data, dict) else None
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS_MAX:
        raise ApiRefused(40016, "invalid button size: 1 to 3 top buttons")
    return [_top(button) for button in buttons]


def _top(button: Any) -> dict[str, object]:
    name = _name(button, NAME_BYTES_MAX, 40018)
    subs = button.get("sub_button")
    if not subs:
        return _leaf(button, name)
    if not isinstance(subs, list) or len(subs) > SUB_BUTTONS_MAX:
        raise ApiRefused(40023, "invalid sub button size: at most 5")
    return {"name": name, "sub_button": [_leaf(sub, _name(sub, SUB_NAME_BYTES_MAX, 40025)) for sub in subs]}


def _leaf(button: dict[str, Any], name: str) -> dict[str, object]:
    match button.get("type"):
        case "click":
            return {"type": "click", "name": name, "key": _bounded(button, "key", KEY_BYTES_MAX, 40019)}
        case "view":
            url = _bounded(button, "url", URL_BYTES_MAX, 40020)
            if not url.startswith(("http://", "https://")):
                raise ApiRefused(40054, "invalid button url domain: it must begin with http:// or https://")
            return {"type": "view", "name": name, "url": url}
        case other:
            raise ApiRefused(40015, f"invalid button type: the sandbox knows click and view, found {other!r}")


def _name(button: Any, bytes_max: int, errcode: int) -> str:
    if not isinstance(button, dict):
        raise ApiRefused(40016, "invalid button: not an object")
    return _bounded(button, "name", bytes_max, errcode)


def _bounded(button: dict[str, Any], field: str, bytes_max: int, errcode: int) -> str:
    value = button.get(field)
    if not isinstance(value, str) or not 1 <= len(value.encode(errors="replace")) <= bytes_max:
        raise ApiRefused(errcode, f"invalid button {field} size: 1 to {bytes_max} bytes")
    return value
