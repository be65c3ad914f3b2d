"""Every word that people read, by language: named templates, filled in safely.

A value put into a template is foreign until `Own` says that we wrote it: a name or a complaint can then never become a
link that speaks as the person who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.replies import plain
from handlers.locale import en, zh

DEFAULT = "zh"
TEXTS: Mapping[str, Mapping[str, str]] = {"zh": zh.TEXTS, "en": en.TEXTS}


class Own(str):
    """Words that we composed ourselves; links and line ends in them are meant."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    language: str

    def __call__(self, key: str, **values: object) -> Own:
        """Fill the template `key`; text among the values is made harmless unless it is `Own`."""
        template = TEXTS[self.language][key]
        if not values:
            return Own(template)
        return Own(template.format_map({name: _harmless(value) for name, value in values.items()}))

    def has(self, key: str) -> bool:
        """Whether there is a template of that name, for keys made from codes that others send."""
        return key in TEXTS[self.language]


_IN = {language: Words(language) for language in TEXTS}


def words_in(language: str) -> Words:
    """The catalogue in the language a person chose; in Chinese when they chose none."""
    return _IN.get(language, _IN[DEFAULT])


def _harmless(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Own) else value
