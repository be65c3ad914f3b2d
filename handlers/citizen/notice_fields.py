"""Fills the fields of the account's subscription template: which of them says what is the department's setting.

WeChat refuses a notice with one value that is too long or empty, so each is fitted to its kind of field here.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from bot.outbox import Waiting
from handlers.citizen.notices import brief
from handlers.citizen.voice import record_name, voice_for
from handlers.locale.formats import day_of
from handlers.services import Services
from ledger.records.claims import is_test

# Tencent's 订阅消息参数值内容限制, in characters, of the kinds that carry words.
CHARACTERS_MAX = {"thing": 20, "phrase": 5, "character_string": 32, "date": 32, "time": 32, "name": 20, "const": 20}
ELLIPSIS = "…"

Layout = Sequence[tuple[str, str]]  # a template's field, and which of title, what, day, number it says


def fill(notice: Waiting, layout: Layout, services: Services) -> Mapping[str, str]:
    """The fields of one notice."""
    language = services.outbox.language_of(notice.openid)
    told = _told(notice, language, services)
    if is_test(services.node.origin):
        say = voice_for(language, services).say
        told = {**told, "title": [say("test.title", title=title) for title in told["title"]]}
    return {field: _fitted(told[source], _characters(field)) for field, source in layout}


def _told(notice: Waiting, language: str, services: Services) -> Mapping[str, Sequence[str]]:
    """What each source says: several ways, the fullest first."""
    say = voice_for(language, services).say
    told = brief(notice.key, language, services)
    if told is None:
        today = day_of(services.node.now())
        title = say("field.security" if notice.key.startswith("bound:") else "field.title")
        return {"title": [title], "what": [say("field.look")], "day": [_day(today)], "number": ["-"]}
    number = told.number or (record_name(notice.record) if notice.record else "-")
    titles = [f"{told.name} {told.amount}".strip(), told.name]  # half an amount would be another amount
    return {"title": titles, "what": [told.what, say("field.look")], "day": [_day(told.day)], "number": [number]}


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"  # the one form that these fields take


def _characters(field: str) -> int:
    return CHARACTERS_MAX.get(field.rstrip("0123456789"), 0)


def _fitted(ways: Sequence[str], characters_max: int) -> str:
    """The fullest way that fits; of the last one its beginning."""
    whole = next((way for way in ways if 0 < len(way) <= characters_max), None)
    return whole or ways[-1][: characters_max - 1] + ELLIPSIS
