"""Tells a Prometheus server how the node is doing, from what stands in its database.

Counted nowhere but there, so that every worker process answers the same. No label names a person or an object.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Select, func, or_, select

from ledger import bindings
from ledger.peers.home import Home
from ledger.peers.standing import read_standings
from ledger.storage import leases, schema
from ledger.storage.engine import reading

_logs, _heads, _findings = schema.logs.c, schema.heads.c, schema.findings.c
_peers, _cosigned, _waiting = schema.peers.c, schema.cosignatures.c, schema.waiting.c

_SIZES = select(_logs.origin, _logs.size)
_PUBLISHED = (
    select(_logs.origin, func.max(_heads.size))
    .join(schema.heads, _heads.log_id == _logs.id)
    .where(_logs.own, _heads.published)
    .group_by(_logs.origin)
)
_COSIGNED = select(_cosigned.name, _logs.origin, func.max(_cosigned.time)).join(
    schema.logs, _logs.id == _cosigned.log_id
)
_OPEN = (
    select(_findings.rule, _findings.severity, func.count())
    .where(_findings.state == "open", or_(_findings.answered.is_(None), _findings.answered == "explained"))
    .group_by(_findings.rule, _findings.severity)
)
_PEERS = select(_peers.origin, _peers.failures).where(~_peers.removed)
_CHECKED = select(_peers.origin, _peers.checked_at).where(~_peers.removed, _peers.checked_at.is_not(None))
_WAITING = select(_waiting.private, func.count()).group_by(_waiting.private)

# Name, help, labels, and the question whose last column is the value.
_GAUGES: tuple[tuple[str, str, tuple[str, ...], Select[tuple[object, ...]]], ...] = (
    ("onetrip_log_entries", "Entries held of each log, our own and mirrored.", ("origin",), _SIZES),
    ("onetrip_log_published_entries", "Entries under the published checkpoint.", ("origin",), _PUBLISHED),
    (
        "onetrip_cosignature_time_seconds",
        "Time of each cosigner's newest cosignature over each log.",
        ("cosigner", "origin"),
        _COSIGNED.group_by(_cosigned.name, _logs.origin),
    ),
    ("onetrip_findings_open", "Open findings.", ("rule", "severity"), _OPEN),
    ("onetrip_peer_failures", "Rounds with a peer that failed, one after another.", ("origin",), _PEERS),
    ("onetrip_peer_checked_time_seconds", "When a round with a peer last went well.", ("origin",), _CHECKED),
    ("onetrip_waiting", "References whose object, or its private part, has not arrived.", ("private",), _WAITING),
)


class _Database(Collector):
    """Reads the gauges anew for each question."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def collect(self) -> Iterable[Metric]:
        with reading(self._home.engine) as conn:
            return [*_gauges(conn), *_scheduler(conn), _left(conn), _guesses(conn, self._home)]


def _gauges(conn: Connection) -> Iterator[Metric]:
    for name, told, labels, question in _GAUGES:
        gauge = GaugeMetricFamily(name, told, labels=labels)
        for row in conn.execute(question):
            values: list[str] = [str(value) for value in row]
            gauge.add_metric(values[:-1], float(values[-1]))
        yield gauge


def _scheduler(conn: Connection) -> Iterator[Metric]:
    beat = leases.last_beat(conn, leases.SCHEDULER)
    if beat is not None:
        yield GaugeMetricFamily("onetrip_scheduler_seen_time_seconds", "When the scheduler was last seen.", value=beat)


def _left(conn: Connection) -> Metric:
    told = "Entries of a peer that were more than the last round takes."
    gauge = GaugeMetricFamily("onetrip_peer_left_entries", told, labels=("origin",))
    for one in read_standings(conn):
        gauge.add_metric([one.origin], one.left)
    return gauge


def _guesses(conn: Connection, home: Home) -> Metric:
    wrong = bindings.wrong_at_node(conn, home.keys.lookup_key, home.now())
    return GaugeMetricFamily("onetrip_wrong_query_codes", "Wrong query codes within the hour.", value=wrong)


def exposition(home: Home) -> bytes:
    """What `/metrics` shows, in Prometheus' text format; raises Busy."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Database(home))
    return generate_latest(registry)
