"""Two histories always convict, whatever their sizes; one history never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ForkFound
from ledger.merkle.errors import BadProof, MerkleError
from ledger.peers.evidence import Head, check_same_history
from ledger.records.evidence import Evidence, check_evidence
from tests.fakes.peer import FakeLog

HONEST = FakeLog("peer.example/log").grow(40)
VERIFIERS = [HONEST.signer.verifier]

sizes = st.integers(1, 40)


def head(log, size):
    checkpoint = log.checkpoint(size)
    return Head(checkpoint.origin, size, checkpoint.root, log.signed(size))


@given(sizes, sizes)
def test_one_history_convicts_nobody(one, other):
    check_same_history(head(HONEST, one), head(HONEST, other), HONEST.read())
    evidence = Evidence(head(HONEST, min(one, other)).signed, head(HONEST, max(one, other)).signed)
    with pytest.raises(BadProof):
        check_evidence(evidence, VERIFIERS)


@given(st.data())
def test_a_rewritten_history_convicts_itself_by_its_own_tiles(data):
    small, large = sorted((data.draw(sizes), data.draw(sizes)))
    forked = HONEST.fork().rewrite(data.draw(st.integers(0, small - 1)), b"rewritten")
    older, newer = head(HONEST, small), head(forked, large)
    with pytest.raises(ForkFound) as caught:
        check_same_history(older, newer, forked.read())
    fork = caught.value
    assert (fork.older, fork.newer) == (older.signed, newer.signed)
    kept = Evidence(fork.older, fork.newer, fork.proof)  # type: ignore[arg-type]  # the error carries plain bytes
    assert check_evidence(kept, VERIFIERS) == HONEST.origin
    for at in range(len(fork.proof)):
        bad = [*fork.proof]
        bad[at] = bytes([bad[at][0] ^ 1]) + bad[at][1:]
        with pytest.raises(BadProof):
            check_evidence(Evidence(fork.older, fork.newer, tuple(bad)), VERIFIERS)  # type: ignore[arg-type]  # likewise


@given(st.data())
def test_tiles_that_lead_nowhere_are_evidence_of_nothing(data):
    small = data.draw(st.integers(1, 39))
    large = data.draw(st.integers(small + 1, 40))
    garbage = HONEST.fork().rewrite(data.draw(st.integers(0, large - 1)), b"garbage")
    with pytest.raises(BadProof):
        check_same_history(head(HONEST, small), head(HONEST, large), garbage.read())
    with pytest.raises(BadProof):
        check_same_history(head(HONEST, small), head(HONEST, large))


def test_what_another_key_signed_convicts_nobody():
    liar = FakeLog(HONEST.origin).grow(40).rewrite(0, b"lie")
    for evidence in (
        Evidence(HONEST.signed(5), liar.signed(5)),
        Evidence(liar.signed(5), HONEST.signed(5)),
        Evidence(HONEST.signed(5), FakeLog("other.example/log", HONEST.key).grow(5).signed()),
    ):
        with pytest.raises(MerkleError):
            check_evidence(evidence, VERIFIERS)
