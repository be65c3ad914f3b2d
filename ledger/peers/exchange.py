"""Exchanges what is private at one department and needed at another: an award's payee and account, a payment's number.

Only the payer that an approved award names may ask about it, and only the department that approved the award about its
payments; that both take part in the programme is the basis. What comes is believed only as far as its digests stand in
the records that we mirror.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ledger.errors import BadDisclosure, MalformedRecord, PeerUnreachable
from ledger.folding import read_folded, take_disclosures
from ledger.peers.errors import MalformedQuestion, NotForYou, NotSigned
from ledger.peers.home import Home, Peer, read_peer, read_peers
from ledger.peers.signing import (
    SKEW_SECONDS_MAX,
    Desk,
    Proven,
    Question,
    Reply,
    check_question,
    check_reply,
    sign_question,
    sign_reply,
)
from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.fold import State
from ledger.records.funds import AwardState, AwardStatus, PaymentState
from ledger.records.jsonstrict import Json, format_json, parse_json
from ledger.records.numbers import is_number
from ledger.records.statement import Record, open_disclosure, parse_record, thumbprint
from ledger.storage import cursors, entries, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.facts import read_story
from ledger.storage.prepared import Prepared
from ledger.storage.vault import Vault, read_rows

PATH = "/exchange/disclosures"
OBJECTS_MAX = 8  # in one question
OBJECTS_A_ROUND_MAX = 400  # of one peer
QUESTION_BYTES_MAX = 4 * 1024
ANSWER_BYTES_MAX = 64 * 1024
NONCE_BYTES = 16

RESTORED = "restored-at"  # a cursor: when this database was put back from a backup
_waiting_for = schema.waiting.c
_WAITING = Prepared(
    select(_waiting_for.handle)
    .where(_waiting_for.log_id == bindparam("log"), _waiting_for.private)
    .order_by(_waiting_for.since, _waiting_for.handle)
    .limit(OBJECTS_A_ROUND_MAX)
)

# Whom the records of an object are told to, and what of each kind.
_TO_PAYER: Mapping[str, tuple[str, ...]] = {
    "award-proposed": ("number", "query_code", "payee", "account"),
    "account-given": ("payee", "account"),
}
_TO_APPROVER: Mapping[str, tuple[str, ...]] = {"payment-created": ("number", "account")}


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a question: headers that sign it, and its body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one round of asking one peer brought."""

    arrived: int
    missing: int


# --- the side that answers ---


def answer(home: Home, headers: Mapping[str, str], body: bytes) -> Answered:
    """Answer a POST to PATH; raises MalformedQuestion, NotForYou or Busy.

    An object that the asker has no right to is not in the answer; a question with none that it has is refused.
    """
    # 1. A member asked, this department, just now, exactly this.
    question = Question("POST", f"{home.public_url}{PATH}", dict(headers))
    asker, proven = _open_question(home, question, body)
    handles = _parse_question(home, body)
    # 2. For the first time: a copy of a question gets nothing, in whichever worker it arrives.
    _count_once(home, proven)
    # 3. Only what concerns it.
    with reading(home.engine) as connection:
        told = dict(_tell(connection, home, asker, handles))
    if not told:
        raise NotForYou(f"{asker.origin} asked for what does not concern it")
    content = format_json({"disclosures": told})
    reply = Reply(HTTPStatus.OK, {}, question)
    sign_reply(reply, content, _desk(home), nonce=_new_nonce(), now=home.now())
    return Answered({"Content-Type": "application/json", **reply.headers}, content)


def _open_question(home: Home, question: Question, body: bytes) -> tuple[Peer, Proven]:
    with reading(home.engine) as connection:
        members = {thumbprint(peer.desk_key): peer for peer in read_peers(connection) if not peer.forked}
    keys = {kid: peer.desk_key for kid, peer in members.items()}
    try:
        proven = check_question(question, body, keys, now=home.now())
    except NotSigned as error:
        raise NotForYou(str(error)) from error
    return members[proven.kid], proven


def _parse_question(home: Home, body: bytes) -> list[str]:
    if len(body) > QUESTION_BYTES_MAX:
        raise MalformedQuestion(f"a question of {len(body)} bytes")
    try:
        asked = parse_json(body)
    except MalformedRecord as error:
        raise MalformedQuestion(str(error)) from error
    if not isinstance(asked, dict) or asked.keys() != {"log", "objects"} or asked["log"] != home.origin:
        raise MalformedQuestion("not an object with `log`, which is this department's, and `objects`")
    handles = asked["objects"]
    if not isinstance(handles, list) or not 1 <= len(handles) <= OBJECTS_MAX or not all(map(shape.handle, handles)):
        raise MalformedQuestion(f"`objects` are 1 to {OBJECTS_MAX} handles")
    return handles


def _count_once(home: Home, proven: Proven) -> None:
    kept = schema.nonces.c
    try:
        with transaction(home.engine, facts=False) as connection:
            restored_at = cursors.read(connection, RESTORED)
            if restored_at is not None and proven.expires <= restored_at + SKEW_SECONDS_MAX:
                raise NotForYou("asked before this node was put back from a backup, which holds no nonces")
            # An expired signature is refused before its nonce is looked for.
            connection.execute(delete(schema.nonces).where(kept.expires < home.now()))
            row = {"keyid": proven.kid, "nonce": proven.nonce, "expires": proven.expires}
            connection.execute(insert(schema.nonces), row)
    except IntegrityError as error:
        raise NotForYou("this question has been asked before") from error


def _tell(connection: Connection, home: Home, asker: Peer, handles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    log_id = entries.find_log(connection, home.origin)
    assert log_id is not None  # a node without its own log has not been initialised
    vault = Vault(home.keys.vault_key)
    for handle in dict.fromkeys(handles):
        folded = read_folded(connection, log_id, handle)
        told = _told_to(asker.origin, None if folded is None else folded.state)
        rows = [row for row in read_rows(connection, [handle]) if row.log_id == log_id]
        for record in _records_of(connection, log_id, handle):
            names = told.get(record.kind, ())
            found = [row for row in rows if row.leaf == record.leaf and row.name in names]
            if found:
                yield record.record_id, [vault.disclosure(row) for row in found]


def _told_to(asker: str, state: State | None) -> Mapping[str, tuple[str, ...]]:
    match state:
        case AwardState(payer=payer, status=AwardStatus.APPROVED) if payer == asker:
            return _TO_PAYER
        case PaymentState(award=award) if award.log == asker:
            return _TO_APPROVER
    return {}


# --- the side that asks ---


def fetch_private(home: Home, peer: Peer, log_id: int) -> Fetched:
    """Ask a peer for what is private there and waited for here; what does not come is asked for again next round.

    Raises PeerUnreachable or Busy.
    """
    with reading(home.engine) as connection:
        waiting = _waiting(connection, log_id)
        # With the key that its log has just put in force, if it has.
        peer = (read_peer(connection, peer.origin) or peer) if waiting else peer
    arrived = 0
    for at in range(0, len(waiting), OBJECTS_MAX):
        some = waiting[at : at + OBJECTS_MAX]
        told = _ask(home, peer, some)
        with transaction(home.engine) as connection:
            arrived += sum(_take(connection, home, peer, log_id, handle, told) for handle in some)
    return Fetched(arrived, len(waiting) - arrived)


def _waiting(connection: Connection, log_id: int) -> list[str]:
    return [row[0] for row in _WAITING.rows(connection, {"log": log_id})]


def _ask(home: Home, peer: Peer, handles: Sequence[str]) -> dict[str, list[str]]:
    body = format_json({"log": peer.origin, "objects": list(handles)})
    url = f"{peer.url}{PATH}"
    question = Question("POST", url, {"Content-Type": "application/json"})
    sign_question(question, body, _desk(home), nonce=_new_nonce(), now=home.now())
    got = home.client.ask("POST", url, bytes_max=ANSWER_BYTES_MAX, content=body, headers=question.headers)
    if got.status == HTTPStatus.FORBIDDEN:
        return {}  # it does not know yet what we know, e.g. that we are a member: asked again next round
    if got.status != HTTPStatus.OK:
        raise PeerUnreachable(f"{url}: answered {got.status}")
    try:
        reply = Reply(got.status, dict(got.headers), question)
        check_reply(reply, got.body, {thumbprint(peer.desk_key): peer.desk_key}, now=home.now())
        return _parse_answer(parse_json(got.body))
    except (NotSigned, MalformedRecord) as error:
        raise PeerUnreachable(f"{url}: no answer of theirs: {error}") from error


def _parse_answer(told: Any) -> dict[str, list[str]]:
    if not isinstance(told, dict) or not isinstance(found := told.get("disclosures"), dict):
        raise MalformedRecord("no `disclosures`")
    for texts in found.values():
        if not isinstance(texts, list) or not all(isinstance(text, str) and text.isascii() for text in texts):
            raise MalformedRecord("disclosures are lists of ASCII texts")
    return found


def _take(
    connection: Connection, home: Home, peer: Peer, log_id: int, handle: str, told: Mapping[str, list[str]]
) -> bool:
    """Keep what was told of one object, if it is all of it and its digests hold; returns whether it was."""
    records = [record for record in _records_of(connection, log_id, handle) if record.kind in _ASKED]
    newest = {record.kind: record.record_id for record in records}
    if not newest or not all(told.get(record_id) for record_id in newest.values()):
        return False
    try:
        with connection.begin_nested():
            for record in records:
                if texts := told.get(record.record_id):
                    _check_number(record, texts, peer)
                    take_disclosures(connection, home.keys, log_id, record, texts)
    except (BadDisclosure, IntegrityError):  # or a number that it has given twice
        return False
    return True


_ASKED = _TO_PAYER.keys() | _TO_APPROVER.keys()


def _check_number(record: Record, texts: Sequence[str], peer: Peer) -> None:
    """A department gives its own numbers only: with another's it could answer in that one's place."""
    told: dict[str, Json] = dict(open_disclosure(record, text) for text in texts)
    number = told.get("number")
    if number is not None and not (isinstance(number, str) and is_number(number, [peer.number_prefix])):
        raise BadDisclosure(record.record_id)


# --- both sides ---


def _records_of(connection: Connection, log_id: int, handle: str) -> list[Record]:
    """The folded records about an object of one log, oldest first."""
    rows = [row for row in read_story(connection, [handle]) if row.log_id == log_id]
    return [parse_record(bytes(row.entry)) for row in sorted(rows, key=lambda row: row.idx)]


def _desk(home: Home) -> Desk:
    return Desk(home.keys.desk_kid, home.keys.desk)


def _new_nonce() -> str:
    return base64url.encode(secrets.token_bytes(NONCE_BYTES))
