"""What a person does on their phone: writes, follows, leaves, scans, taps. Read from a client's JSON, strictly."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.sandbox.errors import PostRefused
from bot.sandbox.people import OPENID
from bot.sandbox.wire import Field, is_xml_text

TEXT_CHARACTERS_MAX = 4096
KEY_BYTES_MAX = 1024  # Tencent's limit for a VIEW address, the longest of the keys
MENU_ID_CHARACTERS_MAX = 64

SUBSCRIBE, UNSUBSCRIBE, SCAN, CLICK, VIEW = "subscribe", "unsubscribe", "SCAN", "CLICK", "VIEW"
POPUP = "subscribe_msg_popup_event"  # the person agreed to one subscription notice; key = its template id
NEEDS_KEY = {CLICK: "key", VIEW: "key", POPUP: "key", SCAN: "scene"}
EVENTS = (SUBSCRIBE, UNSUBSCRIBE, SCAN, CLICK, VIEW, POPUP)


@dataclass(frozen=True, slots=True)
class Wrote:
    """A text message; `menu_id` when it came from a tapped link."""

    text: str
    menu_id: str = ""

    @property
    def shown(self) -> str:
        """What stands in the person's own bubble."""
        return self.text

    def fields(self) -> list[Field]:
        """The message's own fields in a delivery."""
        own: list[Field] = [("MsgType", "text"), ("Content", self.text)]
        return [*own, ("bizmsgmenuid", self.menu_id)] if self.menu_id else own


@dataclass(frozen=True, slots=True)
class Did:
    """An event, with the key or scene it carries."""

    event: str
    key: str = ""
    ticket: str = ""  # of the QR code that was scanned

    @property
    def shown(self) -> str:
        """One grey line in the chat: the event and what it carried."""
        return f"{self.event} {self.key}".strip()

    def fields(self) -> list[Field]:
        """The event's own fields in a delivery."""
        own: list[Field] = [("MsgType", "event"), ("Event", self.event)]
        if self.event == POPUP:
            choice: list[Field] = [("TemplateId", self.key), ("SubscribeStatusString", "accept"), ("PopupScene", 2)]
            return [*own, ("SubscribeMsgPopupEvent", [("List", choice)])]
        if self.event == SUBSCRIBE and self.key:
            return [*own, ("EventKey", f"qrscene_{self.key}"), ("Ticket", self.ticket or f"ticket-{self.key}")]
        if self.event == SCAN:
            return [*own, ("EventKey", self.key), ("Ticket", self.ticket)]
        return [*own, ("EventKey", self.key)]


Act: TypeAlias = Wrote | Did


@dataclass(frozen=True, slots=True)
class Posted:
    """Who did it, and at which account."""

    openid: str
    node: str
    act: Act


def parse_posted(data: object) -> Posted:
    """Read the body of `POST /api/messages`."""
    if not isinstance(data, dict):
        raise PostRefused('send a JSON object like {"openid": "…", "node": "…", "text": "…"}')
    openid, node = _text(data, "openid"), _text(data, "node")
    check_openid(openid)
    if ("text" in data) == ("event" in data):
        raise PostRefused("send either 'text' or 'event', and only one of them")
    return Posted(openid, node, _wrote(data) if "text" in data else _did(data))


def check_openid(openid: str) -> None:
    """Refuse what cannot be an openid."""
    if not OPENID.fullmatch(openid):
        raise PostRefused("'openid' must be 1 to 64 of A-Z a-z 0-9 _ -")


def _wrote(data: dict[str, Any]) -> Wrote:
    text = _text(data, "text")
    if not text.strip():
        raise PostRefused("'text' is empty; write something")
    if len(text) > TEXT_CHARACTERS_MAX:
        raise PostRefused(f"'text' has {len(text)} characters; at most {TEXT_CHARACTERS_MAX} are allowed")
    return Wrote(text, _menu_id(data))


def _menu_id(data: dict[str, Any]) -> str:
    """The id of a tapped link, under WeChat's own name or that of the link's parameter."""
    menu_id = data.get("bizmsgmenuid", data.get("msgmenuid", ""))
    menu_id = str(menu_id) if isinstance(menu_id, int) else menu_id
    if not isinstance(menu_id, str) or len(menu_id) > MENU_ID_CHARACTERS_MAX or not is_xml_text(menu_id):
        raise PostRefused(f"'bizmsgmenuid' must be text of at most {MENU_ID_CHARACTERS_MAX} characters")
    return menu_id


def _did(data: dict[str, Any]) -> Did:
    event = _text(data, "event")
    if event not in EVENTS:
        raise PostRefused(f"'event' must be one of {', '.join(EVENTS)}")
    name = NEEDS_KEY.get(event, "scene")
    if event not in NEEDS_KEY and name not in data:
        return Did(event)
    key = _text(data, name)
    if not 1 <= len(key.encode()) <= KEY_BYTES_MAX:
        raise PostRefused(f"{name!r} must have 1 to {KEY_BYTES_MAX} bytes")
    return Did(event, key)


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if name == "scene" and isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        raise PostRefused(f"{name!r} is missing or is not text")
    if not is_xml_text(value):
        raise PostRefused(f"{name!r} holds a control character or a lone surrogate; leave it out")
    return value
