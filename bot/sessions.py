"""What the chat remembers of one person between two messages, and who may change it now."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Session:
    """A person's dialogue state; change it freely, it is stored with the answer or not at all.

    `choices` maps what may be typed next ("1", "确认") to the text that it stands for. `data` holds
    plain JSON values and belongs to the handlers. `language` is "" until the person chose one. `quiet`
    people are sent nothing that they did not ask for.
    """

    data: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    language: str = ""
    quiet: bool = False


def parse_session(stored: str) -> Session:
    """Read a stored session."""
    if stored == "{}":
        return Session()
    value = json.loads(stored)
    return Session(
        value.get("data", {}), value.get("choices", {}), value.get("language", ""), value.get("quiet", False)
    )


def print_session(session: Session) -> str:
    """Write a session in its one spelling; a value that JSON does not know is our bug and raises."""
    value = {
        "data": session.data,
        "choices": session.choices,
        "language": session.language,
        "quiet": session.quiet,
    }
    return json.dumps({k: v for k, v in value.items() if v}, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
