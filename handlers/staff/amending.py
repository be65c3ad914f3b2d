"""#更正: whoever signed a record takes it back, before anyone built on it; both records stay."""

import re

from bot.replies import Reply
from handlers.citizen.voice import record_name
from handlers.dialogue import answer
from handlers.locale import Own
from handlers.staff.acts import WORDS_CHARACTERS_MAX, propose, you
from handlers.staff.commands import WORDS
from handlers.staff.door import Turn
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible
from handlers.staff.sayings import what_was_said
from handlers.staff.things import Thing, find_thing, thing_of, title
from ledger.errors import MalformedRecord
from ledger.facts import Facts
from ledger.records import base64url, numbers
from ledger.records.check_code import leaves_of, parse_check_code
from ledger.records.statement import Statement
from ledger.views import HistoryLine

KIND = "amendment"

_RECORD_AND_WORDS = re.compile(r"([0-9A-Za-z_-]+)[\s,，:：、]*(.*)", re.DOTALL)


def amend(turn: Turn) -> Reply:
    """Read back which record is taken back, and why. It goes by the name it was told by, or by its thing's number."""
    match = _RECORD_AND_WORDS.fullmatch(turn.request.argument)
    if match is None or not match[2]:
        return answer(turn.request, turn.say.say("staff.ask.amend", command=WORDS["amend"]))
    named, words = match[1], match[2].strip()

    def build(facts: Facts) -> Draft:
        if len(words) > WORDS_CHARACTERS_MAX:
            raise Impossible("staff.too-long", count=WORDS_CHARACTERS_MAX)
        return _draft(turn, facts, named, turn.written(words))

    return propose(turn, "amend", KIND, build)


def _draft(turn: Turn, facts: Facts, named: str, words: str) -> Draft:
    thing, record_id = _named(turn, facts, named)
    said = next((one for one in facts.history(thing.view.ref) if one.record_id == record_id), None)
    if said is None or said.ref.log != turn.origin:
        raise Impossible("staff.elsewhere", department=turn.say.name(thing.view.department))
    statement = Statement(KIND, said.ref.sub, {"amends": record_id}, {"reason": words})
    return Draft("amend", statement, _line(turn, thing, said, words), you(turn, KIND))


def _line(turn: Turn, thing: Thing, said: HistoryLine, words: str) -> Own:
    say = turn.say
    return say.say(
        "line.amend",
        record=record_name(said.record_id),
        day=say.day(said.at),
        said=what_was_said(say, said),
        title=title(say, thing),
        reason=words,
    )


def _named(turn: Turn, facts: Facts, named: str) -> tuple[Thing, str]:
    """The record that is meant, and the thing it is about; raises Impossible."""
    if numbers.holds(named):
        thing = find_thing(turn, facts, named)
        return thing, thing.view.record_id
    found = facts.find_record(*_leaves(named))
    thing_there = None if found is None else thing_of(facts, found[0])
    if found is None or thing_there is None:
        raise Impossible("staff.record-unknown")
    return thing_there, found[1]


def _leaves(named: str) -> tuple[bytes, bytes]:
    """The lowest and highest leaf hash that a record's full id or short name may stand for."""
    code = parse_check_code(named)
    if code is not None:
        return leaves_of(code)
    try:
        leaf = base64url.decode(named)
    except MalformedRecord as error:
        raise Impossible("staff.record-unknown") from error
    return leaf, leaf
