"""Reads the parts of a configuration, each of its type, and refuses a wrong one by the name of its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from bot.sandbox.errors import ConfigRefused

LANGUAGES = ("zh", "en")
ITEMS_MAX = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said:
    """Words for the page, in both its languages."""

    zh: str = ""
    en: str = ""

    @classmethod
    def parse(cls, where: str, value: object) -> Self:
        """`{"zh": …, "en": …}`, or one text for both."""
        if isinstance(value, str):
            return cls(value, value)
        if not isinstance(value, dict) or not all(isinstance(value.get(language), str) for language in LANGUAGES):
            raise ConfigRefused(f"{where}: must be text, or an object with {' and '.join(LANGUAGES)}")
        return cls(value["zh"], value["en"])

    def as_json(self) -> dict[str, str]:
        """As the page takes it."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Reader:
    """One JSON object of the configuration, and where it stands; what else it says is not ours to judge."""

    where: str
    data: Mapping[str, Any]

    @classmethod
    def of(cls, where: str, value: object) -> Self:
        """Raise ConfigRefused for anything but an object."""
        if not isinstance(value, dict):
            raise ConfigRefused(f"{where}: must be an object")
        return cls(where, value)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self.data.get(name, default)
        if not isinstance(value, str):
            raise ConfigRefused(f"{self.where}: {name!r} must be text")
        return value

    def said(self, name: str, default: str | None = None) -> Said:
        """Words in both languages."""
        return Said.parse(f"{self.where}: {name!r}", self.data.get(name, default))

    def each(self, name: str, read: Callable[["Reader"], T]) -> tuple[T, ...]:
        """A list of objects, each read; none when there is no such list."""
        items = self.data.get(name, [])
        if not isinstance(items, list) or len(items) > ITEMS_MAX:
            raise ConfigRefused(f"{self.where}: {name!r} must be a list of at most {ITEMS_MAX}")
        return tuple(read(Reader.of(f"{self.where}: {name}", item)) for item in items)

    def inner(self, name: str) -> "Reader":
        """An object inside."""
        return Reader.of(f"{self.where}: {name}", self.data.get(name))
