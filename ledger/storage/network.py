"""The departments whose logs we hold, by the names that they have given themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, select

from ledger.storage import facts as rows
from ledger.storage.engine import kept
from ledger.storage.facts import LogRow
from ledger.storage.schema import peers

_KEPT = "network"

_URLS = select(peers.c.origin, peers.c.url).where(~peers.c.removed)


def witness_name(origin: str) -> str:
    """The name under which the department of a log cosigns as witness: `<host>/log` is `<host>/witness`."""
    return f"{origin.removesuffix('/log')}/witness"


def mirror_name(origin: str) -> str:
    """The name under which the department of a log cosigns as mirror: `<host>/log` is `<host>/mirror`."""
    return f"{origin.removesuffix('/log')}/mirror"


def read_urls(conn: Connection) -> dict[str, str]:
    """By the origin of its log, where each department that we follow is reached."""
    return {row[0]: row[1] for row in conn.execute(_URLS)}


@dataclass(frozen=True, slots=True)
class Network:
    """Every log that we hold, at one moment."""

    own: LogRow
    _by_id: Mapping[int, LogRow]
    _by_origin: Mapping[str, LogRow]
    _peers: Mapping[str, tuple[str, str]]  # origin -> name, number prefix

    @classmethod
    def read(cls, conn: Connection) -> Self:
        """Read it; a node without its own log has not been initialised, and crashes here."""
        known: Self | None = kept(conn).get(_KEPT)
        if known is None:
            known = kept(conn)[_KEPT] = cls._read(conn)
        return known

    @classmethod
    def _read(cls, conn: Connection) -> Self:
        found = rows.read_logs(conn)
        own = next(each for each in found if each.own)
        peers = {origin: (name, prefix) for origin, name, prefix in rows.read_peer_names(conn)}
        return cls(own, {each.id: each for each in found}, {each.origin: each for each in found}, peers)

    def log(self, log_id: int) -> LogRow:
        """The log of that id."""
        return self._by_id[log_id]

    def origin(self, log_id: int) -> str:
        """Its origin."""
        return self._by_id[log_id].origin

    def id_of(self, origin: str) -> int:
        """The id of a log that we hold."""
        return self._by_origin[origin].id

    def watches(self, origin: str, index: int) -> bool:
        """Whether another department had cosigned a log before its entry of this index came."""
        found = self._by_origin.get(origin)
        return found is not None and found.first_cosigned is not None and index >= found.first_cosigned

    def is_watched(self, origin: str) -> bool:
        """Whether another department has cosigned any head of a log that we hold."""
        found = self._by_origin.get(origin)
        return found is not None and found.first_cosigned is not None

    def log_id(self, origin: str) -> int | None:
        """The id of a log; None when we hold nothing of it."""
        found = self._by_origin.get(origin)
        return None if found is None else found.id

    def name(self, origin: str) -> str:
        """Name of the department behind a log, by its own genesis; the origin itself when nobody has told us."""
        found = self._by_origin.get(origin)
        if found is not None and found.department is not None:
            return found.department
        return self._peers[origin][0] if origin in self._peers else origin

    def origin_named(self, name: str) -> str | None:
        """The log of the department of that name."""
        return next((origin for origin in self._origins() if self.name(origin) == name), None)

    def prefixes(self) -> dict[str, str]:
        """Number prefixes, and the names of the departments that give such numbers."""
        known = {prefix: name for name, prefix in self._peers.values()}
        return known | {log.number_prefix: self.name(log.origin) for log in self._by_id.values() if log.number_prefix}

    def mirrors_over(self, wanted: Mapping[int, int], cosigned: Iterable[tuple[int, str, int, int]]) -> dict[str, int]:
        """The departments whose mirrors hold each wanted log beyond its index, each with its oldest signature's time.

        `cosigned`: log id, mirror's name, size, time. Never our own department: it would vouch for itself.
        """
        newest: dict[tuple[str, int], int] = {}
        for log_id, name, size, time in cosigned:
            if size > wanted.get(log_id, size):
                newest[name, log_id] = max(time, newest.get((name, log_id), 0))
        good = [
            origin
            for origin in self._origins()
            if origin != self.own.origin and all((mirror_name(origin), log_id) in newest for log_id in wanted)
        ]
        return {self.name(origin): min(newest[mirror_name(origin), log_id] for log_id in wanted) for origin in good}

    def _origins(self) -> list[str]:
        return sorted({*self._by_origin, *self._peers})
