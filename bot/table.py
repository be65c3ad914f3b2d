"""The table of a conversation: rows that say which messages go to which handler, and what a handler is given.

A row whose guard says no behaves as if it were not in the table, so nobody learns of a command that is not theirs.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from bot.messages import Message
from bot.replies import Reply
from bot.sessions import Session

S = TypeVar("S")

Argument = Literal["none", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Request:
    """One message, understood as far as the bot can, for a handler to answer."""

    message: Message
    sender: str
    delivery_key: str  # the same for each repeat: give it to whatever must happen only once
    now: datetime  # aware
    session: Session  # change it freely; it is stored together with the answer
    sealed: bool = True  # False in plain mode, where nobody proved who is speaking
    text: str = ""  # normalised and masked; after a choice, what the choice stands for
    typed: str = ""  # the same before a choice was followed
    argument: str = ""  # what stands after the command; of a bare number "number" or "number code"
    understood: str = ""  # the command's first word in the table, also when typed with a typo or through a synonym
    taken_for: str = ""  # the sense of natural words, or the command that inexact ones were taken for; "" when exact
    asks: bool = False  # it has the form of a question
    masked: bool = False  # it held an ID or card number, which is gone from `text`


Handler = Callable[[Request, S], Reply]
Guard = Callable[[Request, S], bool]

STAFF_SIGNS = ("#", "/")  # the full-width ＃ and ／ have become these
Phrase = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """Messages of one kind."""

    kind: type[Message]
    handler: Handler[S]
    guard: Guard[S] | None = None


@dataclass(frozen=True, slots=True)
class Command(Generic[S]):
    """A word, its synonyms, and what may follow."""

    word: str
    handler: Handler[S]
    also: tuple[str, ...] = ()
    guard: Guard[S] | None = None
    argument: Argument = "optional"
    exact: bool = False
    looks: bool = False


@dataclass(frozen=True, slots=True)
class Words(Generic[S]):
    """Natural phrases that mean one thing."""

    phrases: tuple[Phrase, ...]
    handler: Handler[S]
    guard: Guard[S] | None = None


Reading = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Says which of its senses natural words have, "" for none of them."""

    surely: Reading  # asked before anything inexact is tried
    perhaps: Reading  # asked when nothing else understood them


@dataclass(frozen=True, slots=True)
class Sense(Generic[S]):
    """Natural words that a reader finds to mean this."""

    reader: Reader
    sense: str
    handler: Handler[S]
    guard: Guard[S] | None = None
    looks: bool = False


@dataclass(frozen=True, slots=True)
class Shape(Generic[S]):
    """A message recognised by its form: a bare number, six digits, something masked, or anything else."""

    shape: Literal["number", "code", "masked", "otherwise"]
    handler: Handler[S]
    guard: Guard[S] | None = None


Route = Kind[S] | Command[S] | Words[S] | Sense[S] | Shape[S]


def on(kind: type[Message], handler: Handler[S], guard: Guard[S] | None = None) -> Route[S]:
    """Messages of one kind. `on(Voice, …)` gets only the voices that WeChat could not write down."""
    return Kind(kind, handler, guard)


def on_command(
    word: str,
    handler: Handler[S],
    *,
    also: Sequence[str] = (),
    guard: Guard[S] | None = None,
    argument: Argument = "optional",
    exact: bool = False,
    looks: bool = False,
) -> Route[S]:
    """A command.

    `exact` ones do something: no typo, no question and nothing unsealed reaches them. One that `looks` changes nothing
    but the dialogue when nothing follows it, so it may be answered again when another message came between.
    """
    return Command(word, handler, tuple(also), guard, argument, exact, looks)


def on_number(handler: Handler[S], guard: Guard[S] | None = None) -> Route[S]:
    """A run of 12 to 20 digits, perhaps with a query code; alone, or in words that nothing else understands."""
    return Shape("number", handler, guard)


def on_code(handler: Handler[S], when: Guard[S] | None = None) -> Route[S]:
    """Six digits alone, sealed."""
    return Shape("code", handler, when)


def on_words(phrases: Sequence[Phrase], handler: Handler[S], guard: Guard[S] | None = None) -> Route[S]:
    """Natural phrases: a string is the whole message (without numbers and courtesy), a pattern is searched in it."""
    return Words(tuple(phrases), handler, guard)


def on_sense(
    reader: Reader, sense: str, handler: Handler[S], guard: Guard[S] | None = None, *, looks: bool = False
) -> Route[S]:
    """Natural words (without numbers and courtesy) of which `reader` says that they mean this; `looks` as above."""
    return Sense(reader, sense, handler, guard, looks)


def on_masked(handler: Handler[S]) -> Route[S]:
    """Text that held an ID or card number: nothing else is done with it."""
    return Shape("masked", handler)


def otherwise(handler: Handler[S]) -> Route[S]:
    """What nothing else understood."""
    return Shape("otherwise", handler)
