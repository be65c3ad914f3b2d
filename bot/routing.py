"""Which message goes to which handler: a table of rows, read in the order in which people mean things.

What the person wrote is tried as: a choice they were offered, a staff command, an exact command, a bare number, six
digits, a natural phrase, a command with polite words around it, natural words, a command with one typo, and whatever
else natural words may mean; then nothing was understood.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic

from bot.messages import SENT_BY_PERSON, Clicked, Message, Text, Voice
from bot.replies import SILENCE, Reply
from bot.sensitive import Masked, mask, with_words, without_private_labels
from bot.table import (
    STAFF_SIGNS,
    Argument,
    Command,
    Guard,
    Handler,
    Kind,
    Phrase,
    Reader,
    Request,
    Route,
    S,
    Sense,
    Shape,
    Words,
    on,
    on_code,
    on_command,
    on_masked,
    on_number,
    on_sense,
    on_words,
    otherwise,
)
from bot.understanding import (
    IsNumber,
    asks,
    find_number,
    is_typo,
    join_numbers,
    simplify,
    spoken_digit,
    tidy,
    without_courtesy,
    without_number,
    without_preamble,
)

__all__ = [
    "STAFF_SIGNS",
    "Argument",
    "Command",
    "Guard",
    "Handler",
    "Kind",
    "Phrase",
    "Reader",
    "Request",
    "Route",
    "Router",
    "Sense",
    "Shape",
    "Words",
    "on",
    "on_code",
    "on_command",
    "on_masked",
    "on_number",
    "on_sense",
    "on_words",
    "otherwise",
]

SHORT_CHARACTERS_MAX = 8
SHORT_KEPT = 512  # such words, in each process

_NUMBER_LIKE = re.compile(r"[0-9][0-9 .,万元块]*$")
_SIX_DIGITS = re.compile(r"[0-9]{6}$")
_DIGIT = re.compile(r"[0-9]")
_HEAD_AND_REST = re.compile(r"([^\s0-9]+)(.*)$")
_MARKS = re.compile(r"[\s?。.,，、!~;:…]+")


@dataclass(frozen=True, slots=True)
class _Spelt:
    """Somebody's words in one spelling."""

    hidden: Masked
    typed: str  # with numbers joined
    text: str  # in the characters of the Mainland, without courtesy behind it
    asks: bool


def _spell(words: str, is_number: IsNumber) -> _Spelt:
    hidden = mask(tidy(words), is_number)
    typed = join_numbers(hidden.text, is_number)
    simple = simplify(typed)
    return _Spelt(hidden, typed, without_courtesy(simple), asks(simple))


@lru_cache(SHORT_KEPT)
def _spell_short(words: str) -> _Spelt:
    """The few words that most people write: no number fits into so few letters, and they are spelt alike each time."""
    return _spell(words, _is_no_number)


def _is_no_number(_digits: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """Who answers, and what was understood so far."""

    handler: Handler[S]
    argument: str = ""
    understood: str = ""
    taken_for: str = ""
    looks: bool = False


@dataclass(frozen=True, slots=True)
class Meant(Generic[S]):
    """A message that was understood, with whoever answers it."""

    handler: Handler[S]
    request: Request
    looks: bool = False  # nothing but the dialogue changes: it may be answered twice


class Router(Generic[S]):
    """The table, with the services that its handlers use."""

    def __init__(self, routes: Sequence[Route[S]], services: S, is_number: IsNumber) -> None:
        self.services = services
        self._is_number = is_number
        commands = [row for row in routes if isinstance(row, Command)]
        self._staff = _spellings(row for row in commands if row.word.startswith(STAFF_SIGNS))
        self._plain = _spellings(row for row in commands if not row.word.startswith(STAFF_SIGNS))
        self._by_first: dict[str, list[tuple[str, Command[S]]]] = {}
        for spelling, command in self._plain:
            self._by_first.setdefault(spelling[0], []).append((spelling, command))
        self._words = [row for row in routes if isinstance(row, Words)]
        self._senses: dict[Reader, dict[str, list[Sense[S]]]] = {}
        self._kinds: dict[type[Message], list[Kind[S]]] = {}
        self._shapes: dict[str, list[Shape[S]]] = {}
        for row in routes:
            if isinstance(row, Kind):
                self._kinds.setdefault(row.kind, []).append(row)
            elif isinstance(row, Shape):
                self._shapes.setdefault(row.shape, []).append(row)
            elif isinstance(row, Sense):
                self._senses.setdefault(row.reader, {}).setdefault(row.sense, []).append(row)

    def answer(self, request: Request) -> Reply:
        """Find the handler and let it answer."""
        meant = self.find(request)
        return meant.handler(meant.request, self.services)

    def find(self, request: Request) -> Meant[S]:
        """Find the handler, and what it is given."""
        words = self._words_of(request.message)
        if words is None:
            request = replace(request, message=without_private_labels(request.message, self._is_number))
            return Meant(self._handler_of_kind(request), request)
        request = self._read(request, words)
        found = self._understand(request) or Found(_silent)
        told = replace(request, argument=found.argument, understood=found.understood, taken_for=found.taken_for)
        return Meant(found.handler, told, looks=found.looks and not found.argument)

    def _words_of(self, message: Message) -> str | None:
        match message:
            case Text(content=content):
                return content
            case Voice(recognition=recognition) if recognition.strip():
                return recognition
            case Clicked(key=key) if Clicked not in self._kinds:
                return key
        return None

    def _handler_of_kind(self, request: Request) -> Handler[S]:
        for row in self._kinds.get(type(request.message), ()):
            if row.guard is None or row.guard(request, self.services):
                return row.handler
        other = self._shape(request, "otherwise") if isinstance(request.message, SENT_BY_PERSON) else None
        return other or _silent

    def _read(self, request: Request, words: str) -> Request:
        """Mask before anything else sees the words, then bring them into one spelling, and follow a choice."""
        is_short = len(words) <= SHORT_CHARACTERS_MAX and words.isalpha()
        spelt = _spell_short(words) if is_short else _spell(words, self._is_number)
        # What a choice stands for is our own text, already in its spelling.
        chosen = self._chosen(request.session.choices, spelt.text)
        is_staffs = spelt.typed.startswith(STAFF_SIGNS)
        return replace(
            request,
            message=with_words(request.message, spelt.hidden.text) if spelt.hidden.found else request.message,
            text=chosen if chosen is not None else spelt.typed if is_staffs else spelt.text,
            typed=spelt.text,
            asks=spelt.asks if chosen is None else asks(chosen),
            masked=spelt.hidden.found,
        )

    def _chosen(self, choices: Mapping[str, str], text: str) -> str | None:
        """What a choice stands for; one that does something is chosen by its own digit, and by no word for it."""
        if not choices or text in choices:
            return choices.get(text)
        meant = choices.get(spoken_digit(text))
        return None if meant is None or self._is_deed(meant) else meant

    def _is_deed(self, words: str) -> bool:
        return any(
            row.exact and _argument_after(spelling, words) is not None for spelling, row in self._beginning(words)
        )

    def _understand(self, request: Request) -> Found[S] | None:
        """The order of meanings; the first that fits is taken."""
        if request.masked and (handler := self._shape(request, "masked")):
            return Found(handler)
        if tidy(request.text[:1]) in STAFF_SIGNS:
            return self._staff_command(request) or self._otherwise(request)
        return (
            self._command(request)
            or self._bare_digits(request)
            or self._natural(request)
            or self._loose_command(request, alone=True)
            or self._sensed(request, surely=True)
            or self._loose_command(request, alone=False)
            or self._typo(request)
            or self._sensed(request, surely=False)
            or self._number_inside(request)
            or self._otherwise(request)
        )

    def _shape(self, request: Request, shape: str) -> Handler[S] | None:
        for row in self._shapes.get(shape, ()):
            if row.guard is None or row.guard(request, self.services):
                return row.handler
        return None

    def _allows(self, row: Command[S] | Words[S] | Sense[S], request: Request) -> bool:
        return row.guard is None or row.guard(request, self.services)

    def _staff_command(self, request: Request) -> Found[S] | None:
        """Exactly the word, no typos; what follows stays as the officer wrote it, traditional characters too."""
        if not request.sealed:
            return None
        text = tidy(request.text)
        bodies = ["#" + written[1:].lstrip() for written in (text, simplify(text))]
        for spelling, row in self._staff:
            body = next((each for each in bodies if each.lower().startswith(spelling)), None)
            if body is None or not self._allows(row, request):
                continue
            argument = body[len(spelling) :].strip(" :,，、。")
            if _fits(row, argument):
                return Found(row.handler, argument, row.word)
        return None

    def _beginning(self, text: str) -> Sequence[tuple[str, Command[S]]]:
        """The commands that begin as `text` does."""
        return self._by_first.get(text[:1].lower(), ())

    def _command(self, request: Request) -> Found[S] | None:
        for spelling, row in self._beginning(request.text):
            text = request.text if row.exact else request.text.rstrip(" ?")
            argument = _argument_after(spelling, text)
            if argument is None or not _fits(row, argument) or not self._allows(row, request):
                continue
            if row.exact and not self._may_act(request, argument):
                continue
            # "补贴 什么时候发" is a phrase that happens to begin with a command.
            if request.asks and argument and not _DIGIT.search(argument):
                continue
            return Found(row.handler, argument, row.word, looks=row.looks)
        return None

    def _may_act(self, request: Request, argument: str) -> bool:
        """A word that does something was really meant: sealed, no question, and nothing but numbers behind it."""
        return request.sealed and not request.asks and (argument == "" or _NUMBER_LIKE.match(argument) is not None)

    def _bare_digits(self, request: Request) -> Found[S] | None:
        text = request.text.rstrip(" ?")
        if request.sealed and _SIX_DIGITS.match(text) and (handler := self._shape(request, "code")):
            return Found(handler, text)
        return None if without_number(text) else self._number_inside(request)

    def _number_inside(self, request: Request) -> Found[S] | None:
        number = find_number(request.text)
        handler = self._shape(request, "number") if number else None
        return Found(handler, number) if handler else None

    def _natural(self, request: Request) -> Found[S] | None:
        number = find_number(request.text)
        said = without_number(request.text) if number else request.text
        candidates = {_bare(said), _bare(without_preamble(said))}
        for row in self._words:
            if any(_says(phrase, said, candidates) for phrase in row.phrases) and self._allows(row, request):
                return Found(row.handler, number)
        return None

    def _sensed(self, request: Request, *, surely: bool) -> Found[S] | None:
        """What the readers find natural words to mean: at first sight, or when nothing else understood them."""
        number = find_number(request.text)
        said = without_number(request.text) if number else request.text
        for reader, senses in self._senses.items():
            sense = reader.surely(said) if surely else reader.perhaps(said)
            for row in senses.get(sense, ()):
                if self._allows(row, request):
                    return Found(row.handler, number, taken_for=sense, looks=row.looks)
        return None

    def _loose_command(self, request: Request, *, alone: bool) -> Found[S] | None:
        """A command with polite words before it, or behind its number: "请问我的补贴", "2126… 的进度".

        `alone`: with nothing behind it but a number; with words behind it, it may be the beginning of a question.
        """
        number = find_number(request.text)
        said = without_preamble(request.text.rstrip(" ?"))
        turned = f"{_bare(without_preamble(without_number(said))).strip('的')} {number}".strip()
        for text in (said, turned):
            for spelling, row in self._beginning(text):
                argument = None if row.exact else _argument_after(spelling, text)
                if argument is None or (alone and argument and not _NUMBER_LIKE.match(argument)):
                    continue
                if _fits(row, argument) and self._allows(row, request):
                    return Found(row.handler, argument, row.word, spelling, looks=row.looks)
        return None

    def _typo(self, request: Request) -> Found[S] | None:
        """One slip in a command's word, when only one command is that near; never in one that does something."""
        match = None if request.asks else _HEAD_AND_REST.match(request.text)
        if match is None:
            return None
        head, rest = match[1].lower(), match[2].strip()
        near: dict[str, Found[S]] = {}
        for spelling, row in self._plain:
            if row.exact or not is_typo(head, spelling) or not (len(spelling) > 2 or find_number(rest)):
                continue  # two characters alone, one of them wrong, are as likely another word: 回家 is not 回执
            if _fits(row, rest) and self._allows(row, request):
                near.setdefault(row.word, Found(row.handler, rest, row.word, spelling))
        return next(iter(near.values())) if len(near) == 1 else None

    def _otherwise(self, request: Request) -> Found[S] | None:
        handler = self._shape(request, "otherwise")
        return Found(handler) if handler else None


def _silent(_request: Request, _services: S) -> Reply:
    return SILENCE


def _spellings(rows: Iterable[Command[S]]) -> list[tuple[str, Command[S]]]:
    """Every word and synonym, the longest first, so that 不予批准 is not read as something shorter."""
    pairs = [(word.lower(), row) for row in rows for word in (row.word, *row.also)]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def _argument_after(spelling: str, text: str) -> str | None:
    """What follows the command, "" when nothing does, None when `text` is not this command."""
    if not text.lower().startswith(spelling):
        return None
    rest = text[len(spelling) :]
    if rest == "" or rest[0] in " :,，、":
        return rest.strip(" :,，、")
    glued = rest[0].isdigit() or (rest[0].isascii() and rest[0].isalnum() and not spelling.isascii())
    return rest if glued else None


def _fits(row: Command[S], argument: str) -> bool:
    return row.argument == "optional" or (row.argument == "none") == (argument == "")


def _says(phrase: Phrase, said: str, bare: set[str]) -> bool:
    return phrase in bare if isinstance(phrase, str) else phrase.search(said) is not None


def _bare(said: str) -> str:
    """Without spaces and marks: how a phrase is compared."""
    return _MARKS.sub("", said)
