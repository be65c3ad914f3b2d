"""A log whose own keys have signed records that may not stand in it: each is named, whichever way one goes through."""

import random
import secrets
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit.verify import Trust, Way, verify_database
from ledger.examining import examine, pool
from ledger.merkle.note import parse_vkey
from ledger.records.kinds import BY_NAME
from ledger.records.statement import SALT_BYTES, Statement, public_jwk, sign, thumbprint
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import transaction
from tests.desk.world import make_town

LIGHT = Way(facts=False)


@dataclass
class Officer:
    """Somebody with a key, who may have been enrolled."""

    key: Ed25519PrivateKey
    handle: str

    @property
    def jwk(self):
        return public_jwk(self.key.public_key().public_bytes_raw())

    @property
    def kid(self):
        return thumbprint(self.key.public_key().public_bytes_raw())


class Forger:
    """A department that writes into its log whatever it likes."""

    def __init__(self, directory):
        self.town = make_town(directory)
        self.civil = self.town.civil
        self.laid = self.civil.size()

    def officer(self):
        return Officer(Ed25519PrivateKey.generate(), new_handle())

    def sign(self, kind, sub, clear=None, *, by=None, iss=None, iat=1_790_000_000, jti=None):
        return sign(
            Statement(kind, sub, clear or {}),
            iss=iss or self.civil.origin,
            jti=jti or new_handle(),
            iat=iat,
            prev=None,
            kid=by.kid if by else self.civil.keys.desk_kid,
            salts=[secrets.token_bytes(SALT_BYTES) for _ in range(BY_NAME[kind].digests)],
            signer=by.key.sign if by else self.civil.keys.desk.sign,
        ).record.entry

    def submitted(self, **options):
        return self.sign("case-submitted", new_handle(), {"matter": "linshi-jiuzhu"}, **options)

    def enrolled(self, officer):
        told = {"roles": ["clerk"], "person": "ab" * 32, "custody": "server", "key": officer.jwk}
        return self.sign("enrolment", officer.handle, told)

    def revoked(self, officer):
        return self.sign("revocation", officer.handle)

    def lay(self, *said):
        """Write entries, sign their head; returns the index of the first."""
        with transaction(self.civil.engine) as conn:
            first = entries.append(conn, self.civil.log.id, list(said))
        head = self.civil.log.sign_new_head()
        assert head is not None
        self.civil.log.publish(head.size)
        return first

    def trust(self):
        return Trust(tuple(parse_vkey(vkey) for vkey in self.civil.keys.log_vkeys))

    def verify(self, way=LIGHT):
        return verify_database(self.civil.engine, trust=self.trust(), way=way)

    def named(self, way=LIGHT):
        return {int(fault.at) for fault in self.verify(way).faults if fault.part == "entry"}


@pytest.fixture
def forger(tmp_path):
    return Forger(tmp_path)


def test_a_key_that_signs_on_after_its_end_is_named_at_each_of_its_records(forger):
    gone = forger.officer()
    words = [forger.submitted(by=gone) for _ in range(9)]
    first = forger.lay(forger.enrolled(gone), *words[:4], forger.revoked(gone), *words[4:])
    assert forger.named() == set(range(first + 6, first + 11))


def test_what_was_signed_before_its_key_counted_is_named_though_later_records_hold(forger):
    early = forger.officer()
    words = [forger.submitted(by=early) for _ in range(6)]
    first = forger.lay(*words[:3], forger.enrolled(early), *words[3:])
    assert forger.named() == {first, first + 1, first + 2}


def test_a_key_that_is_ended_and_enrolled_again_counts_no_more_than_once(forger):
    """Two ranges of one key would let what stands between them pass."""
    twice = forger.officer()
    words = [forger.submitted(by=twice) for _ in range(7)]
    first = forger.lay(
        forger.enrolled(twice), *words[:2], forger.revoked(twice), *words[2:5], forger.enrolled(twice), *words[5:]
    )
    assert forger.named() == set(range(first + 4, first + 10))


def test_records_of_another_log_or_of_no_year_are_named_between_good_ones(forger):
    good = [forger.submitted() for _ in range(6)]
    strange = [forger.submitted(iss="other.example/log") for _ in range(3)]
    late = [forger.submitted(iat=40_000_000_000) for _ in range(3)]
    mixed = [one for three in zip(good, strange + late, strict=True) for one in three]
    first = forger.lay(*mixed)
    assert forger.named() == set(range(first + 1, first + 12, 2))


def test_a_name_said_twice_is_named_in_whatever_order_the_log_has_it(forger):
    jti, copied = new_handle(), forger.submitted()
    first = forger.lay(
        forger.submitted(jti=jti),
        copied,
        forger.submitted(),
        forger.submitted(jti=jti),
        copied,
        forger.submitted(jti=jti),
    )
    said = {(int(fault.at) - first, fault.reason) for fault in forger.verify(Way()).faults if fault.part == "entry"}
    assert {at for at, _reason in said} == {3, 4, 5}
    assert {at for at, reason in said if reason == "these bytes stand in this log already"} == {4}
    assert {at for at, reason in said if reason == "an earlier record of this log bears the same jti"} == {3, 5}


@pytest.mark.parametrize("seed", range(6))
def test_leaving_out_what_is_ordinary_finds_what_looking_at_each_record_finds(forger, monkeypatch, seed):
    """Alone, in two processes, and with the short way closed: the same entries for the same reasons."""
    chance = random.Random(seed)
    people = [forger.officer() for _ in range(3)]
    ways = [
        lambda: forger.submitted(by=chance.choice(people)),
        lambda: forger.submitted(by=chance.choice(people)),
        forger.submitted,
        lambda: forger.submitted(iss="other.example/log"),
        lambda: forger.submitted(by=chance.choice(people), iat=40_000_000_000),
        lambda: forger.enrolled(chance.choice(people)),
        lambda: forger.revoked(chance.choice(people)),
        lambda: forger.submitted()[:-3] + b"AAA",
        lambda: b"no record",
    ]
    forger.lay(*(forger.enrolled(one) for one in people), *(chance.choice(ways)() for _ in range(520)))
    monkeypatch.setattr(pool, "SMALL_SIZE", 0)
    reports = [forger.verify(), forger.verify(Way(facts=False, workers=2))]
    monkeypatch.setattr(examine, "_is_ordinary", lambda *_all: False)
    each = forger.verify()
    assert each.found > 50
    for report in reports:
        assert {str(fault) for fault in report.faults} == {str(fault) for fault in each.faults}
        assert (report.found, report.unknown_kinds) == (each.found, each.unknown_kinds)
