"""Many acts of one officer, signed together or not at all: one transaction, and one code for the whole.

What is refused of one refuses all, and is named by the place that the act came from, such as a line of a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.desk import Desk
from ledger.errors import DeedRefused, Refused
from ledger.records.fold import Folded
from ledger.records.statement import Statement
from ledger.scribe import Submitted
from ledger.storage import lookups
from ledger.storage.engine import reading


@dataclass(frozen=True, slots=True)
class Deed:
    """One act of a batch, as `desk.submit` takes it."""

    place: int
    statement: Statement
    once: str


def submit_all(desk: Desk, deeds: Sequence[Deed], *, by: str, code: str, once: str) -> list[Submitted]:
    """Sign all of these, or none; durable when this returns. `once` names the batch, for the code spent on it.

    When all of them were done before, it returns what came of them, before any check. Raises what `desk.submit` raises,
    as DeedRefused where one of the acts is to blame; then nothing was signed.
    """
    done = desk.log.group.run(lambda conn: _submit_all(conn, desk, deeds, by=by, code=code, once=once))
    # A wrong code stays counted: the refusal is raised only after that is durable.
    if isinstance(done, Refused):
        raise done
    return done


def rehearse_all(desk: Desk, deeds: Iterable[Deed], by: str) -> dict[int, Refused]:
    """What `submit_all` would refuse as things stand, the code left out: by place. Signs nothing, and locks nothing."""
    refused: dict[int, Refused] = {}
    made: dict[str, Folded] = {}
    with reading(desk.log.engine) as conn:
        for deed in deeds:
            if deed.place in refused:
                continue
            try:
                made |= desk.rehearse(conn, deed.statement, by, made)
            except Refused as error:
                refused[deed.place] = error
    return refused


def recall_all(desk: Desk, names: Iterable[str]) -> dict[str, Submitted]:
    """What came of those of these deeds that were done."""
    with reading(desk.log.engine) as conn:
        found = ((once, desk.recall_in(conn, once)) for once in names)
        return {once: done for once, done in found if done is not None}


def done_beginning(desk: Desk, beginning: str) -> frozenset[str]:
    """The names of all deeds that were done and whose name begins so."""
    with reading(desk.log.engine) as conn:
        return lookups.read_once_beginning(conn, beginning)


def _submit_all(
    conn: Connection, desk: Desk, deeds: Sequence[Deed], *, by: str, code: str, once: str
) -> list[Submitted] | Refused:
    before = [desk.recall_in(conn, deed.once) for deed in deeds]
    known = [done for done in before if done is not None]
    if len(known) == len(deeds):
        return known
    if (wrong := desk.spend_code_in(conn, by, code, once)) is not None:
        return wrong
    done = []
    for deed, earlier in zip(deeds, before, strict=True):
        if earlier is not None:  # somebody did a part of it meanwhile: it is not what was looked at any more
            raise DeedRefused(deed.place, Refused("changed-meanwhile"))
        try:
            done.append(desk.act_in(conn, deed.statement, by, once=deed.once))
        except Refused as error:
            raise DeedRefused(deed.place, error) from error
    return done
