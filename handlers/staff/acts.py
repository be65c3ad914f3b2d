"""How a command becomes a draft: whose it is, whether it may be done, and only then what is read back."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.replies import Reply
from handlers.amounts import in_capitals
from handlers.dialogue import answer
from handlers.locale import Own
from handlers.staff import drafts
from handlers.staff.commands import WORDS
from handlers.staff.door import StaffHandler, Turn
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible, impossible
from handlers.staff.things import Thing, find_thing, split_number, title
from ledger.errors import Refused, RoleMissing
from ledger.facts import Facts
from ledger.records.kinds import BY_NAME
from ledger.records.statement import Statement

WORDS_CHARACTERS_MAX = 300  # of a reason: all of it must fit into the read-back


@dataclass(frozen=True, slots=True)
class Asked:
    """A command on one thing, with the words behind its number."""

    turn: Turn
    facts: Facts
    thing: Thing
    words: str
    act: str

    def reason(self) -> str:
        """The words as they were written, when the act must say why; raises Impossible without them."""
        if not self.words:
            raise Unfinished(f"staff.ask.{self.act}", number=self.thing.number or "", command=WORDS[self.act])
        if len(self.words) > WORDS_CHARACTERS_MAX:
            raise Impossible("staff.too-long", count=WORDS_CHARACTERS_MAX)
        return self.turn.written(self.words)

    def draft(self, statement: Statement, who: Own, **values: object) -> Draft:
        """The draft of a statement, in the words of its act."""
        line = self.turn.say.say(f"line.{self.act}", title=title(self.turn.say, self.thing), **values)
        return Draft(self.act, statement, line, who)

    def amount(self, fen: int) -> Own:
        """An amount in figures and in 大写."""
        say = self.turn.say
        return say.say("staff.amount", figures=say.money(fen), capitals=in_capitals(fen))


class Unfinished(Impossible):
    """The command is allowed, but something more has to be said."""


Build = Callable[[Asked], Draft]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that officers may sign."""

    key: str  # in `commands`
    kind: str  # a kind of record that it becomes: whoever may not sign that is told at once
    build: Build


def command(act: Act) -> StaffHandler:
    """The handler of a command that is to be signed."""

    def handle(turn: Turn) -> Reply:
        number, words = split_number(turn.request.argument)
        if not number:
            asked_for = turn.say.say("staff.ask.number", command=WORDS[act.key])
            return answer(turn.request, asked_for)

        def build(facts: Facts) -> Draft:
            return act.build(Asked(turn, facts, find_thing(turn, facts, number), words, act.key))

        return propose(turn, act.key, act.kind, build)

    return handle


def propose(turn: Turn, act: str, kind: str, build: Callable[[Facts], Draft]) -> Reply:
    """Refuse what may not be done, or read back what will be signed; `kind` is a record that the act may become."""
    try:
        check_role(turn, kind)
        with turn.services.node.reading() as facts:
            draft = build(facts)
        as_read = turn.services.node.desk.check(draft.statement, turn.officer.handle)
    except Unfinished as error:
        return answer(turn.request, turn.say.say(error.key, **error.values))
    except (Impossible, Refused) as error:
        return answer(turn.request, impossible(turn.say, act, error))
    return drafts.begin(turn, draft, as_read)


def check_role(turn: Turn, kind: str) -> None:
    """Check that this officer may sign such a record, before anything is looked up; raises RoleMissing."""
    if not set(turn.officer.roles) & set(BY_NAME[kind].signers):
        raise RoleMissing(kind, turn.officer.roles)


def role_in(turn: Turn, kind: str) -> Own:
    """The role in which this officer signs such a record."""
    may = [role for role in BY_NAME[kind].signers if role in turn.officer.roles]
    return turn.say.say(f"role.{may[0]}") if may else Own()


def you(turn: Turn, kind: str) -> Own:
    """Who signs, in the role that the record needs."""
    return turn.say.say("who", name=turn.name, role=role_in(turn, kind))


def you_after(turn: Turn, kind: str, step: str, before: str | None) -> Own:
    """Who signs, and who did the step before: the desk has seen that they are not the same."""
    say = turn.say.say
    return say(f"who.after.{step}", name=turn.name, role=role_in(turn, kind), before=before or say("staff.nameless"))
