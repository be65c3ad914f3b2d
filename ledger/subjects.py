"""Says in plain, public values what a record is about: which matter or programme, how much, who pays.

Only what stands in the clear in the logs: no name, no number, nothing from the vault. A record names the object above
its own, never what hangs below: upward a few steps say it all, downward only so many are looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, bindparam, select

from ledger.folding import read_folded
from ledger.records.cases import CaseState
from ledger.records.fold import State
from ledger.records.funds import AwardState, PaymentState, Ref, WordState
from ledger.storage.network import Network
from ledger.storage.schema import objects

STEPS_MAX = 4  # a word on a payment of an award of a case
BELOW_MAX = 20  # of one object: an honest case has a few awards, an award two or three payments

_o = objects.c
_BELOW = (
    select(_o.log_id, _o.handle)
    .where(_o.ref_handle == bindparam("handle"), _o.ref_log == bindparam("log"))
    .order_by(_o.created.desc())
    .limit(BELOW_MAX)
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a record's object is, as far as the logs that we hold tell."""

    matter: str | None = None  # code
    programme: str | None = None  # code
    period: str | None = None  # YYYY-MM of a monthly benefit
    amount: int | None = None  # fen
    payer: str | None = None  # name of the department that pays


def read_subject(conn: Connection, network: Network, ref: Ref) -> Subject:
    """What this object is; what it refers to may not be here (yet)."""
    states = [state for _ref, state in _upward(conn, network, ref)]
    case = next((state for state in states if isinstance(state, CaseState)), None)
    award = next((state for state in states if isinstance(state, AwardState)), None)
    amounts = (state.amount for state in states if isinstance(state, AwardState | PaymentState | WordState))
    return Subject(
        matter=None if case is None else case.matter,
        programme=None if award is None else award.programme,
        period=None if award is None else award.period,
        amount=next((amount for amount in amounts if amount is not None), None),
        payer=None if award is None else network.name(award.payer),
    )


def related(conn: Connection, network: Network, ref: Ref) -> list[Ref]:
    """The objects whose findings concern this one: what it belongs to, and the newest of what hangs on it."""
    above = [each for each, _state in _upward(conn, network, ref)] or [ref]
    below = list(_below(conn, network, ref))
    further = [each for one in below for each in _below(conn, network, one)]
    return [*above, *below, *further]


def _upward(conn: Connection, network: Network, ref: Ref) -> Iterator[tuple[Ref, State]]:
    """The object and what it refers to, step by step."""
    return islice(_steps(conn, network, ref), STEPS_MAX)


def _steps(conn: Connection, network: Network, ref: Ref | None) -> Iterator[tuple[Ref, State]]:
    while ref is not None:
        log_id = network.log_id(ref.log)
        folded = None if log_id is None else read_folded(conn, log_id, ref.sub)
        if folded is None:
            return
        yield ref, folded.state
        ref = _parent(folded.state, ref.log)


def _parent(state: State, log: str) -> Ref | None:
    match state:
        case AwardState():
            return Ref(log, state.case)
        case PaymentState():
            return state.award
        case WordState():
            return state.payment
    return None


def _below(conn: Connection, network: Network, ref: Ref) -> Iterator[Ref]:
    for log_id, handle in conn.execute(_BELOW, {"handle": ref.sub, "log": ref.log}):
        yield Ref(network.origin(log_id), handle)
