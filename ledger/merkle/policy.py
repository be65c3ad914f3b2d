"""Says whose word makes a checkpoint believed: which logs, and how many of which witnesses (c2sp.org/tlog-policy)."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from ledger.merkle.encoding import parse_decimal
from ledger.merkle.errors import Malformed, MalformedPolicy
from ledger.merkle.vkeys import KeyRef, SignatureKind, Verifier, format_vkey, parse_vkey

POLICY_BYTES_MAX = 1024 * 1024
LOGS_MAX = 256  # the specification wants at least 32 of each
WITNESSES_MAX = 256
GROUPS_MAX = 256

NO_QUORUM = "none"

_LOG_KINDS = frozenset({SignatureKind.ED25519, SignatureKind.SUBTREE_V1})
_WITNESS_KINDS = frozenset({SignatureKind.COSIGNATURE_V1, SignatureKind.SUBTREE_V1})
# Words of the grammar; as a name each of them would make a line say two things.
_RESERVED = frozenset({NO_QUORUM, "all", "any"})
_SPACES = re.compile(r"[ \t]+")
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_WORD = re.compile(r"[^\x00-\x20\x7f]+")


def lying(members: int) -> int:
    """Return how many of n departments may lie without harm."""
    return (members - 1) // 3


def quorum(members: int) -> int:
    """Return how many of n witnesses, the log's own among them, make two conflicting heads impossible.

    With f = (n - 1) // 3 liars, k = (n + f) // 2 + 1: two heads with k each would share more than f witnesses, so an
    honest one would have signed both; and the n - f honest ones are enough for progress.
    """
    if members < 1:
        raise MalformedPolicy(f"no quorum of {members}")
    return (members + lying(members)) // 2 + 1


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log whose checkpoints are believed; its key's name is the origin."""

    verifier: Verifier
    url: str = ""

    def __post_init__(self) -> None:
        _check_kind(self.verifier, _LOG_KINDS, "log")
        _check_url(self.url)


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness, under the name that it has in this file alone."""

    name: str
    verifier: Verifier
    url: str = ""

    def __post_init__(self) -> None:
        _check_new_name(self.name)
        _check_kind(self.verifier, _WITNESS_KINDS, "witness")
        _check_url(self.url)


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A group, which has witnessed when at least `threshold` of its members (witnesses or groups) have."""

    name: str
    threshold: int
    members: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_new_name(self.name)
        if not 1 <= self.threshold <= len(self.members):
            raise MalformedPolicy(f"group {self.name!r} wants {self.threshold} of {len(self.members)} members")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a receipt is checked against, and all that must be trusted beforehand."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str  # the name of a witness or group, or NO_QUORUM

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_keys_differ([log.verifier for log in self.logs], "log")
        _check_keys_differ([witness.verifier for witness in self.witnesses], "witness")
        _check_names(self)

    @property
    def log_verifiers(self) -> tuple[Verifier, ...]:
        """The keys by one of which a checkpoint must be signed."""
        return tuple(log.verifier for log in self.logs)

    @property
    def witness_verifiers(self) -> tuple[Verifier, ...]:
        """The keys whose cosignatures count."""
        return tuple(witness.verifier for witness in self.witnesses)

    def is_met(self, cosigned_by: Collection[KeyRef]) -> bool:
        """Whether cosignatures by these keys, verified already, are a quorum."""
        if self.quorum == NO_QUORUM:
            return True
        witnessed = {witness.name for witness in self.witnesses if witness.verifier.ref in cosigned_by}
        for group in self.groups:  # each stands after its members
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum in witnessed


def format_policy(policy: Policy) -> bytes:
    """Write a policy file: logs, witnesses, groups, the quorum."""
    lines = [
        *(_line("log", format_vkey(log.verifier), log.url) for log in policy.logs),
        *(_line("witness", one.name, format_vkey(one.verifier), one.url) for one in policy.witnesses),
        *(_line("group", group.name, _format_threshold(group), *group.members) for group in policy.groups),
        _line("quorum", policy.quorum),
    ]
    return "".join(lines).encode("utf-8", "surrogateescape")


def parse_policy(data: bytes) -> Policy:
    """Read a policy file; raise MalformedPolicy, which names the line.

    Names are opaque bytes in this format, so what is not UTF-8 is carried through and written again as it was.
    """
    if len(data) > POLICY_BYTES_MAX:
        raise MalformedPolicy(f"a policy of {len(data)} bytes, at most {POLICY_BYTES_MAX} are read")
    if _FORBIDDEN.search(data):
        raise MalformedPolicy("a control character other than tab and newline")
    *lines, rest = data.decode("utf-8", "surrogateescape").split("\n")
    if rest:
        # Each line is terminated by a newline: this one may have been cut off.
        raise MalformedPolicy(f"line {len(lines) + 1} does not end")
    draft = _Draft()
    for number, line in enumerate(lines, start=1):
        try:
            draft.take(line.strip(" \t"))
        except Malformed as error:
            raise MalformedPolicy(f"line {number}: {error}") from error
    return draft.finish()


@dataclass(slots=True)
class _Draft:
    """A policy as far as it has been read: names must be defined on a line before they are used."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: list[PolicyGroup] = field(default_factory=list)
    quorum: str = ""
    defined: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        keyword, *words = _SPACES.split(line)
        readers: dict[str, Callable[[Sequence[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if keyword not in readers:
            raise MalformedPolicy(f"no line starts with {keyword[:32]!r}")
        readers[keyword](words)

    def finish(self) -> Policy:
        if not self.quorum:
            raise MalformedPolicy("no quorum line")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _log(self, words: Sequence[str]) -> None:
        _check_word_count(words, 1, 2)
        self.logs.append(PolicyLog(parse_vkey(words[0]), *words[1:]))

    def _witness(self, words: Sequence[str]) -> None:
        _check_word_count(words, 2, 3)
        self.witnesses.append(PolicyWitness(words[0], parse_vkey(words[1]), *words[2:]))
        self.defined.add(words[0])

    def _group(self, words: Sequence[str]) -> None:
        _check_word_count(words, 3, 2 + WITNESSES_MAX + GROUPS_MAX)
        name, threshold, *members = words
        self._check_defined(members)
        self.groups.append(PolicyGroup(name, _parse_threshold(threshold, len(members)), tuple(members)))
        self.defined.add(name)

    def _quorum(self, words: Sequence[str]) -> None:
        _check_word_count(words, 1, 1)
        if self.quorum:
            raise MalformedPolicy("a second quorum line")
        self._check_defined([name for name in words if name != NO_QUORUM])
        self.quorum = words[0]

    def _check_defined(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.defined:
                raise MalformedPolicy(f"{name[:64]!r} is not defined on a line before")


def _format_threshold(group: PolicyGroup) -> str:
    if group.threshold == len(group.members):
        return "all"
    return "any" if group.threshold == 1 else str(group.threshold)


def _parse_threshold(word: str, members: int) -> int:
    return {"all": members, "any": 1}.get(word) or parse_decimal(word)


def _line(*words: str) -> str:
    return " ".join(word for word in words if word) + "\n"


def _check_word_count(words: Sequence[str], least: int, most: int) -> None:
    if not least <= len(words) <= most:
        raise MalformedPolicy(f"{len(words)} words where {least} to {most} belong")


def _check_new_name(name: str) -> None:
    if name in _RESERVED or not _WORD.fullmatch(name):
        raise MalformedPolicy(f"nothing can be named {name[:64]!r}")


def _check_kind(verifier: Verifier, kinds: Collection[SignatureKind], role: str) -> None:
    if verifier.kind not in kinds:
        raise MalformedPolicy(f"a {role} does not sign with {verifier.kind.name}")


def _check_url(url: str) -> None:
    if url and not _WORD.fullmatch(url):
        raise MalformedPolicy(f"not a URL: {url[:64]!r}")


def _check_counts(policy: Policy) -> None:
    if len(policy.logs) > LOGS_MAX or len(policy.witnesses) > WITNESSES_MAX or len(policy.groups) > GROUPS_MAX:
        raise MalformedPolicy(f"more than {LOGS_MAX} logs, {WITNESSES_MAX} witnesses or {GROUPS_MAX} groups")


def _check_keys_differ(verifiers: Sequence[Verifier], role: str) -> None:
    """The same key under another name or type is the same signer, and would have two voices."""
    if len({verifier.public_key for verifier in verifiers}) != len(verifiers):
        raise MalformedPolicy(f"two {role} lines have the same key")


def _check_names(policy: Policy) -> None:
    defined = [witness.name for witness in policy.witnesses]
    used: list[str] = []
    for group in policy.groups:
        if not set(group.members) <= set(defined):
            raise MalformedPolicy(f"group {group.name!r} has a member that is not defined before it")
        used += group.members
        defined.append(group.name)
    if len(set(defined)) != len(defined):
        raise MalformedPolicy("a name is defined twice")
    if len(set(used)) != len(used):
        raise MalformedPolicy("a name is a member twice: it would be counted twice")
    if policy.quorum != NO_QUORUM and policy.quorum not in defined:
        raise MalformedPolicy(f"the quorum {policy.quorum[:64]!r} is not defined")
