"""Why something cannot be done, in a sentence: it begins with 不能 and names the rule, if one refused."""

from collections.abc import Sequence

from handlers.citizen.voice import Voice
from handlers.locale import Own, Words
from handlers.locale.formats import moment
from ledger.errors import CodeLocked, CodeUsed, CodeWrong, IllegalStep, Refused, RoleMissing
from ledger.records.kinds import BY_NAME

CODE_REFUSED = (CodeWrong, CodeUsed, CodeLocked)  # a matter of the telephone, not of the act


class Impossible(Exception):
    """What an officer asked for makes no sense here; `key` is a sentence of the catalogue."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def impossible(say: Voice, act: str, error: Impossible | Refused) -> Own:
    """The whole answer to an act that is not allowed."""
    return say.say("refused", act=say.say(f"act.{act}"), why=why(say, error))


def why(say: Voice, error: Impossible | Refused) -> Own:
    """The sentence behind 不能."""
    return say.say(error.key, **error.values) if isinstance(error, Impossible) else why_refused(say.say, error)


def why_refused(say: Words, error: Refused) -> Own:
    """Why the ledger refused, with the rule if one did."""
    sentence = _sentence(say, error)
    return sentence if error.rule is None else say("refused.by-rule", why=sentence, rule=error.rule)


def _sentence(say: Words, error: Refused) -> Own:
    match error:
        case RoleMissing(kind=kind, roles=roles):
            wanted = [role for role in BY_NAME[kind].signers if say.has(f"role.{role}")]
            return say("refused.role-missing", wanted=named_roles(say, wanted), roles=named_roles(say, roles))
        case CodeWrong() | CodeUsed() | CodeLocked():
            return _about_code(say, error)
        case IllegalStep(reason="illegal-step", kind=kind, status=status) if state := _state(say, kind, status):
            return say("refused.illegal-step.state", state=state)
        case Refused(reason="rule", rule=str(rule)) if say.has(f"refused.rule.{rule}"):
            return say(f"refused.rule.{rule}")
    key = f"refused.{error.reason}"
    return say(key if say.has(key) else "refused.other")


def _about_code(say: Words, error: CodeWrong | CodeUsed | CodeLocked) -> Own:
    match error:
        case CodeWrong(tries_left=left):
            return say("refused.code-wrong", count=left)
        case CodeUsed(next_at=at):
            return say("refused.code-used", time=moment(at))
        case CodeLocked(until=at):
            return say("refused.code-locked", time=moment(at))


def _state(say: Words, kind: str, status: str) -> Own | None:
    """The state that refuses: of what the record is about, or of the case that it would move as well."""
    for topic in (BY_NAME[kind].topic, "case"):
        if say.has(f"state.{topic}.{status}"):
            return say(f"state.{topic}.{status}")
    return None


def roles_named(say: Voice, roles: Sequence[str]) -> Own:
    """Roles as people call them."""
    return named_roles(say.say, roles)


def named_roles(say: Words, roles: Sequence[str]) -> Own:
    """The same, without an answer to give."""
    return Own(say("and").join(say(f"role.{role}") for role in roles))
