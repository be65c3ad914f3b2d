"""Amounts, days and times, as each language writes them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")  # the one time of all of China

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def figures(fen: int) -> str:
    """An amount in figures without its unit: 300000 is `3,000.00`."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), 100)
    return f"{sign}{yuan:,}.{rest:02}"


def money(language: str, fen: int) -> str:
    """An amount with its unit."""
    return f"{figures(fen)}元" if language == "zh" else f"{figures(fen)} yuan"


def day_of(at: int) -> date:
    """The day in China of a moment in seconds since 1970."""
    return datetime.fromtimestamp(at, CHINA).date()


def day(language: str, value: date, today: date) -> str:
    """A day, with its year when that is not the present one."""
    if language == "zh":
        year = "" if value.year == today.year else f"{value.year}年"
        return f"{year}{value.month}月{value.day}日"
    year = "" if value.year == today.year else f" {value.year}"
    return f"{value.day} {_MONTHS[value.month - 1]}{year}"


def month(language: str, period: str, today: date) -> str:
    """A month written YYYY-MM, with its year when that is not the present one."""
    year, number = int(period[:4]), int(period[5:])
    if language == "zh":
        return f"{number}月" if year == today.year else f"{year}年{number}月"
    return _MONTHS[number - 1] if year == today.year else f"{_MONTHS[number - 1]} {year}"


def clock(at: int) -> str:
    """The time of day in China, e.g. 09:05."""
    return datetime.fromtimestamp(at, CHINA).strftime("%H:%M")


def moment(at: datetime) -> str:
    """The time of day in China to the second, for what changes every half minute."""
    return at.astimezone(CHINA).strftime("%H:%M:%S")
