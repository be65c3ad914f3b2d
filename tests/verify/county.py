"""A node's database with everything in it that a node has: its own log, two mirrors, heads, cosignatures, a vault."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from ledger.audit.report import Report
from ledger.audit.verify import Trust, Way, verify_database
from ledger.errors import Misconfigured
from ledger.folding import fold
from ledger.merkle.note import parse_vkey
from ledger.records.kinds import BY_NAME
from ledger.records.statement import SALT_BYTES, Statement, sign
from ledger.scribe import new_handle
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from tests.desk.world import Town
from tests.peers.rig import County, make_county

CASES = 260  # more than one full tile


@dataclass
class Kept:
    """The database of 民政局, at rest."""

    county: County
    logs: dict[int, str]  # origins by id, as they were before anybody altered them

    @property
    def engine(self) -> Engine:
        return self.county.civil.engine

    @property
    def own(self) -> str:
        return self.county.civil.origin

    def verify(self, origin: str, *, since: int = 0) -> Report | Misconfigured:
        """A verification that trusts the log's own keys and can open the vault."""
        node = next(node for node in self.county.nodes.values() if node.origin == origin)
        trust = Trust(tuple(parse_vkey(vkey) for vkey in node.keys.log_vkeys))
        vault_key = self.county.civil.keys.vault_key
        asked = None if origin == self.own else origin
        try:
            return verify_database(self.engine, asked, trust=trust, vault_key=vault_key, way=Way(since=since))
        except Misconfigured as error:
            return error


def fill(town: Town) -> None:
    """Many cases handed in, in one transaction."""
    civil = town.civil
    with transaction(civil.engine) as conn:
        for _ in range(CASES):
            said = sign(
                Statement("case-submitted", new_handle(), {"matter": "linshi-jiuzhu"}),
                iss=civil.origin,
                jti=new_handle(),
                iat=civil.clock(),
                prev=None,
                kid=civil.keys.desk_kid,
                salts=[secrets.token_bytes(SALT_BYTES) for _ in range(BY_NAME["case-submitted"].digests)],
                signer=civil.keys.desk.sign,
            )
            fold(conn, civil.log.id, civil.log.append(conn, [said.record]), said.record)


def make_kept(directory: Path, url: str | None = None) -> Kept:
    """Money approved, ordered, paid and re-issued; an officer gone; several heads, published and cosigned."""
    county = make_county(directory, url)
    town = county.town
    county.round()
    case, award = town.approved()
    county.round()
    payment = town.order(award)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "rejected", "AC04")
    county.round()
    fill(town)
    town.civil.desk.revoke(town.civil.staff["高伟"].handle)
    county.round()
    town.apply()
    town.civil.log.sign_new_head()  # signed, and not published yet
    assert case
    with reading(town.civil.engine) as conn:
        rows = conn.execute(select(schema.logs.c.id, schema.logs.c.origin)).all()
    return Kept(county, {row.id: row.origin for row in rows})
