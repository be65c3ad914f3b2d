"""Builds a node that has lost its database anew, from what other departments hold of its log, its keys, and no backup.

Nothing is believed but what leads to a head that we have signed ourselves: so it need not be known who the others are
before they answer. Whom we follow, and by which keys, our own log then says. Private values, bindings and officers'
keys are in no mirror.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, inspect

from ledger.desk import Desk
from ledger.errors import ForkFound, LedgerError, Misconfigured, PeerUnreachable
from ledger.folding import read_folded
from ledger.guarded import guard
from ledger.key_history import read_history
from ledger.keys import HighWater, NodeKeys
from ledger.log import OwnLog
from ledger.node import UNFINISHED, Clock, Node, NodeSettings
from ledger.peers.client import PeerClient
from ledger.peers.evidence import keep_evidence
from ledger.peers.exchange import RESTORED
from ledger.peers.hearsay import PARALLEL_MAX, Said, ask_these, needed
from ledger.peers.home import read_peers
from ledger.peers.joining import Introduction, fetch_node, follow_again
from ledger.peers.recovery import fetch_back
from ledger.progress import Progress, silent
from ledger.records.governance import DepartmentState
from ledger.records.rotation import ROLES
from ledger.storage import cursors, entries
from ledger.storage.engine import open_engine, prepare_directory, reading, transaction
from ledger.storage.facts import read_departments
from ledger.storage.upgrade import migrate_on

REBUILT = "rebuilt-at"  # a cursor: when this database was begun from the others' mirrors


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came back, and what did not."""

    size: int  # entries of our own log
    followed: tuple[str, ...]  # departments that are followed again
    missing: tuple[str, ...]  # those that our log names as members and that could not be, and why
    doubted: tuple[str, ...]  # whose mirror was not believed, and why


@dataclass(frozen=True, slots=True)
class _Ruin:
    """All that is left of the node."""

    origin: str
    keys: NodeKeys
    client: PeerClient


def rebuild(
    settings: NodeSettings,
    held: Sequence[NodeKeys],
    addresses: Sequence[str],
    client: PeerClient,
    now: Clock,
    progress: Progress = silent,
) -> Rebuilt:
    """Fill an empty database from the mirrors of the departments at these URLs; the same again goes on from there.

    All of them must be named: nobody counts the word of one that is not. `held`: the keys in the file, and those with a
    role's coming ones. Raises Misconfigured; PeerUnreachable, with nothing written while too few answer; ForkFound when
    two histories bear our signature; Busy.
    """
    if any(keys.origin != settings.origin for keys in held):
        raise Misconfigured(f"ONETRIP_KEY_FILE: these are the keys of {held[0].origin}, not of {settings.origin}")
    addresses = list(dict.fromkeys(url.rstrip("/") for url in addresses))
    prepare_directory(settings.database_url)
    engine = open_engine(settings.database_url)
    try:
        is_begun = _is_begun(engine)
        # 1. Before anything is written: who answers, and holds what we have signed.
        introduced, silent = _introductions(_Ruin(settings.origin, held[0], client), addresses)
        keys, said = _ask(settings.origin, held, client, introduced, silent)
        mark = HighWater.beside(settings.key_file)
        if mark.is_missing() or mark.is_waiting():
            _check_enough(said, 1 + len(addresses), silent)
        # 2. The guard: whatever starts from here on signs nothing before it knows that it may.
        guard(settings.key_file)
        mark.expect(1 + len(addresses))
        if not is_begun:
            _begin(engine, settings.origin, now())
        # 3. Our log, as far as it leads to heads that we have signed.
        log = OwnLog(engine, settings.origin, keys.log, mark, now)
        node = Node(settings, "", engine, keys, mark, log, Desk(log, keys, now), client, now)
        doubted = _without_our_signature(introduced, said) + _fetch_log(node, said, progress)
        # 4. Whom it says that we follow.
        followed, missing = _follow_all(node, introduced)
        _finish(node, held)
        with reading(engine) as connection:
            size = entries.read_edge(connection, log.id).size
    finally:
        engine.dispose()
    return Rebuilt(size, tuple(followed), tuple(missing), tuple(doubted))


def _is_begun(engine: Engine) -> bool:
    """Whether an earlier run has begun here; raises Misconfigured when the database is anything else but empty."""
    with reading(engine) as connection:
        tables = inspect(connection).get_table_names()
        if "cursors" in tables and cursors.read(connection, REBUILT) is not None:
            return True
    if tables:
        raise Misconfigured("ONETRIP_DATABASE_URL: this database holds tables already, and is never overwritten")
    return False


# --- who is there ---


def _introductions(ruin: _Ruin, addresses: Sequence[str]) -> tuple[list[Introduction], list[str]]:
    """Who answers at these addresses, unverified, and why others do not."""

    def fetch(url: str) -> Introduction | str:
        try:
            found = fetch_node(ruin, url)
        except LedgerError as error:
            return f"{url}: {error}"
        return f"{url}: this is our own node" if found.origin == ruin.origin else found

    with ThreadPoolExecutor(PARALLEL_MAX) as pool:
        told = list(pool.map(fetch, addresses))
    return [one for one in told if isinstance(one, Introduction)], [one for one in told if isinstance(one, str)]


def _ask(
    origin: str,
    held: Sequence[NodeKeys],
    client: PeerClient,
    introduced: Sequence[Introduction],
    silent: Sequence[str],
) -> tuple[NodeKeys, list[Said]]:
    """What they hold of our log, and the keys by which they show most of it; raises PeerUnreachable when it is nothing.

    A rotation may have been under way: then the newest heads bear the coming keys.
    """
    peers = [one.peer() for one in introduced]
    answers = [(keys, ask_these(_Ruin(origin, keys, client), peers)) for keys in held]
    keys, said = max(answers, key=lambda answer: _shown(answer[1]))
    if _shown(said) == 0:
        names = ", ".join(one.name for one in introduced) or "nobody"
        raise PeerUnreachable(
            f"nothing was written: of {len(introduced) + len(silent)} departments {names} answered, and nobody shows a"
            f" head of {origin} that the keys in the key file have signed; is it the newest copy of that file?"
            + "".join(f"\n{why}" for why in silent)
        )
    return keys, said


def _without_our_signature(introduced: Sequence[Introduction], said: Sequence[Said]) -> list[str]:
    speaking = {one.peer.url for one in said}
    return [f"{one.name}: shows no head that we have signed" for one in introduced if one.url not in speaking]


def _shown(said: Sequence[Said]) -> int:
    return max((one.mirrored.size for one in said if one.mirrored is not None), default=0)


def _check_enough(said: Sequence[Said], departments: int, silent: Sequence[str]) -> None:
    """A shorter history of ours is ours too: one that lies must not be the only one who speaks."""
    speaking = {one.peer.origin for one in said}  # at however many addresses
    if len(speaking) < needed(departments):
        raise PeerUnreachable(
            f"nothing was written: {len(speaking)} of {departments - 1} departments have said what they hold, and"
            f" without the mark beside the keys it takes {needed(departments)}; telephone the others, and try again"
            + "".join(f"\n{why}" for why in silent)
        )


# --- what they hold ---


def _begin(engine: Engine, origin: str, at: int) -> None:
    with transaction(engine) as connection:
        migrate_on(connection)
        entries.create_log(connection, origin, own=True)
        cursors.keep(connection, dict.fromkeys((REBUILT, UNFINISHED, RESTORED), at))


def _fetch_log(node: Node, said: Sequence[Said], progress: Progress) -> list[str]:
    try:
        doubted = fetch_back(node, said, progress)
    except ForkFound as fork:
        with transaction(node.engine) as connection:
            keep_evidence(connection, fork, node.now())
        raise
    with reading(node.engine) as connection:
        if entries.read_edge(connection, node.log.id).size == 0:
            raise PeerUnreachable("no mirror that answers was believed:" + "".join(f"\n{why}" for why in doubted))
    return doubted


def _follow_all(node: Node, introduced: Sequence[Introduction]) -> tuple[list[str], list[str]]:
    with reading(node.engine) as connection:
        known = {peer.origin for peer in read_peers(connection, with_removed=True)}
        members = [(handle, state) for handle, state in _members(connection, node) if state.origin not in known]
    missing = []
    for handle, state in members:
        why = "does not answer at any address that is known"
        # Several may call themselves so: whose keys go back to those of our record is the one.
        for found in (one for one in introduced if one.origin == state.origin):
            try:
                follow_again(node, found, handle, state)
                break
            except LedgerError as error:
                why = str(error)
        else:
            missing.append(f"{state.name} ({state.origin}): {why}")
    with reading(node.engine) as connection:
        return [peer.name for peer in read_peers(connection)], missing


def _members(connection: Connection, node: Node) -> Iterator[tuple[str, DepartmentState]]:
    """Whom our log names as members now, by the handle of the records that say so."""
    for handle in read_departments(connection, node.log.id):
        folded = read_folded(connection, node.log.id, handle)
        state = None if folded is None else folded.state
        if isinstance(state, DepartmentState) and state.member and state.origin != node.origin:
            yield handle, state


def _finish(node: Node, held: Sequence[NodeKeys]) -> None:
    """From here on the node can be opened, and goes on by itself; raises Misconfigured when its keys are older."""
    with transaction(node.engine) as connection:
        history = read_history(connection, node.log.id)
        for role in ROLES:
            wanted = history.in_force(role)
            if wanted is not None and wanted.keys and all(keys.role_keys(role) != wanted.keys for keys in held):
                raise Misconfigured(
                    f"ONETRIP_KEY_FILE: {node.settings.key_file} does not hold the {role} key that our log has in force"
                    f" since index {wanted.from_index}; put the newer key file there, and run the same command again"
                )
        cursors.forget(connection, UNFINISHED)
