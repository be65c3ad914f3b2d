"""Does what the levers ask for, in the thread that may start processes: rewrites, restores, lets a department stand.

Each says step by step what is happening, and why when it could not be done; what stands written by then can still be
restored.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from handlers.demo.board import Board, Lever, Pull
from handlers.demo.errors import NotFound
from handlers.demo.processes import Processes
from handlers.demo.rewriting import rewrite_amount
from handlers.demo.sites import Site
from handlers.demo.snapshot import Snapshot
from handlers.demo.words import Said, both
from handlers.locale.formats import moment
from handlers.rewritten import RULE
from ledger.errors import Busy, LedgerError
from ledger.keys import NodeKeys
from ledger.node import Clock, Node
from ledger.peers.difference import DIFFERS
from ledger.peers.standing import read_standings
from ledger.records.funds import Ref
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading
from ledger.storage.facts import read_mirrored
from ledger.storage.findings import read_findings
from ledger.storage.network import Network

REWRITTEN_FEN = 200  # 2.00 yuan
FOUND_SECONDS_MAX = 60.0  # a round comes every five
STAND_SECONDS = 120.0  # so long that an answer's line of trust shows it
STOP_SECONDS = 20.0  # a round that waits for a peer may be under way
LOOK_SECONDS = 0.3

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Levers:
    """The hands behind the board."""

    board: Board
    sites: Sequence[Site]
    processes: Processes
    payment: Ref  # whose order is rewritten
    keys: NodeKeys = field(repr=False)  # of the department that pays it: all of them, as its administrator has
    folder: Path  # where the departments are kept as they were before the rewriting
    beginning: Snapshot  # … and as they were when the demo began
    wait_ready: Callable[[Sequence[str]], None]  # until these URLs answer 200
    now: Clock
    stand_seconds: float = STAND_SECONDS
    _before: Snapshot | None = field(default=None, init=False)  # the rewriting

    def work(self, seconds: float) -> None:
        """Do what is pulled within so many seconds, if anything is."""
        pulled = self.board.next(seconds)
        if pulled is None:
            return
        try:
            _WORK[pulled.lever](self, pulled)
        except (LedgerError, SQLAlchemyError, sqlite3.Error, OSError) as error:
            self.board.fail(_why(error), rewritten=self._before is not None)
        except Exception as error:  # noqa: BLE001  a mistake in a lever must not take the whole demo away
            _log.exception("%s failed", pulled.lever)
            self.board.fail(both("lever.why.other", what=type(error).__name__), rewritten=self._before is not None)

    # --- the books ---

    def _rewrite(self, _pull: Pull) -> None:
        site = next(site for site in self.sites if site.settings.origin == self.payment.log)
        self._wait_for(self._knows_all_copies, site, "rewrite.copying")
        node = Node.open(site.settings, self.keys, self.now)
        try:
            self.board.say("rewrite.keeping")
            kept = Snapshot.take(self.sites, self.folder)
            self.board.say("rewrite.writing", department=_named(site))
            rewrite_amount(node, self.payment.sub, REWRITTEN_FEN)
        finally:
            node.close()
        self._before = kept  # from here on there is something to restore
        self._wait_for(self._is_found_by, site, "rewrite.waiting")
        self.board.end("rewrite.done", department=_named(site))

    def _restore(self, _pull: Pull) -> None:
        assert self._before is not None  # the board offers it only then
        self._put_back(self._before)
        self._before.forget()
        self._before = None
        self.board.end("restore.done")

    def _reset(self, _pull: Pull) -> None:
        self._put_back(self.beginning)
        if self._before is not None:
            self._before.forget()
        self._before = None
        self.board.end("reset.done")

    def _put_back(self, kept: Snapshot) -> None:
        schedulers = [_scheduler(site.name) for site in self.sites]
        self.board.say("restore.stopping")
        self.processes.stop(*schedulers, seconds=STOP_SECONDS)
        try:
            self.board.say("restore.putting")
            kept.put_back()
        finally:
            self.board.say("restore.starting")
            self.processes.start_again(*schedulers)
        self.wait_ready([f"{site.url}/readyz" for site in self.sites])
        began = self.now()
        self._wait_for(lambda site: self._has_checked_since(site, began), None, "restore.waiting")

    def _wait_for(self, look: Callable[[Site], bool], but: Site | None, key: str) -> None:
        """Until it is so at every department but one, telling how many are left."""
        waiting = [site for site in self.sites if site is not but]
        end = time.monotonic() + FOUND_SECONDS_MAX
        count = len(waiting)
        while waiting := [site for site in waiting if not look(site)]:
            self.board.say(key, done=count - len(waiting), count=count)
            self.processes.check_alive()
            if time.monotonic() > end:
                raise NotFound("、".join(site.name for site in waiting), FOUND_SECONDS_MAX)
            time.sleep(LOOK_SECONDS)

    def _knows_all_copies(self, site: Site) -> bool:
        """Whether a department knows by their signatures that all the others hold what it holds of that log."""
        with _looking_into(site) as connection:
            network = Network.read(connection)
            log_id = network.log_id(self.payment.log)
            if log_id is None:
                return False
            newest = entries.read_edge(connection, log_id).size - 1
            known = network.mirrors_over({log_id: newest}, read_mirrored(connection))
        others = {one.name for one in self.sites if one is not site and one.settings.origin != self.payment.log}
        return others <= known.keys()

    def _is_found_by(self, site: Site) -> bool:
        """Whether a department holds the finding, with what differs."""
        with _looking_into(site) as connection:
            found = read_findings(connection)
        return any(one.rule == RULE and one.facts["log"] == self.payment.log and DIFFERS in one.facts for one in found)

    def _has_checked_since(self, site: Site, at: int) -> bool:
        with _looking_into(site) as connection:
            standings = read_standings(connection)
        return all(one.checked_at is not None and one.checked_at >= at for one in standings)

    # --- a department that stands still ---

    def _pause(self, pull: Pull) -> None:
        site = next(site for site in self.sites if site.name == pull.department)
        names = [f"{site.name} web", _scheduler(site.name)]
        self.board.say("pause.stopping", department=_named(site))
        self.processes.stop(*names, seconds=STOP_SECONDS)
        since, seconds = self.now(), self.stand_seconds
        until = since + round(seconds)
        self.board.say("pause.standing", department=_named(site), since=_moment(since), until=_moment(until))
        end = time.monotonic() + seconds
        while not self.board.wanted_back(LOOK_SECONDS) and time.monotonic() < end:
            self.processes.check_alive()
        self.board.say("pause.starting", department=_named(site))
        self.processes.start_again(*names)
        self.wait_ready([f"{site.url}/readyz"])
        self.board.end("pause.done", department=_named(site))


_WORK: Mapping[Lever, Callable[[Levers, Pull], None]] = {
    Lever.REWRITE: Levers._rewrite,  # noqa: SLF001  this module's own table
    Lever.RESTORE: Levers._restore,  # noqa: SLF001
    Lever.PAUSE: Levers._pause,  # noqa: SLF001
    Lever.RESET: Levers._reset,  # noqa: SLF001
}


@contextmanager
def _looking_into(site: Site) -> Iterator[Connection]:
    """A department's database, beside its own processes."""
    engine = open_engine(site.settings.database_url)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _scheduler(department: str) -> str:
    return f"{department} scheduler"


def _named(site: Site) -> Said:
    return both(f"account.{site.name}")


def _moment(at: int) -> str:
    return moment(datetime.fromtimestamp(at, UTC))


def _why(error: Exception) -> Said:
    match error:
        case Busy():
            return both("lever.why.busy")
        case NotFound():
            return both("lever.why.late", what=str(error.what), seconds=round(error.seconds))
    return both("lever.why.other", what=str(error))
