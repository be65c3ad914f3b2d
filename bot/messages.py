"""What WeChat can tell us: one frozen class for each kind of message and event.

Names and fields are WeChat's own (developers.weixin.qq.com, 接收普通消息 and 接收事件推送), spelled in
Python's way. Everything here comes from the sealed part of a delivery and has been bounded by `parsing`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What every delivery carries."""

    sender: str  # FromUserName: the person's openid at this account
    account: str  # ToUserName: the account's own id, echoed in the answer
    created: int  # CreateTime: Unix seconds, by WeChat's clock
    delivery_key: str  # the same for each repeat of one delivery, and for nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Message):
    """Words that a person typed, or the content of a link that they tapped."""

    content: str
    menu_id: str | None = None  # bizmsgmenuid, when a `weixin://bizmsgmenu` link was tapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Message):
    """A picture; it is never fetched."""

    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice(Message):
    """A spoken message; `recognition` is WeChat's transcript, often empty."""

    media_id: str
    recognition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Message):
    """A video; it is never fetched."""

    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortVideo(Message):
    """A short video; it is never fetched."""

    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location(Message):
    """A place that a person sent on purpose."""

    latitude: float
    longitude: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Message):
    """A page that a person forwarded; it is never opened."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Message):
    """Somebody follows the account, perhaps by a QR code that carries a scene."""

    scene: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribed(Message):
    """Somebody left; nothing can be sent to them any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Message):
    """A follower scanned a QR code that carries a scene."""

    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked(Message):
    """A menu button of type click; its key is routed like typed words."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed(Message):
    """A menu button that opened a page."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationReported(Message):
    """WeChat's own location report; its coordinates are dropped unread, nobody asked for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSent(Message):
    """How the sending of a template message ended."""

    message_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person chose for one subscription template."""

    template_id: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribePopup(Message):
    """The person answered the page's question whether they want notices."""

    choices: tuple[Consent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeChanged(Message):
    """The person changed their mind in WeChat's settings."""

    choices: tuple[Consent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeSent(Message):
    """How the sending of a subscription notice ended."""

    template_id: str
    message_id: str
    error_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownKind(Message):
    """A kind or event that this list does not know; `kind` says which."""

    kind: str


# Kinds that a person sends to be answered, and with the events below those after which WeChat lets us write for 48 h.
SENT_BY_PERSON = (Text, Image, Voice, Video, ShortVideo, Location, Link)
OPENS_48_HOURS = (*SENT_BY_PERSON, Subscribed, Scanned, Clicked)
