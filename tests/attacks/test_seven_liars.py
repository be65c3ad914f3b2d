"""Attacks by name among seven real departments: one lies, and what the others end up with, by themselves.

Each test has a liar that may be used again, or convicts one for good: they pass in any order.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pyotp
import pytest

from handlers.demo.rewriting import replace_history, rewrite_amount
from handlers.demo.snapshot import Snapshot
from ledger.answers import statement
from ledger.merkle.add_checkpoint import AddCheckpoint
from ledger.merkle.cosignature import cosign
from ledger.merkle.note import parse_note_unverified
from ledger.node import Node
from ledger.peers.catching_up import ENTRIES_A_TURN_MAX
from ledger.peers.difference import DIFFERS
from ledger.peers.publish import publish_round
from ledger.peers.witness import hash_of_origin
from ledger.quorum import network_policy
from ledger.records.answers import CONCLUDED
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import reading, transaction
from ledger.views import Finding
from tests.attacks.faces import check_convicted, check_not_cosigned, copied, two_faces, utter
from tests.attacks.live_node import free_port
from tests.attacks.lying_peer import doors_of, found, now
from tests.attacks.seven import NAMES, Seven
from tests.fakes.serving import serving
from tests.peers.smuggling import forged, officer_key, put, signed

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.xdist_group("demo")]

YEAR_SECONDS = 365 * 86_400
DAY_SECONDS = 86_400
FLOOD = ENTRIES_A_TURN_MAX + 1_000
LIAR = "公安局"  # in what convicts nobody for good
FARMER = "c-wangguilan"


def entries_of(node: Node) -> list[bytes]:
    with reading(node.engine) as conn:
        return entries.read_entries(conn, node.log.id, 0, entries.read_edge(conn, node.log.id).size)


def accusations(made: Seven) -> dict[str, set[tuple[str, str]]]:
    """Of those that no test has convicted, by department."""
    return {
        name: {(rule, whom) for rule, whom in made.accusations(name) if whom not in made.convicted}
        for name in made.honest()
    }


def officer_reads(made: Seven, name: str, officer: str, words: str) -> str:
    """What an officer reads, who signs in if that is needed."""
    openid = {"宋涛": "o-songtao", "吴倩": "o-wuqian"}[officer]
    told = made.say(name, openid, words).read
    if "登录" in told:
        code = pyotp.TOTP(made.staff[officer].totp_secret).now()
        assert "登录好了" in made.say(name, openid, f"#登录 {code}").read
        told = made.say(name, openid, words).read
    return told


# --- another history ---


def test_a_peer_that_rewrites_an_entry_is_not_cosigned_again_until_a_person_decides(departments: Seven, tmp_path):
    """The finance bureau's books say 2.00 yuan where they said 20,000.00, signed by all its keys."""
    liar = "财政局"
    node, payment = departments.threads["王桂兰"].payments[-1]
    departments.follow_each_other()
    number = departments.threads["王桂兰"].number
    before = Snapshot.take([departments.sites[liar]], tmp_path / "before")
    rewrite_amount(node, payment.sub, 200)
    check_convicted(departments, liar)
    told = {name: departments.accused(name, "R36", liar) for name in departments.honest(liar)}
    for name in told:
        departments.until(partial(_knows_what_differs, departments, name, liar), f"{name} knows what differs")
    asked = departments.say("民政局", FARMER, f"补贴 {number}").read
    assert "财政局现在给出的账" in asked
    assert "签的是 20,000.00元，现在是 2.00元。民政局存有当时的副本，可以作证据" in asked
    assert "财政局" in officer_reads(departments, "审计局", "宋涛", "#疑点")
    assert departments.command("民政局", "crosscheck").returncode == 1

    # Its books are as they were. Nobody takes its word for that.
    departments.processes.stop(departments.scheduler(liar))
    before.put_back()
    departments.processes.start_again(departments.scheduler(liar))
    departments.wait_ready(liar)
    check_not_cosigned(departments, liar)
    # The auditor has looked, and says what came of it.
    departments.follow_each_other()
    ids = {one.id for one in told.values() if one is not None}
    assert len(ids) == 1  # they compared the same two heads
    finding = departments.accused("审计局", "R36", liar)
    assert finding is not None
    said = statement(CONCLUDED, finding, "已恢复原账，责任人已查处。", "settled")
    auditor = departments.staff["宋涛"]
    departments.nodes["审计局"].desk.submit(said, by=auditor.handle, once="concluded")
    departments.convicted.discard(liar)
    departments.write(liar)
    departments.until_shown(liar)
    departments.follow_each_other()
    needed = set(departments.honest(liar))
    departments.until(lambda: departments.cosigners(liar) >= needed, "all cosign it again")


def _knows_what_differs(made: Seven, name: str, liar: str) -> bool:
    found = made.accused(name, "R36", liar)
    return found is not None and DIFFERS in found.facts


def test_a_peer_that_drops_its_tail_is_believed_by_nobody(departments: Seven):
    """First it only shows less: that proves nothing. Then it says something else in the place of what it dropped."""
    liar = "卫健局"
    node = departments.nodes[liar]
    utter(node)
    departments.until_shown(liar)
    departments.follow_each_other()
    size, before = departments.size(liar), accusations(departments)
    with transaction(node.engine) as conn:
        replace_history(conn, node, entries_of(node)[:-1])
    for name in departments.honest(liar):
        departments.until_state(name, liar, "missed", "unreachable")
        assert departments.held(name, liar) == size
    assert departments.cosigners(liar) <= {liar}
    assert accusations(departments) == before
    utter(node, iat=now() + 1)
    check_convicted(departments, liar)


def test_a_peer_that_forks_and_another_that_cosigns_both_branches(departments: Seven):
    """Two liars of seven: both branches together never have two quorums, and the first two that compare know."""
    liar, helper = "人社局", "教育局"
    honest = departments.honest(liar, helper)
    half = (len(honest) + 1) // 2
    told, fooled = honest[:half], honest[half:]
    with two_faces(departments, liar, [*told, helper], fooled) as faces:
        departments.until_shown(liar)
        heads = [checkpoint_of(node) for node in (departments.nodes[liar], faces.other)]
        check_convicted(departments, liar)
    policy = policy_of(departments.nodes["民政局"])
    believed = []
    for head, side in zip(heads, (told, fooled), strict=True):
        voices = [*side, liar, helper]
        keys = [key for name in voices for key in departments.nodes[name].keys.witness]
        lines = [cosign(head, now(), key) for key in keys]  # the most that they could ever say
        believed.append(policy.is_met({line.ref for line in lines}))
    assert believed.count(True) <= 1


def checkpoint_of(node: Node) -> str:
    head = node.log.published_head()
    assert head is not None
    return parse_note_unverified(head.signed).text


def policy_of(node: Node):
    with reading(node.engine) as conn:
        return network_policy(conn)


def test_a_peer_that_replays_an_old_checkpoint_takes_nothing_back(departments: Seven):
    """It shows what it has signed and all have cosigned, an hour ago; and offers it to every witness once more."""
    url, before = departments.sites[LIAR].url, accusations(departments)
    departments.follow_each_other()
    old = httpx.get(f"{url}/log/checkpoint", trust_env=False).content
    departments.write(LIAR)
    departments.until_shown(LIAR)
    departments.follow_each_other()
    size, port = departments.size(LIAR), free_port()
    doors = doors_of(departments.nodes[LIAR])

    def replay(_environ, start):
        start("200 OK", [("Content-Type", "text/plain")])
        return [old]

    doors.lie("/log/checkpoint", replay)
    honest = departments.honest(LIAR)
    with serving(doors, port):
        departments.line.lead(honest, LIAR, port)
        for name in honest:
            departments.until_state(name, LIAR, "missed", "unreachable")
            for claimed in (0, size):
                question = AddCheckpoint(claimed, (), old).to_bytes()
                answer = httpx.post(
                    f"{departments.sites[name].url}/witness/add-checkpoint", content=question, trust_env=False
                )
                assert answer.status_code in {400, 409, 422}
            assert departments.held(name, LIAR) == size
            path = f"/witness/{hash_of_origin(departments.nodes[LIAR].origin)}/checkpoint"
            seen = httpx.get(f"{departments.sites[name].url}{path}", trust_env=False)
            assert int(seen.text.split("\n")[1]) == size
        departments.line.lead(honest, LIAR, departments.sites[LIAR].port)
    for name in honest:
        departments.until_state(name, LIAR, "good")
    assert accusations(departments) == before


# --- records ---


def check_all_raise(made: Seven, rule: str, reason: str) -> None:
    for name in made.honest(LIAR):
        made.until_accused(name, rule, LIAR, reason)
        assert (rule, LIAR) in made.accusations(name)
        made.until_state(name, LIAR, "good")  # its log only grew: it is followed and cosigned, and each record told
    assert LIAR in officer_reads(made, "审计局", "宋涛", "#疑点")


def test_a_peer_that_signs_with_a_revoked_key(departments: Seven):
    node = departments.nodes[LIAR]
    officer = node.desk.enrol("钱进", ("clerk",), "revoked")
    kid, key = officer_key(node, officer.handle)
    node.desk.revoke(officer.handle)
    index = utter(node, kid=kid, signer=key.sign)
    first = departments.honest(LIAR)[0]
    raised = departments.until(lambda: refused_at(departments, first, index), f"{first} refuses the record")
    check_all_raise(departments, "R50", raised.facts["reason"])


def refused_at(made: Seven, name: str, index: int) -> Finding | None:
    return next((one for one in made.findings(name) if (one.rule, one.facts.get("index")) == ("R50", index)), None)


def test_a_refusal_dated_back_by_a_department_that_was_away(departments: Seven):
    """It is cut off, refuses a case, and writes that it did so three days ago."""
    node, clerk = departments.nodes[LIAR], departments.staff[f"{LIAR} clerk"]
    case = departments.write(LIAR)
    for kind, clear in (("case-accepted", {}), ("case-completed", {"step": 0})):
        node.desk.submit(Statement(kind, case.sub, clear), by=clerk.handle, once=f"{kind}-{case.sub}")
    departments.until_shown(LIAR)
    departments.follow_each_other()
    honest = departments.honest(LIAR)
    departments.until(lambda: departments.cosigners(LIAR) >= set(honest), "all have cosigned that it is not refused")
    departments.line.cut([LIAR], honest)
    refusal = Statement("case-refused", case.sub)
    put(node, signed(node, refusal, by=departments.staff["赵磊"].handle, iat=now() - 3 * DAY_SECONDS))
    departments.until_shown(LIAR)
    departments.line.mend()
    check_all_raise(departments, "R38", "backdated")


def test_a_peer_that_puts_its_clock_a_year_ahead(departments: Seven):
    """Its record, its head and all that it cosigns bear a time that has not come."""
    departments.processes.stop(departments.scheduler(LIAR))
    try:
        node, port = departments.nodes[LIAR], free_port()
        utter(node, iat=now() + YEAR_SECONDS)
        with tempfile.TemporaryDirectory() as folder, copied(node, Path(folder)) as other:
            ahead = replace(other, now=lambda: now() + YEAR_SECONDS)
            honest = departments.honest(LIAR)
            with serving(doors_of(ahead), port):
                departments.line.lead(honest, LIAR, port)
                publish_round(ahead, cosign=False)
                for name in honest:
                    departments.until_accused(name, "R38", LIAR, "in-future")
                    departments.write(name)
                departments.follow_each_other(*honest)
                for name in honest:
                    assert max(one.time for one in departments.cosigned(name)) <= now() + 300
                departments.line.lead(honest, LIAR, departments.sites[LIAR].port)
    finally:
        departments.processes.start_again(departments.scheduler(LIAR))
    departments.wait_ready(LIAR)
    check_all_raise(departments, "R38", "in-future")


def test_a_peer_that_withholds_one_entry_from_one_department(departments: Seven):
    """The one sees that something is kept from it; the others see that it lacks what they hold."""
    victim, port = "审计局", free_port()
    doors = doors_of(departments.nodes[LIAR])

    def cut_short(environ, start):
        return [b"".join(doors.true(environ, start))[:-1]]

    doors.lie("/log/tile/entries/", cut_short)
    departments.follow_each_other()
    before = accusations(departments)
    with serving(doors, port):
        departments.line.lead([victim], LIAR, port)
        index = departments.write(LIAR).index
        departments.follow_each_other(LIAR, *departments.honest(LIAR, victim))
        departments.until_state(victim, LIAR, "unreachable")
        assert departments.held(victim, LIAR) <= index
        for name in departments.honest(victim):
            lacks = departments.until_accused(name, "R35", LIAR)
            assert lacks.facts["departments"] == [LIAR, victim]
        departments.line.lead([victim], LIAR, departments.sites[LIAR].port)
    departments.follow_each_other()
    departments.until(lambda: accusations(departments) == before, "what was lacked is there, and says so")


# --- members ---


def test_a_peer_that_puts_a_puppet_member_forward(departments: Seven, tmp_path):
    """Its puppet follows everybody, cosigns everything, and counts nowhere."""
    port = free_port()
    puppet = found(tmp_path, "稻草局", "39", port)
    try:
        with serving(doors_of(puppet), port):
            told = departments.command(
                LIAR, "peers", "add", puppet.public_url, "--fingerprint", puppet.keys.fingerprint
            )
            assert told.returncode == 0, told.stderr
            epochs = {name: departments.epoch(name) for name in NAMES}
            departments.agree(LIAR, "joined", puppet.name)
            departments.until_shown(LIAR)
            departments.follow_each_other()
            for name in departments.honest(LIAR):
                waiting = departments.json(name, "/network.json")["waiting"]
                assert [one["agreed"] for one in waiting if one["name"] == puppet.name] == [[LIAR]]
                assert departments.epoch(name) == epochs[name]
                policy = policy_of(departments.nodes[name])
                keys = {witness.verifier.public_key for witness in policy.witnesses}
                assert not keys & {key.verifier.public_key for key in puppet.keys.witness}
            # The liar's voice and the puppet's, and three that they might fool, make no quorum.
            fooled = [LIAR, *departments.honest(LIAR)[:3]]
            refs = {key.verifier.ref for name in fooled for key in departments.nodes[name].keys.witness}
            refs |= {key.verifier.ref for key in puppet.keys.witness}
            assert not policy.is_met(refs)
    finally:
        puppet.close()


def test_a_peer_that_floods_the_others_with_good_records(departments: Seven):
    """They take so many a round, say so, go on with each other, and come to the end of it."""
    node, honest = departments.nodes[LIAR], departments.honest(LIAR)
    departments.follow_each_other()
    before = accusations(departments)
    one = signed(node, Statement("case-submitted", "A" * 22, {"matter": "m"}))
    put(node, *(forged(node, one, jti=new_handle(), sub=new_handle()) for _ in range(FLOOD)))
    slowed: set[str] = set()

    def all_said_so() -> bool:
        slowed.update(name for name in honest if departments.state(name, LIAR) == "slowed")
        return len(slowed) == len(honest)

    departments.until(all_said_so, "each says that it is more than a round takes")
    for name in honest:
        departments.write(name)
    departments.follow_each_other(*honest)
    departments.follow_each_other()
    for name in honest:
        departments.until_state(name, LIAR, "good")
    # Six departments on one machine take longer than ten of its short rounds: that is told (R35) until they have it all.
    departments.until(lambda: accusations(departments) == before, "nobody is accused of anything new")


def test_the_end_of_all_attacks_is_that_whoever_was_honest_is_accused_of_nothing(departments: Seven):
    """Whatever ran before: the honest follow each other, and what they hold of each other is the same."""
    departments.follow_each_other()
    honest = [name for name in departments.honest(LIAR) if name not in {"财政局", "教育局"}]
    for name in honest:
        accused = {whom for _rule, whom in departments.accusations(name)}
        assert not accused & set(honest), (name, accused)
