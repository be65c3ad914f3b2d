"""The keys a node signs with, sealed in one file; beside it lies the mark above which it has never signed.

The key file is an age file (age-encryption.org/v1) under a passphrase.
"""

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from mnemonic import Mnemonic

from ledger.errors import Busy, MalformedRecord, Misconfigured
from ledger.files import replace_file, write_new
from ledger.high_water import HighWater as HighWater  # noqa: PLC0414  whoever opens keys wants it too
from ledger.merkle.cosignature import Ed25519Cosigner, MldsaCosigner
from ledger.merkle.note import Ed25519Signer
from ledger.merkle.vkeys import format_vkey
from ledger.records import base64url
from ledger.records.statement import thumbprint

SEED_BYTES = 32
FINGERPRINT_WORDS = 8
PASSPHRASE_CHARACTERS_MIN = 8
OPEN_TRIES_MAX = 5

_SEEDS = (
    "log_ed25519",
    "log_mldsa44",
    "witness_ed25519",
    "witness_mldsa44",
    "mirror_ed25519",
    "mirror_mldsa44",
    "desk_ed25519",
    "vault",
    "person",
    "lookup",
)

# Which seeds a role's rotation changes. Those of `person` and `lookup` stay: what they named would be lost.
SEEDS_OF = {
    "log": ("log_ed25519", "log_mldsa44"),
    "witness": ("witness_ed25519", "witness_mldsa44"),
    "mirror": ("mirror_ed25519", "mirror_mldsa44"),
    "desk": ("desk_ed25519",),
    "vault": ("vault",),
}

NoteKey = Ed25519Signer | Ed25519Cosigner | MldsaCosigner
LogSigners = tuple[Ed25519Signer, MldsaCosigner]
Cosigners = tuple[Ed25519Cosigner, MldsaCosigner]


class Keys(Protocol):
    """The keys of one node as they count now: a process that runs on finds new ones here after a rotation."""

    @property
    def origin(self) -> str:
        """Our log's name."""
        ...

    @property
    def log(self) -> LogSigners:
        """What signs our log's heads."""
        ...

    @property
    def witness(self) -> Cosigners:
        """What says of other logs that they only grew."""
        ...

    @property
    def mirror(self) -> Cosigners:
        """What says of other logs that they are stored and checked here."""
        ...

    @property
    def desk(self) -> Ed25519PrivateKey:
        """What signs where no officer acts."""
        ...

    @property
    def desk_public(self) -> bytes:
        """Its public half."""
        ...

    @property
    def desk_kid(self) -> str:
        """Its thumbprint."""
        ...

    @property
    def vault_key(self) -> bytes:
        """What wraps the citizens' keys."""
        ...

    @property
    def person_key(self) -> bytes:
        """What the digest of an officer's ID number is made with."""
        ...

    @property
    def lookup_key(self) -> bytes:
        """What leads from a typed number to its row."""
        ...

    @property
    def log_vkeys(self) -> list[str]:
        """Public keys of the log, Ed25519 first, then ML-DSA-44."""
        ...

    @property
    def witness_vkeys(self) -> list[str]:
        """Public keys of the witness, in the same order."""
        ...

    @property
    def mirror_vkeys(self) -> list[str]:
        """Public keys of the mirror, in the same order."""
        ...

    @property
    def fingerprint(self) -> str:
        """The words that two administrators compare over the telephone."""
        ...


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """All keys of one node. Each statement has its own name and its own keys: log, witness, mirror."""

    origin: str
    log: LogSigners = field(repr=False)
    witness: Cosigners = field(repr=False)
    mirror: Cosigners = field(repr=False)
    desk: Ed25519PrivateKey = field(repr=False)  # signs records where no officer acts, promises, and calls to peers
    vault_key: bytes = field(repr=False)  # AES-256: wraps citizens' keys, seals officers'
    person_key: bytes = field(repr=False)  # HMAC: the digest that shows two keys of one officer
    lookup_key: bytes = field(repr=False)  # HMAC: from a typed number to its row
    desk_public: bytes = field(init=False)
    desk_kid: str = field(init=False)

    def __post_init__(self) -> None:
        public = self.desk.public_key().public_bytes_raw()
        object.__setattr__(self, "desk_public", public)
        object.__setattr__(self, "desk_kid", thumbprint(public))

    @property
    def log_vkeys(self) -> list[str]:
        """Public keys of the log, Ed25519 first, then ML-DSA-44."""
        return _vkeys(self.log)

    @property
    def witness_vkeys(self) -> list[str]:
        """Public keys of the witness, in the same order."""
        return _vkeys(self.witness)

    @property
    def mirror_vkeys(self) -> list[str]:
        """Public keys of the mirror, in the same order."""
        return _vkeys(self.mirror)

    @property
    def fingerprint(self) -> str:
        """The words that two administrators compare over the telephone."""
        return fingerprint_words(
            self.origin, [*self.log_vkeys, *self.witness_vkeys, *self.mirror_vkeys], self.desk_public
        )

    def role_keys(self, role: str) -> tuple[str, ...]:
        """The public side of a role's keys, as records name them; of the vault's key its fingerprint."""
        match role:
            case "log":
                return tuple(self.log_vkeys)
            case "witness":
                return tuple(self.witness_vkeys)
            case "mirror":
                return tuple(self.mirror_vkeys)
            case "desk":
                return (base64url.encode(self.desk_public),)
        return (vault_fingerprint(self.vault_key),)

    def with_role(self, role: str, other: "NodeKeys") -> "NodeKeys":
        """These keys, but for those of one role, which are the other's."""
        theirs = _to_seeds(other)
        return _from_seeds(self.origin, _to_seeds(self) | {name: theirs[name] for name in SEEDS_OF[role]})


def vault_fingerprint(vault_key: bytes) -> str:
    """What tells one vault key from another, and says nothing of either."""
    return hmac.digest(vault_key, b"onetrip-vault-key/v1", sha256).hex()


def _vkeys(pair: Sequence[NoteKey]) -> list[str]:
    return [format_vkey(key.verifier) for key in pair]


def generate(origin: str) -> NodeKeys:
    """Make fresh keys for the log of this origin."""
    return _from_seeds(origin, {name: secrets.token_bytes(SEED_BYTES) for name in _SEEDS})


def _from_seeds(origin: str, seeds: Mapping[str, bytes]) -> NodeKeys:
    def ed25519(role: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(seeds[f"{role}_ed25519"])

    def mldsa44(role: str, name: str) -> MldsaCosigner:
        return MldsaCosigner(name, MLDSA44PrivateKey.from_seed_bytes(seeds[f"{role}_mldsa44"]))

    host = origin.removesuffix("/log")
    witness, mirror = f"{host}/witness", f"{host}/mirror"
    return NodeKeys(
        origin,
        log=(Ed25519Signer(origin, ed25519("log")), mldsa44("log", origin)),
        witness=(Ed25519Cosigner(witness, ed25519("witness")), mldsa44("witness", witness)),
        mirror=(Ed25519Cosigner(mirror, ed25519("mirror")), mldsa44("mirror", mirror)),
        desk=ed25519("desk"),
        vault_key=seeds["vault"],
        person_key=seeds["person"],
        lookup_key=seeds["lookup"],
    )


def _to_seeds(keys: NodeKeys) -> dict[str, bytes]:
    noted: list[NoteKey] = [*keys.log, *keys.witness, *keys.mirror]
    seeds = {name: key.private_key.private_bytes_raw() for name, key in zip(_SEEDS, noted, strict=False)}
    seeds["desk_ed25519"] = keys.desk.private_bytes_raw()
    return seeds | {"vault": keys.vault_key, "person": keys.person_key, "lookup": keys.lookup_key}


@dataclass(frozen=True, slots=True)
class Coming:
    """Keys that stand ready in the key file and count from the moment that a record says so."""

    role: str
    keys: NodeKeys  # in which that role's are the new ones


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a key file holds."""

    keys: NodeKeys
    coming: Coming | None = None  # a rotation has begun; whether it is done, the log says


def seal(path: Path, keys: NodeKeys, passphrase: str) -> None:
    """Write the key file, readable by its owner alone; raises Misconfigured when there is one already."""
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise Misconfigured(f"ONETRIP_KEY_PASSPHRASE: needs at least {PASSPHRASE_CHARACTERS_MIN} characters")
    write_new(path, _encrypt(Sealed(keys), passphrase))


def seal_again(path: Path, sealed: Sealed, passphrase: str) -> None:
    """Put another content in the place of the key file's, durable when this returns: all of it or nothing."""
    replace_file(path, _encrypt(sealed, passphrase))


def _encrypt(sealed: Sealed, passphrase: str) -> bytes:
    content: dict[str, Any] = {"version": 1, "origin": sealed.keys.origin, "seeds": _as_text(_to_seeds(sealed.keys))}
    if sealed.coming is not None:
        fresh = _to_seeds(sealed.coming.keys)
        names = SEEDS_OF[sealed.coming.role]
        content["coming"] = {"role": sealed.coming.role, "seeds": _as_text({name: fresh[name] for name in names})}
    return bytes(pyrage.passphrase.encrypt(json.dumps(content).encode(), passphrase))


def open_keys(path: Path, passphrase: str) -> NodeKeys:
    """Open the key file; takes about a second, on purpose. Raises Misconfigured with what to mend."""
    return open_sealed(path, passphrase).keys


def open_sealed(path: Path, passphrase: str) -> Sealed:
    """Open the key file with all that stands in it. Raises as `open_keys` does, and Busy on a busy machine."""
    try:
        text = _decrypt(path, passphrase)
    except FileNotFoundError as error:
        raise Misconfigured(f"ONETRIP_KEY_FILE: there is no {path}; `python app.py init` makes it") from error
    except OSError as error:
        raise Misconfigured(f"ONETRIP_KEY_FILE: {path} cannot be read: {error.strerror}") from error
    except pyrage.DecryptError as error:
        raise Misconfigured(f"ONETRIP_KEY_PASSPHRASE: does not open {path}") from error
    try:
        kept = json.loads(text)
        seeds = {name: base64url.decode(kept["seeds"][name]) for name in _SEEDS}
        keys = _from_seeds(kept["origin"], seeds)
        return Sealed(keys, _coming(kept.get("coming"), keys))
    except (ValueError, KeyError, TypeError, AttributeError, MalformedRecord) as error:
        raise Misconfigured(f"ONETRIP_KEY_FILE: {path} is no key file of this program") from error


def _decrypt(path: Path, passphrase: str) -> bytes:
    """The library measures what this machine can do, and refuses what seems to take too long: a busy moment passes."""
    for _ in range(OPEN_TRIES_MAX):
        try:
            return bytes(pyrage.passphrase.decrypt(path.read_bytes(), passphrase))
        except pyrage.DecryptError as error:
            if "Excessive work" not in str(error):
                raise
    raise Busy(f"{path} cannot be opened now: this machine has too much else to do")


def _coming(kept: Any, keys: NodeKeys) -> Coming | None:
    if kept is None:
        return None
    role = kept["role"]
    fresh = {name: base64url.decode(kept["seeds"][name]) for name in SEEDS_OF[role]}
    return Coming(role, _from_seeds(keys.origin, _to_seeds(keys) | fresh))


def _as_text(seeds: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64url.encode(seed) for name, seed in seeds.items()}


def fingerprint_words(origin: str, vkeys: Sequence[str], desk_public: bytes) -> str:
    """Eight words that stand for a node's name and all its public keys.

    `vkeys`: of log, witness and mirror, in this order. 88 bits, as 8 words of the 2,048 of BIP-39's English list.
    """
    lines = ["onetrip-fingerprint/v1", origin, *vkeys, base64url.encode(desk_public)]
    digest = sha256("".join(f"{line}\n" for line in lines).encode()).digest()
    words = Mnemonic("english").wordlist
    number = int.from_bytes(digest, "big")
    indices = [number >> 256 - 11 * place & 2047 for place in range(1, FINGERPRINT_WORDS + 1)]
    return " ".join(words[index] for index in indices)
