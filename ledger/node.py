"""One department's node: makes its keys, database and genesis, or opens them, and hands out the parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, inspect

from ledger.desk import Desk
from ledger.errors import Misconfigured
from ledger.facts import Facts
from ledger.folding import fold
from ledger.freezing import LastHead
from ledger.keyring import KeyFile, Keyring
from ledger.keys import HighWater, Keys, NodeKeys, generate, seal
from ledger.log import OwnLog
from ledger.memory import Memories
from ledger.peers.addresses import Network
from ledger.peers.client import PeerClient
from ledger.records import claims as shape
from ledger.records.jsonstrict import Json
from ledger.records.statement import Record, Statement, parse_record, public_jwk, sign
from ledger.scribe import new_handle
from ledger.storage import cursors, entries
from ledger.storage.engine import open_engine, prepare_directory, read_moment, reading, transaction
from ledger.storage.signers import read_signer
from ledger.storage.upgrade import check_current, migrate

UNFINISHED = "rebuild-unfinished"  # a cursor, while a database is being built anew from the others' mirrors

Clock = Callable[[], int]  # seconds since 1970, UTC


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What a node must be told; the rest is in its log."""

    name: str
    origin: str
    public_url: str  # without a slash at its end
    database_url: str
    key_file: Path
    crosscheck_seconds: int = 60
    checkpoint_seconds: int = 5
    peer_networks: tuple[Network, ...] = ()  # of private addresses, in which other departments may be


def init_node(
    settings: NodeSettings,
    *,
    number_prefix: str,
    passphrase: str,
    now: Clock,
    successor_of: LastHead | None = None,
) -> NodeKeys:
    """Make a node's keys, high-water mark, database and genesis record; returns the keys, to show their fingerprint.

    `successor_of`: the last head of the log whose place this one takes. Raises Misconfigured, with nothing overwritten,
    when any of these is there already.
    """
    if successor_of is not None and successor_of.origin == settings.origin:
        raise Misconfigured("ONETRIP_ORIGIN: a successor has a name of its own, e.g. mz.example.gov.cn/2/log")
    _check_names(settings, number_prefix)
    prepare_directory(settings.database_url)
    engine = open_engine(settings.database_url)
    try:
        _check_nothing_there(settings, engine)
        migrate(engine)
        keys = generate(settings.origin)
        # The keys first: a log whose keys were never written could not go on.
        seal(settings.key_file, keys, passphrase)
        HighWater.beside(settings.key_file).create()
        _found(engine, settings, _genesis(settings.name, keys, number_prefix, now(), successor_of))
    finally:
        engine.dispose()
    return keys


def _check_names(settings: NodeSettings, number_prefix: str) -> None:
    if not shape.department(settings.name):
        raise Misconfigured("--name: 1 to 40 letters without spaces, e.g. 民政局")
    if not shape.prefix(number_prefix):
        raise Misconfigured("--number-prefix: 2 to 4 digits, the first not 0, e.g. 21")
    if not shape.origin(settings.origin):
        raise Misconfigured("ONETRIP_ORIGIN: no space and no plus sign, at most 255 characters")


def _check_nothing_there(settings: NodeSettings, engine: Engine) -> None:
    for path in (settings.key_file, HighWater.beside(settings.key_file).path):
        if path.exists():
            raise Misconfigured(f"ONETRIP_KEY_FILE: {path} is there already, and is never overwritten")
    with reading(engine) as connection:
        # Not even brought up to date: whatever is in there, it is somebody's.
        if inspect(connection).get_table_names():
            raise Misconfigured("ONETRIP_DATABASE_URL: this database holds tables already, and is never overwritten")


def _found(engine: Engine, settings: NodeSettings, record: Record) -> None:
    with transaction(engine) as connection:
        log_id = entries.create_log(connection, settings.origin, own=True)
        index = entries.append(connection, log_id, [record.entry])
        fold(connection, log_id, index, record)


def _genesis(name: str, keys: NodeKeys, number_prefix: str, at: int, successor_of: LastHead | None) -> Record:
    said: dict[str, Json] = {
        "department": name,
        "number_prefix": number_prefix,
        "desk_key": public_jwk(keys.desk_public),
        "log_keys": keys.log_vkeys,
        "witness_keys": keys.witness_vkeys,
        "mirror_keys": keys.mirror_vkeys,
    }
    if successor_of is not None:
        ended = successor_of
        said["successor_of"] = {"log": ended.origin, "size": ended.size, "root": ended.root.hex()}
    signed = sign(
        Statement("genesis", new_handle(), said),
        iss=keys.origin,
        jti=new_handle(),
        iat=at,
        prev=None,
        kid=keys.desk_kid,
        salts=(),
        signer=keys.desk.sign,
    )
    return signed.record


def open_database(settings: NodeSettings) -> Engine:
    """Open the node's database, for what needs no keys; raises Misconfigured when it is not of this version."""
    engine = open_engine(settings.database_url)
    try:
        check_current(engine)
        _check_finished(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _check_finished(engine: Engine) -> None:
    with reading(engine) as connection:
        if cursors.read(connection, UNFINISHED) is not None:
            raise Misconfigured(
                "ONETRIP_DATABASE_URL: this database was begun by `restore --from-peers` and is not complete;"
                " run it again"
            )


@dataclass(frozen=True, slots=True)
class Node:
    """One department's running node."""

    settings: NodeSettings
    number_prefix: str
    engine: Engine
    keys: Keys
    high_water: HighWater
    log: OwnLog
    desk: Desk
    client: PeerClient
    now: Clock
    memories: Memories = field(default_factory=Memories, repr=False, compare=False)

    @classmethod
    def open(cls, settings: NodeSettings, held: NodeKeys | KeyFile, now: Clock) -> Self:
        """Open a node that `init_node` made; raises Misconfigured when database and keys do not belong together.

        With its key file it goes on with new keys, by itself, when they are rotated.
        """
        engine = open_database(settings)
        try:
            genesis = _read_genesis(engine, settings)
            keys: Keys = held if isinstance(held, NodeKeys) else Keyring(held, engine)
            _check_fit(engine, settings, keys, genesis)
            high_water = HighWater.beside(settings.key_file)
            log = OwnLog(engine, settings.origin, lambda: keys.log, high_water, now)
        except BaseException:
            engine.dispose()
            raise
        prefix, desk = str(genesis.clear["number_prefix"]), Desk(log, keys, now)
        client = PeerClient(settings.public_url, networks=settings.peer_networks)
        return cls(settings, prefix, engine, keys, high_water, log, desk, client, now)

    @property
    def name(self) -> str:
        """The department's name."""
        return self.settings.name

    @property
    def origin(self) -> str:
        """The name of its log."""
        return self.settings.origin

    @property
    def public_url(self) -> str:
        """Where others reach it."""
        return self.settings.public_url

    @property
    def round_seconds(self) -> int:
        """How often it checks its peers."""
        return self.settings.crosscheck_seconds

    @contextmanager
    def reading(self) -> Iterator[Facts]:
        """What is true now, as of one moment; raises Busy."""
        with reading(self.engine) as connection:
            moment = read_moment(connection)
            # A vault key is rotated with all that it wraps: a reader needs the one of its own moment. The key file is
            # looked at behind that moment, because it is replaced before the record: the other way round, a rotation
            # between the two would be seen in the rows and not in the file.
            keys = self.keys.now(connection) if isinstance(self.keys, Keyring) else self.keys
            yield Facts(
                connection,
                vault_key=keys.vault_key,
                lookup_key=self.keys.lookup_key,
                memory=self.memories.at(moment),
            )

    def close(self) -> None:
        """Let connections go, to the database and to peers."""
        self.client.close()
        self.engine.dispose()


def _read_genesis(engine: Engine, settings: NodeSettings) -> Record:
    with reading(engine) as connection:
        log_id = entries.find_log(connection, settings.origin)
        if log_id is None:
            raise Misconfigured(
                f"ONETRIP_DATABASE_URL: this database holds no log {settings.origin}; `python app.py init` makes one"
            )
        return parse_record(entries.read_entries(connection, log_id, 0, 1)[0])


def _check_fit(engine: Engine, settings: NodeSettings, keys: Keys, genesis: Record) -> None:
    if keys.origin != settings.origin:
        raise Misconfigured(f"ONETRIP_KEY_FILE: these are the keys of {keys.origin}, not of {settings.origin}")
    with reading(engine) as connection:
        log_id = entries.find_log(connection, settings.origin)
        signer = None if log_id is None else read_signer(connection, log_id, keys.desk_kid)
    if signer is None or signer.handle != genesis.sub or signer.to_index is not None:
        raise Misconfigured("ONETRIP_KEY_FILE: these are not the keys of the log in this database")
    if genesis.clear["department"] != settings.name:
        raise Misconfigured(f"ONETRIP_NODE_NAME: the log says {genesis.clear['department']}; set this name")
