"""Signs what departments ask each other, and the answers, so that each knows the other's desk (RFC 9421).

A signature names the asker, the very question to the very department, its body and the moment. An answer is bound to
its question by `;req`: it cannot be shown as the answer to another one. The library builds and checks signature bases,
`;req` included; the clock is ours, and that a question counts once is for whoever remembers nonces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import MappingKeyResolver

from ledger.peers.errors import NotSigned

SKEW_SECONDS_MAX = 300  # between two departments' clocks, and how long a question may be under way
NONCE_CHARS_MAX = 64

_PARAMETERS = frozenset({"created", "expires", "nonce", "keyid", "alg", "tag"})


@dataclass(frozen=True, slots=True)
class _Form:
    """What a signature of one purpose covers, and the tag that keeps it from serving another purpose."""

    tag: str
    covered: tuple[str, ...]


_QUESTION = _Form("onetrip-exchange", ("@method", "@authority", "@path", "content-digest"))
_ANSWER = _Form(
    "onetrip-exchange-answer",
    (
        "@status",
        "content-digest",
        '"@method";req',
        '"@authority";req',
        '"@path";req',
        '"content-digest";req',
        '"signature";req',  # it covers the nonce: the answer to this asking, and to no earlier one
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, as the library reads and completes it."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, and the request it answers."""

    status_code: int
    headers: dict[str, str]
    request: Question


@dataclass(frozen=True, slots=True)
class Desk:
    """Whoever signs: a node's desk key, under its RFC 7638 thumbprint."""

    kid: str
    private_key: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """Who signed, and what makes this one time different from every other."""

    kid: str
    nonce: str
    expires: int


def sign_question(question: Question, body: bytes, desk: Desk, *, nonce: str, now: int) -> None:
    """Put digest and signature into the question's headers."""
    _sign(question, body, desk, _QUESTION, nonce=nonce, now=now)


def sign_reply(reply: Reply, body: bytes, desk: Desk, *, nonce: str, now: int) -> None:
    """Put digest and signature into the reply's headers, bound to its question."""
    _sign(reply, body, desk, _ANSWER, nonce=nonce, now=now)


def check_question(question: Question, body: bytes, keys: Mapping[str, bytes], *, now: int) -> Proven:
    """Return who asked; raises NotSigned. `keys` are raw Ed25519 public keys by thumbprint."""
    return _check(question, body, keys, _QUESTION, now)


def check_reply(reply: Reply, body: bytes, keys: Mapping[str, bytes], *, now: int) -> Proven:
    """Return who answered this very question; raises NotSigned."""
    return _check(reply, body, keys, _ANSWER, now)


def _sign(message: Question | Reply, body: bytes, desk: Desk, form: _Form, *, nonce: str, now: int) -> None:
    keys = MappingKeyResolver(public_keys={}, private_keys={desk.kid: desk.private_key})
    created = datetime.fromtimestamp(now, UTC)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message,
        key_id=desk.kid,
        created=created,
        expires=created + timedelta(seconds=SKEW_SECONDS_MAX),
        nonce=nonce,
        label="onetrip",
        tag=form.tag,
        covered_component_ids=form.covered,
        body=body,
    )


def _check(message: Question | Reply, body: bytes, keys: Mapping[str, bytes], form: _Form, now: int) -> Proven:
    try:
        public = {kid: Ed25519PublicKey.from_public_bytes(raw) for kid, raw in keys.items()}
        results = _Verifier(public, lambda: now).verify(
            message, expect_tag=form.tag, require_components=form.covered, body=body
        )
    except HTTPMessageSignaturesException as error:
        raise NotSigned(str(error)) from error
    if len(results) != 1 or results[0].body is None:
        raise NotSigned("not exactly one signature over the body")
    found: Mapping[str, Any] = results[0].parameters
    if len(found["nonce"]) > NONCE_CHARS_MAX:
        raise NotSigned(f"a nonce of more than {NONCE_CHARS_MAX} characters")
    return Proven(found["keyid"], found["nonce"], found["expires"])


class _Verifier(HTTPMessageVerifier):
    """The library's verifier by the node's clock, wanting every parameter that our signatures have."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey], now: Callable[[], int]) -> None:
        resolver = MappingKeyResolver(public_keys=keys, private_keys={})
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
        self._now = now

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:  # noqa: ARG002  the library calls it so
        """Check the moment, both ways, and that nothing is left out."""
        if missing := _PARAMETERS - sig_input.params.keys():
            raise InvalidSignature(f"parameter missing: {min(missing)}")
        now, created, expires = self._now(), sig_input.params["created"], sig_input.params["expires"]
        if abs(now - created) > SKEW_SECONDS_MAX:
            raise InvalidSignature(f"created at {created}, and it is {now}")
        if not now <= expires <= created + SKEW_SECONDS_MAX:
            raise InvalidSignature(f"expires at {expires}, and it is {now}")
