"""#说明 and #结论: a department concerned explains a finding, an auditor of another one decides what it was."""

import re
from collections.abc import Mapping

from bot.replies import Reply
from handlers.dialogue import answer
from handlers.locale import Own
from handlers.staff.acts import WORDS_CHARACTERS_MAX, Unfinished, propose, you
from handlers.staff.commands import WORDS
from handlers.staff.door import Turn
from handlers.staff.drafts import Draft
from handlers.staff.refusals import Impossible
from ledger.answers import statement
from ledger.facts import Facts
from ledger.records.answers import CONCLUDED, EXPLAINED, Outcome
from ledger.views import Finding

OUTCOMES: Mapping[str, Outcome] = {
    "已说明": Outcome.SETTLED,
    "属实": Outcome.CONFIRMED,
    "误报": Outcome.FALSE_ALARM,
}

_NAME_AND_WORDS = re.compile(r"([0-9A-Za-z]{8})(?![0-9A-Za-z])[\s,，:：、]*(.*)", re.DOTALL)
_OUTCOME_AND_WORDS = re.compile(rf"({'|'.join(OUTCOMES)})[\s,，:：、]*(.*)", re.DOTALL)
_LOOKS_LIKE = str.maketrans("OIL", "011")  # Crockford's letters leave these out, and hands do not


def split_name(argument: str) -> tuple[str, str]:
    """The name of a finding at the beginning, and the words behind it; "" when there is none."""
    match = _NAME_AND_WORDS.fullmatch(argument)
    return (match[1].upper().translate(_LOOKS_LIKE), match[2].strip()) if match else ("", argument.strip())


def explain(turn: Turn) -> Reply:
    """Read back what the department concerned has to say."""
    name, words = split_name(turn.request.argument)
    if not name:
        return answer(turn.request, turn.say.say("staff.ask.explain", **_asked("explain", "")))

    def build(facts: Facts) -> Draft:
        found = _found(facts, name)
        said = statement(EXPLAINED, found, _words(turn, words, "explain", name))
        return Draft("explain", said, _line(turn, "explain", found, turn.written(words)), you(turn, EXPLAINED))

    return propose(turn, "explain", EXPLAINED, build)


def conclude(turn: Turn) -> Reply:
    """Read back what an auditor who has nothing to do with it has come to."""
    name, rest = split_name(turn.request.argument)
    if not name:
        return answer(turn.request, turn.say.say("staff.ask.conclude", **_asked("conclude", "")))

    def build(facts: Facts) -> Draft:
        found, match = _found(facts, name), _OUTCOME_AND_WORDS.fullmatch(rest)
        if match is None:
            raise Unfinished("staff.ask.conclude", **_asked("conclude", name))
        words, outcome = _words(turn, match[2].strip(), "conclude", name), OUTCOMES[match[1]]
        said = statement(CONCLUDED, found, words, outcome)
        return Draft("conclude", said, _line(turn, "conclude", found, words, outcome), you(turn, CONCLUDED))

    return propose(turn, "conclude", CONCLUDED, build)


def _found(facts: Facts, name: str) -> Finding:
    found = facts.finding(name)
    if found is None:
        raise Impossible("refused.finding-unknown")
    return found


def _words(turn: Turn, words: str, act: str, name: str) -> str:
    if not words:
        raise Unfinished(f"staff.ask.{act}", **_asked(act, name))
    if len(words) > WORDS_CHARACTERS_MAX:
        raise Impossible("staff.too-long", count=WORDS_CHARACTERS_MAX)
    return turn.written(words)


def _asked(act: str, name: str) -> dict[str, object]:
    words = {outcome.name.lower(): Own(word) for word, outcome in OUTCOMES.items()}
    return {"command": WORDS[act], "name": name, **words}


def _line(turn: Turn, act: str, found: Finding, words: str, outcome: Outcome | None = None) -> Own:
    say = turn.say
    return say.say(
        f"line.{act}",
        id=found.id,
        title=rule_title(turn, found),
        departments=say.departments(tuple(str(name) for name in found.facts.get("departments", ()))),
        outcome=say.say(f"outcome.{outcome}") if outcome is not None else Own(),
        words=words,
    )


def rule_title(turn: Turn, found: Finding) -> Own:
    """What a finding is about, in a few words."""
    key = f"rule.{found.rule}"
    return turn.say.say(key) if turn.say.say.has(key) else Own(found.rule)
