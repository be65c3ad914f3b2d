"""Hands the page's levers on to whoever started the sandbox, who alone can pull them."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.sandbox.errors import ConfigRefused
from bot.sandbox.loopback import is_loopback
from bot.sandbox.reading import Reader

ASK_SECONDS = 10.0  # whoever holds them may be busy with one
NONE: dict[str, Any] = {"levers": [], "running": None, "says": None, "failed": False, "done": [], "beginnings": 1}

_NOBODY = {"status": 404, "detail": "this sandbox has no levers"}
_NO_ANSWER = {"status": 502, "detail": "whoever holds the levers does not answer; is the demo still running?"}


@dataclass(frozen=True, slots=True)
class LeversAt:
    """Where the levers are, and what one must know to pull them."""

    url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme != "http" or not is_loopback(urlsplit(self.url).hostname or ""):
            raise ConfigRefused(f"levers: url {self.url!r} must be of this machine, like http://127.0.0.1:8009/levers")

    @classmethod
    def read(cls, given: Reader) -> "LeversAt":
        """Read it from the configuration."""
        return cls(given.text("url"), given.text("token"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What whoever holds the levers says: how they stand, or a problem document."""

    status: int
    body: Any

    @property
    def is_good(self) -> bool:
        """Whether it says how they stand."""
        return self.status < httpx.codes.BAD_REQUEST


class Levers:
    """The levers as the page finds them."""

    def __init__(self, at: LeversAt | None) -> None:
        self._at = at
        # trust_env: a proxy of this machine must not see the token.
        self._http = httpx.Client(timeout=ASK_SECONDS, trust_env=False)

    def look(self) -> Answer:
        """How they stand; there are none when nobody listens."""
        return Answer(200, NONE) if self._at is None else self._ask("GET", self._at, None)

    def pull(self, body: object) -> Answer:
        """Pull one."""
        return Answer(404, _NOBODY) if self._at is None else self._ask("POST", self._at, body)

    def _ask(self, method: str, at: LeversAt, body: object) -> Answer:
        headers = {"Authorization": f"Bearer {at.token}"}
        try:
            answer = self._http.request(method, at.url, headers=headers, json=body)
            return Answer(answer.status_code, answer.json())
        except (httpx.HTTPError, ValueError):
            return Answer(502, _NO_ANSWER)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()
