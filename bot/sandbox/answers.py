"""Reads what an account answered into what the person sees, or finds it unfit as WeChat would."""

from dataclasses import dataclass

from bot.sandbox.envelope import open_answer
from bot.sandbox.errors import AnswerMalformed
from bot.sandbox.wire import parse_article, parse_xml
from bot.sandbox.world import Delivery, Kind

TEXT_BYTES_MAX = 2048
NO_ANSWER = (b"", b"success")


@dataclass(frozen=True, slots=True)
class Answer:
    """A passive answer: the text as it came, anchors and all."""

    text: str
    kind: Kind


def read_answer(delivery: Delivery, body: bytes) -> Answer | None:
    """Open and read the answer to a delivery; None when the account had nothing to say."""
    if body.strip() in NO_ANSWER:
        return None
    xml = open_answer(delivery.account, body)
    fields = parse_xml(xml)
    # WeChat shows an answer only from this account to this person.
    if fields.get("ToUserName") != delivery.openid or fields.get("FromUserName") != delivery.account.original_id:
        raise AnswerMalformed("the answer's ToUserName or FromUserName is not that of its delivery")
    if not fields.get("CreateTime", "").isdigit():
        raise AnswerMalformed("the answer's CreateTime is not a number of seconds")
    match fields.get("MsgType"):
        case "text":
            return _text(fields.get("Content", ""))
        case "news":
            return Answer("\n".join(filter(None, parse_article(xml))), Kind.NEWS)
        case other:
            raise AnswerMalformed(f"the sandbox shows text and news, found {other!r}")


def _text(content: str) -> Answer:
    if not content:
        raise AnswerMalformed("the answer's Content is empty")
    if len(content.encode()) > TEXT_BYTES_MAX:
        raise AnswerMalformed(f"the answer's Content has more than {TEXT_BYTES_MAX} bytes")
    return Answer(content, Kind.TEXT)
