"""Turns the XML of a delivery that is known to be WeChat's into one of our message classes, and answers into XML.

Even a signed delivery carries words of strangers: no document type, no entities, few elements, bounded fields.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, TypedDict
from xml.parsers import expat

from bot.errors import MalformedDelivery, StaleDelivery
from bot.messages import (
    Clicked,
    Consent,
    Image,
    Link,
    Location,
    LocationReported,
    Message,
    Scanned,
    ShortVideo,
    SubscribeChanged,
    Subscribed,
    SubscribePopup,
    SubscribeSent,
    TemplateSent,
    Text,
    UnknownKind,
    Unsubscribed,
    Video,
    Viewed,
    Voice,
)
from bot.replies import NewsReply, Reply, TextReply

ELEMENTS_MAX = 256
DEPTH_MAX = 6
KEY_CHARACTERS_MAX = 256  # EventKey, MediaId and the like
URL_CHARACTERS_MAX = 2_048
# Inside, the moment when the person sent it. Wider than the envelope's window: repeats keep it, and WeChat's
# clocks are several.
CREATED_SECONDS_MAX = 900

_ID = re.compile(r"[!-~]{1,64}")  # openids, account ids and MsgIds: visible ASCII
_CREATED = re.compile(r"[0-9]{1,12}")
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


class Common(TypedDict):
    """What every message class takes."""

    sender: str
    account: str
    created: int
    delivery_key: str


@dataclass(slots=True)
class Fields:
    """A delivery's elements: one level of text, and the entries of its lists."""

    values: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)

    def text(self, name: str, characters_max: int = KEY_CHARACTERS_MAX) -> str:
        """One field, "" when it is absent."""
        value = self.values.get(name, "")
        if len(value) > characters_max:
            raise MalformedDelivery(f"{name} has {len(value)} characters, at most {characters_max}")
        return value

    def matching(self, name: str, pattern: re.Pattern[str]) -> str:
        """One field that must be there and look like this."""
        value = self.values.get(name, "")
        if pattern.fullmatch(value) is None:
            raise MalformedDelivery(f"{name} is missing or malformed")
        return value


class _Reader:
    """Expat's events, kept to a flat document: `<xml>`, its children, and `<List>` entries further down."""

    def __init__(self) -> None:
        self.fields = Fields()
        self._path: list[str] = []
        self._elements = 0
        self._words: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._elements += 1
        self._words.clear()
        if self._elements > ELEMENTS_MAX or len(self._path) > DEPTH_MAX or self._path[0] != "xml":
            raise MalformedDelivery("too many elements, too deep, or not <xml>")
        if name == "List":
            self.fields.entries.append({})

    def end(self, name: str) -> None:
        words = "".join(self._words)
        self._words.clear()
        if len(self._path) == 2:
            if name in self.fields.values:
                raise MalformedDelivery("one element stands twice")
            self.fields.values[name] = words
        elif len(self._path) > 2 and self._path[-2] == "List":
            self.fields.entries[-1][name] = words
        self._path.pop()

    def words(self, data: str) -> None:
        self._words.append(data)


def _refuse(*_details: object) -> NoReturn:
    raise MalformedDelivery("document types and entities are refused")


def read_fields(xml: bytes) -> Fields:
    """Read a flat XML document; anything else about it is malformed."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.words
    # Without a document type there are no entities, so neither a billion laughs nor a file of ours in the text.
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(xml.decode(), True)  # decoded first: expat would follow a mark for UTF-16
    except UnicodeDecodeError as error:
        raise MalformedDelivery("not UTF-8") from error
    except expat.ExpatError as error:
        raise MalformedDelivery(f"XML error {error.code}") from error
    return reader.fields


def parse_delivery(xml: bytes, now: float) -> Message:
    """Read one delivery. Raises `MalformedDelivery`, or `StaleDelivery` for one that was written at another time."""
    fields = read_fields(xml)
    created = int(fields.matching("CreateTime", _CREATED))
    if abs(now - created) > CREATED_SECONDS_MAX:
        raise StaleDelivery(f"written {now - created:.0f} s ago, at most {CREATED_SECONDS_MAX}")
    common = Common(
        sender=fields.matching("FromUserName", _ID),
        account=fields.matching("ToUserName", _ID),
        created=created,
        delivery_key=_delivery_key(fields),
    )
    kind = fields.text("MsgType").lower()
    name = fields.text("Event").lower() if kind == "event" else kind
    parse = (_EVENTS if kind == "event" else _MESSAGES).get(name)
    return parse(fields, common) if parse else UnknownKind(**common, kind=f"{kind}/{name}"[:KEY_CHARACTERS_MAX])


def _delivery_key(fields: Fields) -> str:
    """What is the same in each repeat. A MsgId is one sender's business too: another's cannot take its answer."""
    sender, message_id = fields.text("FromUserName"), fields.values.get("MsgId", "")
    if message_id:
        return f"{sender} m {fields.matching('MsgId', _ID)}"
    # The longest key is the address of a page that a menu button opened.
    told = "\0".join(fields.text(name, URL_CHARACTERS_MAX) for name in ("MsgType", "Event", "EventKey", "Ticket"))
    words = fields.values.get("Content", "")
    digest = hashlib.sha256(f"{told}\0{words}\0{fields.entries}".encode()).hexdigest()[:16]
    return f"{sender} e {fields.text('CreateTime')} {digest}"


def _text(fields: Fields, common: Common) -> Message:
    menu_id = fields.text("bizmsgmenuid") or None
    return Text(**common, content=fields.values.get("Content", ""), menu_id=menu_id)


def _voice(fields: Fields, common: Common) -> Message:
    return Voice(**common, media_id=fields.text("MediaId"), recognition=fields.values.get("Recognition", ""))


def _location(fields: Fields, common: Common) -> Message:
    try:
        latitude, longitude = float(fields.text("Location_X")), float(fields.text("Location_Y"))
    except ValueError as error:
        raise MalformedDelivery("a location without its place") from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise MalformedDelivery("a location outside the world")
    label = fields.text("Label", URL_CHARACTERS_MAX)
    return Location(**common, latitude=latitude, longitude=longitude, label=label)


def _link(fields: Fields, common: Common) -> Message:
    title, url = fields.text("Title", URL_CHARACTERS_MAX), fields.text("Url", URL_CHARACTERS_MAX)
    return Link(**common, title=title, url=url)


def _subscribed(fields: Fields, common: Common) -> Message:
    scene = fields.text("EventKey").removeprefix("qrscene_")
    return Subscribed(**common, scene=scene or None)


def _viewed(fields: Fields, common: Common) -> Message:
    return Viewed(**common, url=fields.text("EventKey", URL_CHARACTERS_MAX))


def _template_sent(fields: Fields, common: Common) -> Message:
    return TemplateSent(**common, message_id=fields.text("MsgID"), status=fields.text("Status"))


def _consents(fields: Fields) -> tuple[Consent, ...]:
    return tuple(
        Consent(template_id=entry.get("TemplateId", ""), accepted=entry.get("SubscribeStatusString") == "accept")
        for entry in fields.entries
    )


def _subscribe_sent(fields: Fields, common: Common) -> Message:
    sent = fields.entries[0] if fields.entries else {}
    template_id, message_id = sent.get("TemplateId", ""), sent.get("MsgID", "")
    return SubscribeSent(**common, template_id=template_id, message_id=message_id, error_code=sent.get("ErrorCode", ""))


Parse = Callable[[Fields, Common], Message]

_MESSAGES: dict[str, Parse] = {
    "text": _text,
    "image": lambda fields, common: Image(**common, media_id=fields.text("MediaId")),
    "voice": _voice,
    "video": lambda fields, common: Video(**common, media_id=fields.text("MediaId")),
    "shortvideo": lambda fields, common: ShortVideo(**common, media_id=fields.text("MediaId")),
    "location": _location,
    "link": _link,
}
_EVENTS: dict[str, Parse] = {
    "subscribe": _subscribed,
    "unsubscribe": lambda _, common: Unsubscribed(**common),
    "scan": lambda fields, common: Scanned(**common, scene=fields.text("EventKey")),
    "location": lambda _, common: LocationReported(**common),
    "click": lambda fields, common: Clicked(**common, key=fields.text("EventKey")),
    "view": _viewed,
    "templatesendjobfinish": _template_sent,
    "subscribe_msg_popup_event": lambda fields, common: SubscribePopup(**common, choices=_consents(fields)),
    "subscribe_msg_change_event": lambda fields, common: SubscribeChanged(**common, choices=_consents(fields)),
    "subscribe_msg_sent_event": _subscribe_sent,
}


def print_reply(reply: Reply, message: Message, now: float) -> bytes:
    """The XML of an answer to `message`; b"" for silence."""
    match reply:
        case TextReply(content=content):
            body = f"<MsgType><![CDATA[text]]></MsgType><Content>{cdata(content)}</Content>"
        case NewsReply():
            body = _article(reply)
        case _:
            return b""
    return (
        f"<xml><ToUserName>{cdata(message.sender)}</ToUserName><FromUserName>{cdata(message.account)}</FromUserName>"
        f"<CreateTime>{int(now)}</CreateTime>{body}</xml>"
    ).encode()


def _article(news: NewsReply) -> str:
    return (
        "<MsgType><![CDATA[news]]></MsgType><ArticleCount>1</ArticleCount><Articles><item>"
        f"<Title>{cdata(news.title)}</Title><Description>{cdata(news.description)}</Description>"
        f"<PicUrl>{cdata(news.picture_url)}</PicUrl><Url>{cdata(news.url)}</Url></item></Articles>"
    )


def cdata(value: str) -> str:
    """Character data as WeChat writes it. No library of ours writes CDATA that may hold its own end, so this does."""
    return f"<![CDATA[{_NOT_XML.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>"
