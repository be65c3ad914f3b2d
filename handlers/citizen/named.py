"""Which of several the person named: a matter, a month, or an amount in their words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import cn2an

from handlers.amounts import parse_amount
from handlers.services import Services
from ledger.views import AwardView, PaymentView

WORDS_CHARACTERS_MAX = 200

_IN_WORDS = "零一二两三四五六七八九十百千万"
_AMOUNT = re.compile(
    rf"([0-9][0-9,]*(?:\.[0-9]{{1,2}})?) ?(万|元|块)|([{_IN_WORDS}]{{2,}}|[一二两三四五六七八九]百)(?:多?元|多?块|$|的)"
)
_MONTH = re.compile(r"(?:(20[0-9]{2})年)?(1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?!份?以)")
_THIS_MONTH, _LAST_MONTH = re.compile(r"这个?月|本月|当月"), re.compile(r"上个?月")
_MONTHS_IN_WORDS = {word: at for at, word in enumerate((*"一二三四五六七八九十", "十一", "十二"), 1)}
FEN = 100


@dataclass(frozen=True, slots=True)
class Named:
    """What of the money was named; all of it has to fit, except what fits nothing that the person has."""

    programmes: frozenset[str]
    months: frozenset[str]  # YYYY-MM, or -MM of whatever year
    amounts: frozenset[int]  # fen

    def __bool__(self) -> bool:
        return bool(self.programmes or self.months or self.amounts)


def named_matters(words: str, services: Services) -> list[str]:
    """The codes of the matters that somebody's words name."""
    return [matter.code for matter in services.matters.values() if matter.is_named_in(words)]


def named_money(words: str, services: Services, today: date) -> Named:
    """What somebody's words name of their money."""
    words = words[:WORDS_CHARACTERS_MAX]
    matters = {services.matters[code].programme for code in named_matters(words, services)}
    called = {one.code for one in services.programmes.values() if one.money in words or one.name in words}
    programmes = frozenset(code for code in matters | called if code is not None)
    return Named(programmes, frozenset(_months(words, today)), frozenset(_amounts(words)))


def _months(words: str, today: date) -> list[str]:
    found = [f"{year}-{_month(month):02}" for year, month in _MONTH.findall(words)]
    months = today.year * 12 + today.month - 1
    if _THIS_MONTH.search(words):
        found.append(_period(months))
    if _LAST_MONTH.search(words):
        found.append(_period(months - 1))
    return found


def _month(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() else _MONTHS_IN_WORDS[text]


def _period(months: int) -> str:
    return f"{months // 12:04}-{months % 12 + 1:02}"


def _amounts(words: str) -> list[int]:
    found = []
    for figures, unit, spoken in _AMOUNT.findall(words):
        fen = parse_amount(figures + unit.replace("块", "元")) if figures else _spoken(spoken)
        if fen is not None:
            found.append(fen)
    return found


def _spoken(text: str) -> int | None:
    try:
        return int(cn2an.cn2an(text, "smart")) * FEN
    except ValueError:  # no number after all
        return None


def fitting(named: Named, money: Sequence[tuple[AwardView, Sequence[PaymentView]]]) -> list[AwardView]:
    """Those that were meant; all of them when nothing was named, or when what was named fits none."""
    meant = [pair for pair in money if not named.programmes or pair[0].state.programme in named.programmes]
    for test in (_in_month, _of_amount):
        meant = [pair for pair in meant if test(named, *pair)] or meant
    return [award for award, _ in meant]


def _in_month(named: Named, award: AwardView, _payments: Sequence[PaymentView]) -> bool:
    return not named.months or any((award.state.period or "").endswith(month) for month in named.months)


def _of_amount(named: Named, award: AwardView, payments: Sequence[PaymentView]) -> bool:
    amounts = {award.state.amount, *(payment.state.amount for payment in payments)}
    return not named.amounts or bool(named.amounts & amounts)
