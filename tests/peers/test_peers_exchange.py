"""Private values go to the one department that needs them, once for each question, and nowhere else."""

import json

import httpx
import pytest
from sqlalchemy import delete, select

from ledger.audit.crosscheck import run_round
from ledger.errors import PeerUnreachable
from ledger.merkle.hashing import as_hash
from ledger.peers import exchange
from ledger.peers.errors import MalformedQuestion, NotForYou, NotSigned
from ledger.peers.exchange import PATH, answer, fetch_private
from ledger.peers.home import read_peer
from ledger.peers.signing import Desk, Question, Reply, check_question, check_reply, sign_question, sign_reply
from ledger.records import base64url
from ledger.records.jsonstrict import format_json
from ledger.records.statement import digest_of
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.desk.world import ACCOUNT
from tests.fakes.network import body, status

CIVIL = "21.example"


@pytest.fixture
def award(county):
    """An award that 财政局 is to pay; everybody has heard of it, and nobody has asked yet."""
    _case, sub = county.town.approved()
    county.wire.tamper(CIVIL, PATH, status(503))
    county.round()
    county.wire.behave()
    return sub


def ask(node, asked, *handles, nonce="n" * 22, log=None, tamper=None):
    """A signed question as `node` would ask it, not yet sent; returns it with its body."""
    content = format_json({"log": log or asked.origin, "objects": list(handles)})
    question = Question("POST", f"{asked.public_url}{PATH}", {"Content-Type": "application/json"})
    sign_question(question, content, Desk(node.keys.desk_kid, node.keys.desk), nonce=nonce, now=node.now())
    return question.headers, tamper(content) if tamper else content


def told(answered):
    return json.loads(answered.body)["disclosures"]


def names(disclosures):
    return {json.loads(base64url.decode(text))[1] for texts in disclosures.values() for text in texts}


def waiting(node):
    with reading(node.engine) as connection:
        return connection.execute(select(schema.waiting.c.handle).where(schema.waiting.c.private)).scalars().all()


# --- who is told what ---


def test_the_payer_is_told_number_code_payee_and_account_of_the_award(county, award):
    disclosures = told(answer(county.civil, *ask(county.finance, county.civil, award)))
    assert names(disclosures) == {"number", "query_code", "payee", "account"}
    with reading(county.civil.engine) as connection:
        for record_id, texts in disclosures.items():
            [(_log, index)] = entries.find_leaf(connection, as_hash(base64url.decode(record_id)))
            record = entries.read_entries(connection, county.civil.log.id, index, index + 1)[0].decode()
            payload = json.loads(base64url.decode(record.split(".")[1]))
            assert {digest_of(text) for text in texts} <= set(payload["_sd"])


def test_the_approver_is_told_number_and_account_of_the_payment_and_not_the_payee(county, award):
    county.round()
    payment = county.town.order(award)
    disclosures = told(answer(county.finance, *ask(county.civil, county.finance, payment)))
    assert names(disclosures) == {"number", "account"}


def test_a_third_department_is_told_nothing(county, award):
    county.round()
    payment = county.town.order(award)
    with pytest.raises(NotForYou):
        answer(county.civil, *ask(county.police, county.civil, award))
    with pytest.raises(NotForYou):
        answer(county.finance, *ask(county.police, county.finance, payment))


def test_the_payer_is_told_nothing_of_what_does_not_concern_it(county, award):
    town = county.town
    case = town.apply()[0]
    town.civil.act("林芳", "case-accepted", case)
    proposed = town.propose(case)
    for handle in (case, proposed, new_handle(), town.civil.staff["林芳"].handle):
        with pytest.raises(NotForYou):
            answer(county.civil, *ask(county.finance, county.civil, handle, nonce=new_handle()))
    mixed = told(answer(county.civil, *ask(county.finance, county.civil, proposed, award, nonce=new_handle())))
    assert len(mixed) == 1


def test_the_approver_gets_nothing_of_its_own_award_from_the_payer(county, award):
    with pytest.raises(NotForYou):
        answer(county.finance, *ask(county.civil, county.finance, award))


def test_a_removed_or_forked_member_is_told_nothing(county, award):
    with transaction(county.civil.engine) as connection:
        peers = schema.peers
        forked = peers.update().where(peers.c.origin == county.finance.origin).values(forked=True)
        connection.execute(forked)
    with pytest.raises(NotForYou):
        answer(county.civil, *ask(county.finance, county.civil, award))


# --- whose question it is ---


def test_a_question_counts_once(county, award):
    headers, content = ask(county.finance, county.civil, award)
    assert told(answer(county.civil, headers, content))
    with pytest.raises(NotForYou, match="before"):
        answer(county.civil, headers, content)
    assert told(answer(county.civil, *ask(county.finance, county.civil, award, nonce="m" * 22)))


def test_a_question_that_failed_for_its_content_counts_as_asked_too(county, award):
    headers, content = ask(county.finance, county.civil, new_handle())
    for expected in ("concern", "before"):
        with pytest.raises(NotForYou, match=expected):
            answer(county.civil, headers, content)


def test_a_changed_body_is_no_question_of_theirs(county, award):
    other = lambda content: content.replace(award.encode(), new_handle().encode())  # noqa: E731
    with pytest.raises(NotForYou):
        answer(county.civil, *ask(county.finance, county.civil, award, tamper=other))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_question_of_another_time_is_refused(county, award, seconds):
    headers, content = ask(county.finance, county.civil, award)
    county.clock.wait(seconds)
    with pytest.raises(NotForYou):
        answer(county.civil, headers, content)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_question_within_the_skew_is_answered(county, award, seconds):
    headers, content = ask(county.finance, county.civil, award)
    county.clock.wait(seconds)
    assert told(answer(county.civil, headers, content))


def test_a_question_to_one_department_cannot_be_shown_to_another(county, award):
    headers, content = ask(county.finance, county.police, award, log=county.civil.origin)
    with pytest.raises(NotForYou):
        answer(county.civil, headers, content)


def test_a_stranger_or_another_member_in_its_name_is_refused(county, award):
    content = format_json({"log": county.civil.origin, "objects": [award]})
    for desk in (
        Desk(county.finance.keys.desk_kid, county.police.keys.desk),
        Desk("A" * 43, county.finance.keys.desk),
    ):
        question = Question("POST", f"{county.civil.public_url}{PATH}", {})
        sign_question(question, content, desk, nonce="n" * 22, now=county.clock())
        with pytest.raises(NotForYou):
            answer(county.civil, question.headers, content)
    with pytest.raises(NotForYou):
        answer(county.civil, {}, content)


def test_a_signature_without_one_of_its_parameters_is_refused(county, award):
    headers, content = ask(county.finance, county.civil, award)
    for left_out in ("created", "expires", "nonce", "keyid", "alg", "tag"):
        parts = [part for part in headers["Signature-Input"].split(";") if not part.startswith(f"{left_out}=")]
        with pytest.raises(NotForYou):
            answer(county.civil, {**headers, "Signature-Input": ";".join(parts)}, content)


def test_a_signature_that_covers_less_is_refused(county, award):
    headers, content = ask(county.finance, county.civil, award)
    for left_out in ('"@method" ', ' "@authority"', ' "@path"', ' "content-digest"'):
        less = headers["Signature-Input"].replace(left_out, "")
        assert less != headers["Signature-Input"]
        with pytest.raises(NotForYou):
            answer(county.civil, {**headers, "Signature-Input": less}, content)


MALFORMED = [
    b"",
    b"[]",
    b"{}",
    b'{"log":"22.example/log","objects":["AAAAAAAAAAAAAAAAAAAAAA"]}',
    b'{"log":"21.example/log","objects":[]}',
    b'{"log":"21.example/log","objects":["x"]}',
    b'{"log":"21.example/log","objects":"AAAAAAAAAAAAAAAAAAAAAA"}',
    b'{"log":"21.example/log","log":"21.example/log","objects":["AAAAAAAAAAAAAAAAAAAAAA"]}',
    b'{"log":"21.example/log","objects":[' + b",".join([b'"AAAAAAAAAAAAAAAAAAAAAA"'] * 9) + b"]}",
]


def test_a_malformed_question_is_told_apart_from_a_forbidden_one(county):
    desk = Desk(county.finance.keys.desk_kid, county.finance.keys.desk)
    for content in MALFORMED:
        question = Question("POST", f"{county.civil.public_url}{PATH}", {})
        sign_question(question, content, desk, nonce=new_handle(), now=county.clock())
        with pytest.raises(MalformedQuestion):
            answer(county.civil, question.headers, content)


def test_nonces_are_forgotten_when_their_question_has_expired(county, award):
    answer(county.civil, *ask(county.finance, county.civil, award))
    county.clock.wait(700)
    answer(county.civil, *ask(county.finance, county.civil, award, nonce="m" * 22))
    with reading(county.civil.engine) as connection:
        assert connection.execute(select(schema.nonces.c.nonce)).scalars().all() == ["m" * 22]


# --- what the asker believes ---


def test_what_is_missing_is_asked_for_again_in_the_next_round(county, award):
    assert waiting(county.finance) == [award]
    with county.facts("财政局") as facts:
        assert facts.award(county.town.civil.ref(award)).number is None
    [row] = [row for row in run_round(county.finance).rows if row.name == "民政局"]
    assert (row.error, row.missing) == (None, 0)
    assert waiting(county.finance) == []
    with county.facts("财政局") as facts:
        seen = facts.award(county.town.civil.ref(award))
        assert (seen.number[:2], seen.payee, seen.account_tail) == ("21", "王桂兰", ACCOUNT[-4:])


def swapped(county, award, change):
    """The true answer with other disclosures, signed again by the true department."""

    def answer_otherwise(request, given):
        if given.status_code != 200:
            return given
        disclosures = json.loads(given.read())["disclosures"]
        content = format_json({"disclosures": change(disclosures)})
        question = Question("POST", str(request.url), dict(request.headers))
        reply = Reply(200, {}, question)
        desk = Desk(county.civil.keys.desk_kid, county.civil.keys.desk)
        sign_reply(reply, content, desk, nonce=new_handle(), now=county.clock())
        return httpx.Response(200, content=content, headers=reply.headers)

    return answer_otherwise


def disclosure(name, value):
    return base64url.encode(format_json(["A" * 22, name, value]))


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {key: [*texts[:-1], disclosure("account", "6222")] for key, texts in told.items()},
        lambda told: {key: [*texts, disclosure("number", "99")] for key, texts in told.items()},
        lambda told: {key: [*texts, texts[0]] for key, texts in told.items()},
        lambda told: dict.fromkeys(["A" * 43], next(iter(told.values()))),
        lambda told: {key: [] for key in told},
        lambda _told: {},
    ],
)
def test_whatever_does_not_stand_in_the_record_is_not_believed(county, award, change):
    county.wire.tamper(CIVIL, PATH, swapped(county, award, change))
    [row] = [row for row in run_round(county.finance).rows if row.name == "民政局"]
    assert row.missing == 1
    assert waiting(county.finance) == [award]
    with reading(county.finance.engine) as connection:
        held = select(schema.vault.c.name).where(schema.vault.c.handle == award)
        assert connection.execute(held).all() == []


@pytest.mark.parametrize(
    "change",
    [status(500), status(200), body(b"{}"), body(b'{"disclosures":{}}'), body(b"x" * 100_000)],
)
def test_an_answer_that_their_desk_did_not_sign_is_none(county, award, change):
    county.wire.tamper(CIVIL, PATH, change)
    [row] = [row for row in run_round(county.finance).rows if row.name == "民政局"]
    assert row.error is not None
    assert waiting(county.finance) == [award]


def test_an_answer_to_another_question_is_no_answer(county, award):
    headers, content = ask(county.finance, county.civil, award)
    kept = answer(county.civil, headers, content)
    county.wire.tamper(
        CIVIL, PATH, lambda _request, _given: httpx.Response(200, content=kept.body, headers=dict(kept.headers))
    )
    with reading(county.finance.engine) as connection:
        peer = read_peer(connection, county.civil.origin)
        log_id = entries.find_log(connection, county.civil.origin)
    assert peer is not None
    assert log_id is not None
    with pytest.raises(PeerUnreachable):
        fetch_private(county.finance, peer, log_id)


def test_a_department_cannot_give_away_another_departments_numbers(county, award, monkeypatch):
    """With 公安局's prefix in its numbers, 民政局 would be answered in its place."""
    with transaction(county.finance.engine) as connection:
        peers = schema.peers
        connection.execute(peers.update().where(peers.c.origin == county.civil.origin).values(number_prefix="29"))
    [row] = [row for row in run_round(county.finance).rows if row.name == "民政局"]
    assert row.missing == 1
    with reading(county.finance.engine) as connection:
        assert connection.execute(select(schema.numbers)).all() == []


def test_an_account_given_again_arrives_by_the_same_way(county, award):
    town = county.town
    county.round()
    payment = town.order(award)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "rejected", "AC04", by_bank=True)
    county.round()
    town.civil.act("林芳", "account-given", award, private={"payee": "王桂兰", "account": "6228480000000007777"})
    county.round()
    with county.facts("财政局") as facts:
        assert facts.award(town.civil.ref(award)).account_tail == "7777"
    again = town.order(award, reissues=payment)
    county.round()
    with county.facts("民政局") as facts:
        seen = facts.payment(town.finance.ref(again))
        assert (seen.account_tail, seen.citizen) == ("7777", facts.award(town.civil.ref(award)).citizen)


def test_many_objects_are_fetched_in_several_questions(county, monkeypatch):
    monkeypatch.setattr(exchange, "OBJECTS_MAX", 2)
    for _ in range(5):
        county.town.approved()
    county.round()
    assert waiting(county.finance) == []
    assert county.wire.paths(CIVIL).count(PATH) == 3


def test_what_was_erased_at_its_source_is_merely_missing(county, award):
    with transaction(county.civil.engine) as connection:
        connection.execute(delete(schema.vault).where(schema.vault.c.handle == award))
    [row] = [row for row in run_round(county.finance).rows if row.name == "民政局"]
    assert (row.error, row.missing) == (None, 1)


# --- the signatures themselves ---


def test_a_reply_is_bound_to_its_question(county):
    desk = Desk(county.civil.keys.desk_kid, county.civil.keys.desk)
    keys = {desk.kid: county.civil.keys.desk_public}
    questions = []
    for nonce in ("n" * 22, "m" * 22):
        question = Question("POST", f"https://peer.example{PATH}", {})
        sign_question(question, b"body", desk, nonce=nonce, now=1000)
        assert check_question(question, b"body", keys, now=1000).nonce == nonce
        questions.append(question)
    reply = Reply(200, {}, questions[0])
    sign_reply(reply, b"answer", desk, nonce="r" * 22, now=1000)
    assert check_reply(reply, b"answer", keys, now=1000).kid == desk.kid
    for changed, content in (
        (Reply(200, reply.headers, questions[1]), b"answer"),
        (Reply(201, reply.headers, questions[0]), b"answer"),
        (Reply(200, reply.headers, questions[0]), b"another"),
    ):
        with pytest.raises(NotSigned):
            check_reply(changed, content, keys, now=1000)
    with pytest.raises(NotSigned):  # a question is no answer
        check_question(Question("POST", questions[0].url, reply.headers), b"answer", keys, now=1000)
