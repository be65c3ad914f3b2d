"""Anybody may leave a department's promise with another one, which says aloud when it is not kept (R48)."""

import json

import httpx
import pytest

from ledger.keys import generate
from ledger.merkle.hashing import Hash
from ledger.peers import promises
from ledger.peers.errors import MalformedQuestion, NotOurs, TooMany, UnknownLog, Untrusted
from ledger.peers.promises import KEPT_WITHIN_SECONDS, take_promise
from ledger.records import base64url
from ledger.records.promise import make_promise
from ledger.storage import schema
from ledger.storage.engine import reading
from tests.peers.test_peers_rotation import rotate

LEAF = Hash(b"\x07" * 32)


def promise(node, index, leaf=LEAF, at=None, keys=None):
    keys = keys or node.keys
    at = node.now() if at is None else at
    return make_promise(node.origin, index, leaf, at, kid=keys.desk_kid, signer=keys.desk.sign)


def leave(county, text, name="公安局"):
    return take_promise(county.nodes[name], text.encode()).state


def held(county, name="公安局"):
    with reading(county.nodes[name].engine) as connection:
        return connection.execute(schema.promises.select()).all()


def findings(county, name="公安局"):
    return [(one.rule, one.severity, one.facts["reason"]) for one in county.findings(name) if one.rule == "R48"]


def test_a_promise_that_is_kept_leaves_nothing_behind(either_county):
    county = either_county
    county.round()
    done = county.civil.desk.enrol("新人", ("clerk",), "id-new").submitted
    assert leave(county, done.promise) == "waiting"
    assert leave(county, done.promise) == "waiting"  # twice is once
    assert len(held(county)) == 1
    county.round()
    assert held(county) == []
    assert findings(county) == []
    assert leave(county, done.promise) == "kept"
    assert held(county) == []


def test_another_record_at_the_promised_place_is_found_at_once_with_the_promise_as_evidence(county):
    county.round()
    text = promise(county.civil, county.size(county.civil) - 1)
    assert leave(county, text) == "broken"
    assert findings(county) == [("R48", "A", "another-record")]
    [finding] = [one for one in county.findings("公安局") if one.rule == "R48"]
    assert finding.facts["promise"] == text
    county.round()
    assert findings(county) == [("R48", "A", "another-record")]


def test_a_record_that_comes_elsewhere_than_promised_is_found_in_the_round(county):
    county.round()
    text = promise(county.civil, county.size(county.civil))
    assert leave(county, text) == "waiting"
    assert findings(county) == []
    county.civil.desk.enrol("新人", ("clerk",), "id-new")
    county.round()
    assert findings(county) == [("R48", "A", "another-record")]


def test_a_record_that_does_not_come_within_the_hour_is_found_and_one_that_comes_late_ends_it(county):
    county.round()
    done = county.civil.desk.enrol("新人", ("clerk",), "id-new").submitted
    county.wire.lose(county.host(county.civil))
    assert leave(county, done.promise) == "waiting"
    county.clock.wait(KEPT_WITHIN_SECONDS - 30)
    county.round("公安局")
    assert findings(county) == []
    county.clock.wait(60)
    county.round("公安局")
    assert findings(county) == [("R48", "A", "nothing-yet")]
    county.wire.find(county.host(county.civil))
    county.round()
    assert findings(county) == []
    assert held(county) == []


def test_while_we_are_behind_what_it_has_shown_nobody_is_accused(county, monkeypatch):
    county.round()
    done = county.civil.desk.enrol("新人", ("clerk",), "id-new").submitted
    leave(county, done.promise)
    county.publish("民政局")
    county.wire.tamper(county.host(county.civil), "entries", lambda _request, _answer: httpx.Response(503))
    county.clock.wait(KEPT_WITHIN_SECONDS + 60)
    county.round("公安局")
    assert findings(county) == []


@pytest.mark.parametrize("change", ["signature", "key", "index", "kind"])
def test_only_the_desks_own_word_counts(county, change):
    county.round()
    text = promise(county.civil, 500)
    head, body, signature = text.split(".")
    if change == "signature":
        text = f"{head}.{body}.{base64url.encode(bytes(64))}"
    elif change == "key":
        text = promise(county.civil, 500, keys=generate(county.civil.origin))
    elif change == "index":
        said = json.loads(base64url.decode(body)) | {"index": 501}
        text = (
            f"{head}.{base64url.encode(json.dumps(said, sort_keys=True, separators=(',', ':')).encode())}.{signature}"
        )
    else:
        officer = (
            county.town.civil.staff["林芳"]
            if "林芳" in county.town.civil.staff
            else next(iter(county.town.civil.staff.values()))
        )
        said = json.loads(base64url.decode(head)) | {"kid": officer.kid}
        text = (
            f"{base64url.encode(json.dumps(said, sort_keys=True, separators=(',', ':')).encode())}.{body}.{signature}"
        )
    with pytest.raises(Untrusted):
        leave(county, text)
    assert held(county) == []


def test_a_desks_retired_key_promises_nothing_beyond_its_range(county):
    county.round()
    old = county.civil.keys
    node = rotate(county, county.civil, "desk")
    county.round()
    county.round()
    size = county.size(node)
    with pytest.raises(Untrusted):
        leave(county, promise(node, size + 5, keys=old))
    assert leave(county, promise(node, size + 5)) == "waiting"
    assert leave(county, promise(node, 2)) == "broken"  # shown again after the rotation, by the new key
    assert leave(county, promise(node, 1, keys=old)) == "broken"  # what it promised while it counted, it promised


@pytest.mark.parametrize("body", [b"", b"x", b"a.b.c", b"." * 3000, "…".encode(), b"\x00" * 10])
def test_what_is_no_promise_is_declined(county, body):
    with pytest.raises(MalformedQuestion):
        take_promise(county.police, body)


def test_a_promise_from_the_future_would_never_be_due_and_is_declined(county):
    county.round()
    with pytest.raises(MalformedQuestion):
        leave(county, promise(county.civil, 500, at=county.clock() + 301))
    assert leave(county, promise(county.civil, 500, at=county.clock() + 299)) == "waiting"


def test_strangers_promises_and_our_own_are_not_ours_to_judge(county):
    county.round()
    with pytest.raises(NotOurs):
        leave(county, promise(county.police, 500))
    stranger = generate("elsewhere.example/log")
    text = make_promise(stranger.origin, 1, LEAF, county.clock(), kid=stranger.desk_kid, signer=stranger.desk.sign)
    with pytest.raises(UnknownLog):
        leave(county, text)


def test_the_shelf_has_an_end_and_so_has_a_minute(county, monkeypatch):
    county.round()
    monkeypatch.setattr(promises, "A_MINUTE_MAX", 3)
    monkeypatch.setattr(promises, "A_LOG_MAX", 5)
    for index in range(3):
        leave(county, promise(county.civil, 500 + index))
    with pytest.raises(TooMany):
        leave(county, promise(county.civil, 600))
    county.clock.wait(61)
    for index in range(2):
        leave(county, promise(county.civil, 700 + index))
    county.clock.wait(61)
    with pytest.raises(TooMany):
        leave(county, promise(county.civil, 800))
    assert len(held(county)) == 5
    # Another department's shelf is its own.
    assert leave(county, promise(county.finance, 500)) == "waiting"


def test_the_door_answers_202_and_refuses_as_the_standard_says(county):
    county.round()
    url = f"{county.police.public_url}/promises"
    client = httpx.Client(transport=county.wire, trust_env=False)
    good = client.post(url, content=promise(county.civil, 500))
    assert (good.status_code, good.json()["state"]) == (202, "waiting")
    for content, status in ((b"x", 400), (promise(county.police, 5), 422), (b"y" * 3000, 413)):
        told = client.post(url, content=content)
        assert (told.status_code, told.headers["Content-Type"]) == (status, "application/problem+json")
        assert told.json()["status"] == status
    assert client.get(url).status_code == 405
