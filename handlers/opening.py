"""Reads the hours that an office has set, as people write them, and says whether it is open now.

What cannot be read wholly is not guessed at: then nothing is said about now.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ledger.workdays import is_workday

LOOK_AHEAD_DAYS = 31  # the longest holidays are much shorter
SATURDAY = 5
EVERY_DAY = frozenset(range(7))
HALF_A_DAY = 12

_WEEK = "一二三四五六日天"
_RANGE = r"\s*(?:-|–|—|~|至|到)\s*"
_DAYS = re.compile(
    rf"(?:周|星期|礼拜)([{_WEEK}]){_RANGE}(?:周|星期|礼拜)?([{_WEEK}])|(?:法定)?(工作日)|(每天|全年|全周|周一到周日)"
)
_CLOCK = r"(上午|早上|中午|下午|晚上)?\s*([0-9]{1,2})(?::([0-9]{2})|点(半)?|时)"
_SPAN = re.compile(_CLOCK + _RANGE + _CLOCK)
_SAYS_NOTHING = re.compile(
    r"(?:办公|办事|上班|开放|服务|窗口)?时间|(?:法定)?节假日(?:除外|休息|不办公)|周末(?:除外|休息)|[\s,;:、。()和及]"
)


@dataclass(frozen=True, slots=True)
class Hours:
    """On which days, and from when to when."""

    weekdays: frozenset[int]  # Monday is 0
    holidays_too: bool
    working_days: bool  # as the State Council moves them: some Saturdays are
    spans: tuple[tuple[time, time], ...]

    def opens_on(self, day: date) -> bool:
        """Whether there is anybody on that day."""
        works = is_workday(day)
        if works is None:  # the year's holidays are not published: only the weekday is known
            works = day.weekday() < SATURDAY
        if self.working_days:
            return works
        closed_for_a_holiday = not works and day.weekday() < SATURDAY
        return day.weekday() in self.weekdays and (self.holidays_too or not closed_for_a_holiday)

    def closes_at(self, moment: datetime) -> time | None:
        """When it closes, if it is open at that moment (in the office's own time); else None."""
        if not self.opens_on(moment.date()):
            return None
        return next((end for start, end in self.spans if start <= moment.time() < end), None)

    def opens_next(self, moment: datetime) -> datetime | None:
        """When it opens after a moment at which it is closed."""
        for ahead in range(LOOK_AHEAD_DAYS):
            day = moment.date() + timedelta(days=ahead)
            starts = [datetime.combine(day, start, moment.tzinfo) for start, _ in self.spans]
            later = [start for start in starts if start > moment]
            if later and self.opens_on(day):
                return min(later)
        return None


def parse_hours(text: str) -> Hours | None:
    """Hours such as `工作日 9:00-12:00，13:30-17:00` or `周一至周六 上午8点半到11点半`; None without days or times.

    >>> parse_hours("工作日 9:00-17:00").spans, parse_hours("看情况")
    (((datetime.time(9, 0), datetime.time(17, 0)),), None)
    """
    plain = unicodedata.normalize("NFKC", text)
    days = _DAYS.search(plain)
    spans = [_span(found) for found in _SPAN.finditer(plain)]
    rest = _SAYS_NOTHING.sub("", _SPAN.sub("", _DAYS.sub("", plain, count=1)))
    if days is None or rest or not spans or any(span is None for span in spans):
        return None
    kept = tuple(sorted(span for span in spans if span is not None))
    first, last, working, every_day = days.groups()
    weekdays = _weekdays(first, last) if first and last else EVERY_DAY
    return Hours(weekdays, holidays_too=bool(every_day), working_days=bool(working), spans=kept)


def _weekdays(first: str, last: str) -> frozenset[int]:
    start, end = (min(_WEEK.index(day), 6) for day in (first, last))
    return frozenset(day % 7 for day in range(start, end + (1 if end >= start else 8)))


def _span(found: re.Match[str]) -> tuple[time, time] | None:
    half, *start, end_half, end_hour, end_minute, end_half_past = found.groups()
    begins, ends = _clock(half, *start), _clock(end_half or half, end_hour, end_minute, end_half_past)
    return (begins, ends) if begins is not None and ends is not None and begins < ends else None


def _clock(half_day: str | None, hour: str, minute: str | None, half_past: str | None) -> time | None:
    hours, minutes = int(hour), int(minute) if minute else 30 if half_past else 0
    if half_day in {"下午", "晚上"} and hours < HALF_A_DAY:
        hours += HALF_A_DAY
    return time(hours, minutes) if hours < 24 and minutes < 60 else None
