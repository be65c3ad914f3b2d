"""What the counter's forms share: checking every field at once, and the sentences that stand beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handlers.locale import Own
from handlers.pages import fields
from handlers.pages.fields import RELATIONS, Wrong
from handlers.pages.visits import Visit
from ledger.records.jsonstrict import Json

Check = Callable[[str], str]

# What the browser can tell by itself while one types (`static/checks.js`).
_BROWSER_KEYS = (
    *(f"field.id.{why}" for why in ("missing", "old", "characters", "length", "date", "check")),
    *(f"field.phone.{why}" for why in ("missing", "form")),
    *(f"field.card.{why}" for why in ("missing", "characters", "length", "check")),
)


@dataclass(slots=True)
class Checked:
    """What was typed, as it will be kept; and by field why something cannot be taken."""

    private: dict[str, Json] = field(default_factory=dict)
    wrong: dict[str, Own] = field(default_factory=dict)


def check_fields(visit: Visit, checks: Sequence[tuple[str, Check]]) -> Checked:
    """Check each field, and go on after the first that is wrong."""
    checked = Checked()
    for name, check in checks:
        try:
            checked.private[name] = check(visit.value(name))
        except Wrong as error:
            checked.wrong[name] = visit.say.say(error.key, **error.values)
    return checked


def relation_checks(visit: Visit, usual: str) -> list[tuple[str, Check]]:
    """Whoever is paid in another's place must belong to them somehow."""
    named = visit.value("payee").strip()
    if not named or _is_same_name(named, usual):
        return []
    return [("relation", fields.relation)]


def _is_same_name(one: str, other: str) -> bool:
    try:
        return fields.name(one) == fields.name(other)
    except Wrong:
        return False


def relations(visit: Visit) -> list[tuple[str, Own]]:
    """How somebody may belong to the applicant: code and words."""
    return [(code, visit.say.say(f"relation.{code}")) for code in RELATIONS]


def words(visit: Visit) -> dict[str, str]:
    """What the browser says while one types: the server's own sentences."""
    filled = visit.say.say(
        "field.card.length", count="{count}", least=fields.CARD_DIGITS_MIN, most=fields.CARD_DIGITS_MAX
    )
    return {key: str(visit.say.say(key)) for key in _BROWSER_KEYS} | {"field.card.length": str(filled)}
