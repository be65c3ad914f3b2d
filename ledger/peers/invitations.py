"""Lets another department ask to join by a code, and keeps its question until somebody here has compared words.

The question is a note that two keys have signed: the code's, which says that the asker was invited, and the asker's own
log's, which says that the keys are theirs. Nobody is asked back and nothing is followed before our administrator says
so; where the asker is reached comes from here alone.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection

from ledger.epochs import read_view
from ledger.errors import MalformedRecord, Misconfigured
from ledger.key_history import read_history
from ledger.merkle.errors import MerkleError
from ledger.merkle.note import SignatureKind, Verifier, open_note, parse_note_unverified, parse_vkey
from ledger.peers.errors import CannotJoin, CodeOver, MalformedQuestion, TooMany, WrongCode
from ledger.peers.home import Home, read_peer, read_peers
from ledger.peers.join_code import SECRET_BYTES, SIGNER_NAME, JoinCode
from ledger.peers.joining import Introduction, check_apart, introduction_of, is_url, parse_node
from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.jsonstrict import Json, format_json, parse_json
from ledger.records.statement import public_jwk
from ledger.storage import invitations as rows
from ledger.storage.engine import reading, transaction
from ledger.storage.invitations import InvitationRow
from ledger.storage.lookups import Lookups, count_of, count_one_more
from ledger.storage.network import Network

PATH = "/join"
FIRST_LINE = "onetrip-join/v1"  # no checkpoint begins so and goes on with what follows here
QUESTION_BYTES_MAX = 32 * 1024
CODE_SECONDS = 3_600
KEPT_SECONDS = 7 * 24 * 3_600  # so long it is still said that a code is over, and why
SKEW_SECONDS_MAX = 300  # what is signed between departments counts so long
WRONG_MAX = 20  # questions in a minute that no code of ours stands behind
WRONG_SECONDS = 60

WAITING, JOINED = "waiting", "joined"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to join, as its note says; what signed it is not looked at yet."""

    code_key: bytes
    to: str  # origin of the log that is asked
    url: str  # where it was asked
    at: int
    said: Json  # how the asker introduces itself

    @property
    def text(self) -> str:
        """What is signed."""
        claims: dict[str, Json] = {
            "code": base64url.encode(self.code_key),
            "to": self.to,
            "url": self.url,
            "at": self.at,
        }
        return f"{FIRST_LINE}\n{format_json({**claims, 'node': self.said}).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; raises MalformedQuestion."""
        first, _, line = text.partition("\n")
        try:
            said: Any = parse_json(line.removesuffix("\n").encode())
            if first != FIRST_LINE or not isinstance(said, dict) or said.keys() != {"code", "to", "url", "at", "node"}:
                raise MalformedQuestion(f"no question to join: a note of {FIRST_LINE}, and one line of JSON")
            if not (shape.leaf(said["code"]) and shape.count(said["at"]) and shape.origin(said["to"])):
                raise MalformedQuestion("`code`, `at` or `to` is malformed")
            if not is_url(said["url"]):
                raise MalformedQuestion("`url` is malformed")
            return cls(base64url.decode(said["code"]), said["to"], said["url"], said["at"], said["node"])
        except MalformedRecord as error:
            raise MalformedQuestion(str(error)) from error


# --- the side that invites ---


def introduce(connection: Connection, home: Home) -> Introduction:
    """Our own node, as it introduces itself."""
    names = (home.name, home.origin, home.public_url, Network.read(connection).own.number_prefix or "")
    vkeys = (home.keys.log_vkeys, home.keys.witness_vkeys, home.keys.mirror_vkeys)
    log, witness, mirror = map(tuple, vkeys)
    return Introduction(
        *names, home.keys.desk_public, log, witness, mirror, read_history(connection, home.log.id).rotations
    )


def invite(home: Home) -> JoinCode:
    """Make a code for one other department, good for CODE_SECONDS; raises Misconfigured or Busy."""
    check_published(home)
    with transaction(home.engine, facts=False) as connection:
        code = JoinCode.of(introduce(connection, home), secrets.token_bytes(SECRET_BYTES))
        rows.forget_invitations(connection, home.now() - KEPT_SECONDS)
        rows.insert_invitation(connection, code.signer.verifier.public_key, home.now() + CODE_SECONDS)
    return code


def check_published(home: Home) -> None:
    """Check that others can see how our log begins; raises Misconfigured."""
    if home.log.published_checkpoint() is None:
        raise Misconfigured(
            "this node has not published its log yet, and nobody could check it: start `serve` and `schedule` first"
        )


def who_asked(home: Home, code: JoinCode) -> Introduction | None:
    """Who has asked by a code, None while nobody has; raises CodeOver when nobody can any more."""
    with reading(home.engine) as connection:
        row = rows.read_invitation(connection, code.signer.verifier.public_key)
    if row is None or (row.asked is None and row.expires <= home.now()):
        raise CodeOver("the code has expired, and nobody asked by it: make another one with `peers invite`")
    return None if row.asked is None else parse_node(json.loads(row.asked))


def send_away(home: Home, code: JoinCode) -> None:
    """Let nobody join by a code: the words differed. Raises Busy."""
    with transaction(home.engine, facts=False) as connection:
        rows.refuse_invitation(connection, code.signer.verifier.public_key)


def read_waiting(connection: Connection, now: int) -> list[Introduction]:
    """Who has asked to join, and is neither followed nor sent away."""
    known = rows.read_asked(connection, now - KEPT_SECONDS)
    asked = [parse_node(json.loads(row.asked)) for row in known if row.asked is not None]
    return [found for found in asked if read_peer(connection, found.origin) is None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a question to join stands, and whom else the asked department follows."""

    state: str  # WAITING or JOINED
    others: tuple[str, ...]
    network: bool = False  # whether these are members of one network, and learn of the asker from its records


def take_question(home: Home, body: bytes) -> Standing:
    """Take a POST to PATH, which its asker repeats until it is answered.

    Raises MalformedQuestion, TooMany, WrongCode, CodeOver, CannotJoin or Busy; then nothing is kept but the count of
    those that no code stands behind.
    """
    # 1. It has the form of such a question.
    asked, found = _parse(body)
    # 2. A code of ours, and the asker's own log, have signed it. Guesses are counted, and then not looked at.
    row = _find_invitation(home, asked, found, body)
    # 3. It was asked of us, here, now.
    _check_addressed(home, asked)
    # 4. The code is still good, and the asker's.
    _check_good(row, found, home.now())
    # 5. The asker can be a member as it is; if not, the code stays good for when it has been mended.
    with transaction(home.engine, facts=False) as connection:
        state = _check_fits(connection, home, found)
        rows.take_question(connection, asked.code_key, found.origin, _kept(found), home.now())
        taken = rows.read_invitation(connection, asked.code_key)
        if taken is None:
            raise CodeOver("this code is good no more: ask for a new one")
        _check_good(taken, found, home.now())  # of two who ask at once it is the first one's
        others = [peer for peer in read_peers(connection) if peer.origin != found.origin]
        epoch = read_view(connection).epoch
    if epoch is None:
        return Standing(state, tuple(peer.name for peer in others))
    members = {one.origin for one in epoch.members}
    return Standing(state, tuple(peer.name for peer in others if peer.origin in members), home.origin in members)


def _parse(body: bytes) -> tuple[Asked, Introduction]:
    if len(body) > QUESTION_BYTES_MAX:
        raise MalformedQuestion(f"a question of {len(body)} bytes")
    try:
        asked = Asked.parse(parse_note_unverified(body).text)
        return asked, parse_node(asked.said)
    except (MalformedRecord, MerkleError) as error:
        raise MalformedQuestion(f"no question to join: {error}") from error


def _find_invitation(home: Home, asked: Asked, found: Introduction, body: bytes) -> InvitationRow:
    guesses = Lookups(home.keys.lookup_key).mac("join-guesses", "")
    now = home.now()
    with reading(home.engine) as connection:
        row = rows.read_invitation(connection, asked.code_key)
        wrong = count_of(connection, guesses, since=now - WRONG_SECONDS)
    if row is not None and _is_signed(asked, found, body):
        return row
    if wrong >= WRONG_MAX:
        raise TooMany("too many wrong codes: try again in a minute")
    with transaction(home.engine, facts=False) as connection:
        count_one_more(connection, guesses, now=now, since=now - WRONG_SECONDS)
    raise WrongCode("no code of ours is behind this: copy the whole line, and ask for a new code if it is older")


def _is_signed(asked: Asked, found: Introduction, body: bytes) -> bool:
    """Whether both have signed: the holder of the code, and the log whose keys are shown."""
    code = Verifier(SIGNER_NAME, SignatureKind.ED25519, asked.code_key)
    log = [key for key in map(parse_vkey, found.log_vkeys) if key.kind is SignatureKind.ED25519]
    try:
        verified = {line.ref for line in open_note(body, [code, *log]).verified}
    except MerkleError:
        return False
    return code.ref in verified and any(key.ref in verified for key in log)


def _check_addressed(home: Home, asked: Asked) -> None:
    if (asked.to, asked.url) != (home.origin, home.public_url):
        raise CannotJoin(f"this question was meant for {asked.to} at {asked.url}")
    ahead = asked.at - home.now()
    if abs(ahead) > SKEW_SECONDS_MAX:
        side = "ahead of" if ahead > 0 else "behind"
        raise CannotJoin(f"your clock is {abs(ahead)} s {side} ours: set both by NTP, and ask again with the same code")


def _check_good(row: InvitationRow, found: Introduction, now: int) -> None:
    if row.refused:
        raise CodeOver("the department that gave this code answered no: telephone them, and ask for a new code")
    if row.expires + (0 if row.asked is None else KEPT_SECONDS) <= now:
        raise CodeOver("this code has expired: ask for a new one")
    if row.asked is not None and row.asked != _kept(found):
        raise CodeOver("this code has been used by somebody else: telephone the department that gave it at once")


def _check_fits(connection: Connection, home: Home, found: Introduction) -> str:
    """Check that the asker can be a member; returns how it stands already."""
    try:
        home.client.check_url(found.url)
        check_apart(connection, home, found)
    except Misconfigured as error:
        raise CannotJoin(str(error)) from error
    peer = read_peer(connection, found.origin)
    if peer is None:
        return WAITING
    if introduction_of(peer).fingerprint != found.fingerprint:
        raise CannotJoin(
            f"{found.origin} is followed here with other keys: let it be removed with `peers remove` first"
        )
    return JOINED


def _kept(found: Introduction) -> str:
    """An introduction as it is kept and compared."""
    return format_json(described(found)).decode()


# --- both sides ---


def described(found: Introduction) -> dict[str, Json]:
    """An introduction as a question to join carries it: what `/node.json` says, without what only grows."""
    return {
        "name": found.name,
        "origin": found.origin,
        "url": found.url,
        "number_prefix": found.number_prefix,
        "desk_jwk": public_jwk(found.desk_key),
        "log_vkeys": list(found.log_vkeys),
        "witness_vkeys": list(found.witness_vkeys),
        "mirror_vkeys": list(found.mirror_vkeys),
    }
