"""Makes a node whose log is long, fast: every record valid, signed by who may sign it, folded, numbered and sealed.

The records are made by all cores, a thousand stories at a time; what an appender would do for each of them is done
once for each thousand. `verify` then finds nothing, which is the proof that it is the log that a desk would have made.
"""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from ledger import officers
from ledger.folding import columns_of
from ledger.keys import open_keys
from ledger.node import Node, NodeSettings, init_node
from ledger.records import codec
from ledger.records.fold import Folded, apply
from ledger.records.kinds import BY_NAME
from ledger.records.statement import SALT_BYTES, Record, Statement, sign
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from ledger.storage.vault import Placed, Vault

PASSPHRASE = "only for measuring"
STORIES_AT_ONCE = 1_000
STAFF = (("林芳", "clerk"), ("高伟", "approver"), ("吴倩", "finance"), ("马骏", "authoriser"))
AMOUNT = 2_000_000
ACCOUNT = "6217000010001230836"


class Pen(NamedTuple):
    """A key to sign with, as another process can take it."""

    kid: str
    seed: bytes


class Order(NamedTuple):
    """So many stories, the first record of which will have this index."""

    origin: str
    payer: str | None
    pens: dict[str, Pen]
    first: int
    stories: int
    at: int


class Made(NamedTuple):
    """What one order came to, in the order of the log."""

    entries: list[bytes]
    records: list[tuple[int, str, str, bytes, int, dict[str, str]]]  # index, sub, kind, leaf, iat, disclosures
    objects: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LongLog:
    """A node that lies closed in a folder."""

    settings: NodeSettings
    size: int

    @property
    def url(self) -> str:
        return self.settings.database_url

    def vault_key(self) -> bytes:
        return open_keys(self.settings.key_file, PASSPHRASE).vault_key


def _steps(origin: str, payer: str | None) -> Iterator[tuple[str, str, str, dict[str, Any], dict[str, Any]]]:
    """One person's story: which pen, which kind, about which object, and what of it is clear and private.

    The log of another `payer` holds the payment; without one it is here, which the others would ask about (R11).
    """
    case, award, payment, word = (new_handle() for _ in range(4))
    told = {"number": "21261123004798", "query_code": "12345678", "applicant": "王桂兰"}
    account = {"payee": "王桂兰", "account": ACCOUNT}
    ref = {"log": origin, "sub": award}
    yield "林芳", "case-submitted", case, {"matter": "linshi-jiuzhu"}, told
    yield "林芳", "case-accepted", case, {}, {}
    proposal = {"case": case, "programme": "linshi-jiuzhu", "amount": AMOUNT, "payer": payer or origin}
    yield "林芳", "award-proposed", award, proposal, account
    yield "高伟", "award-approved", award, {"amount": AMOUNT}, {}
    if payer is None:
        yield "吴倩", "payment-created", payment, {"award": ref, "amount": AMOUNT}, {"account": ACCOUNT}
        yield "马骏", "payment-released", payment, {}, {}
        yield "吴倩", "bank-result", payment, {"outcome": "credited", "file": "ab" * 32, "line": 1}, {}
    yield "desk", "citizen-word", word, {"payment": {"log": payer or origin, "sub": payment}, "word": "received"}, {}


def make(order: Order) -> Made:
    """Sign and fold the records of an order; the stories go side by side, as in an office."""
    keys = {name: Ed25519PrivateKey.from_private_bytes(pen.seed) for name, pen in order.pens.items()}
    told = [list(_steps(order.origin, order.payer)) for _ in range(order.stories)]
    world: dict[str, Folded] = {}
    rows: dict[str, dict[str, Any]] = {}
    made = Made([], [], [])
    for step in range(len(told[0])):
        for story in told:
            name, kind, sub, clear, private = story[step]
            before = world.get(sub)
            signed = sign(
                Statement(kind, sub, clear, private),
                iss=order.origin,
                jti=new_handle(),
                iat=order.at,
                prev=None if before is None else before.chain,
                kid=order.pens[name].kid,
                salts=[secrets.token_bytes(SALT_BYTES) for _ in range(BY_NAME[kind].digests)],
                signer=keys[name].sign,
            )
            index = order.first + len(made.entries)
            _fold(world, rows, signed.record, index)
            made.entries.append(signed.record.entry)
            made.records.append((index, sub, kind, signed.record.leaf, order.at, dict(signed.disclosures)))
    made.objects.extend({**row, "handle": handle} for handle, row in rows.items())
    return made


def _fold(world: dict[str, Folded], rows: dict[str, dict[str, Any]], record: Record, index: int) -> None:
    for handle, folded in apply(world.get, record).items():
        world[handle] = folded
        first = {"topic": codec.topic_of(folded.state), "created": record.iat, "first_idx": index, "disputed": None}
        rows.setdefault(handle, first).update(columns_of(folded, record.iss), idx=index)


def settings_in(folder: Path, port: int = 1) -> NodeSettings:
    """The settings of the node that lies in this folder; `port` where somebody shall ask it."""
    host = f"127.0.0.1:{port}"
    database, keys = f"sqlite:///{folder / 'node.db'}", folder / "node.age"
    return NodeSettings("民政局", f"{host}/log", f"http://{host}", database, keys)


def make_long_log(folder: Path, size: int, *, port: int = 1, payer: str | None = None) -> LongLog:
    """A node in this folder whose log has so many entries, a head that is signed and published over all of them.

    `payer`: the log of another department that pays what is approved here.
    """
    settings = settings_in(folder, port)
    at = int(time.time())
    init_node(settings, number_prefix="21", passphrase=PASSPHRASE, now=lambda: at)
    node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), lambda: at)
    try:
        pens = _enrol(node)
        with reading(node.engine) as conn:
            first = entries.read_edge(conn, node.log.id).size
        orders = list(_orders(Order(node.origin, payer, pens, first, 0, at), size))
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            for made in pool.map(make, orders):
                _store(node, made)
        head = node.log.sign_new_head()
        assert head is not None
        assert node.log.publish(head.size)
        return LongLog(settings, head.size)
    finally:
        node.close()


def _enrol(node: Node) -> dict[str, Pen]:
    pens = {"desk": Pen(node.keys.desk_kid, node.keys.desk.private_bytes_raw())}
    for name, role in STAFF:
        handle = node.desk.enrol(name, (role,), f"id-{name}").handle
        with reading(node.engine) as conn:
            officer = officers.in_force(conn, handle)
            pens[name] = Pen(officer.kid, officers.open_key(Vault(node.keys.vault_key), officer))
    return pens


def _orders(first: Order, size: int) -> Iterator[Order]:
    records = len(list(_steps(first.origin, first.payer)))
    stories = (size - first.first) // records
    for done in range(0, stories, STORIES_AT_ONCE):
        count = min(STORIES_AT_ONCE, stories - done)
        yield first._replace(first=first.first + done * records, stories=count)


def _store(node: Node, made: Made) -> None:
    log = node.log.id
    with transaction(node.engine) as conn:
        first = entries.append(conn, log, made.entries)
        assert first == made.records[0][0]
        conn.execute(insert(schema.objects), [{"log_id": log, **row} for row in made.objects])
        feed = [
            {"log_id": log, "idx": index, "handle": sub, "kind": kind, "at": at, "story": False}
            for index, sub, kind, _leaf, at, _told in made.records
        ]
        conn.execute(insert(schema.feed), feed)
        vault = Vault(node.keys.vault_key)
        citizen = vault.add_citizen(conn)
        for index, sub, _kind, leaf, _at, told in made.records:
            vault.put(conn, Placed(citizen, log, sub, index, leaf), told)
