"""/network.json: who has checked whose log, up to where, when and in what state; the same to everybody, nothing private."""

import json
from datetime import datetime
from typing import Any

import pytest

from ledger.audit.crosscheck import run_round
from ledger.node import Node
from ledger.peers import publish
from ledger.peers.joining import remove_peer
from ledger.rules.logs import UNWATCHED_SECONDS
from tests.desk.world import ACCOUNT
from tests.peers.rig import ROUND_SECONDS
from tests.receipts.rig import OPENID, Bureau
from tests.receipts.test_finding_pages import open_finding, two_faces

STATES = {"good", "late", "new", "missed", "slowed", "unreachable", "forked"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(publish, "ANSWERS_SECONDS_MAX", 0.5)


def told(bureau: Bureau, node: Node) -> dict[str, Any]:
    answer = bureau.web(node).get("/network.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    said: dict[str, Any] = json.loads(answer.data)
    return said


def check(said: dict[str, Any], by: Node, of: Node, role: str = "mirror") -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        one for one in said["checks"] if (one["by"], one["of"], one["as"]) == (by.origin, of.origin, role)
    ]
    assert len(found) == 1, (by.name, of.name, role)
    return found[0]


def test_it_has_the_shape_that_is_documented(calm: Bureau):
    for node in calm.county.nodes.values():
        said = told(calm, node)
        assert set(said) == {"node", "epoch", "waiting", "waiting_more", "departments", "checks"}
        assert said["epoch"] == {"number": 0, "name": None, "members": [], "needed": None}
        assert said["node"] == node.origin
        for one in said["departments"]:
            assert set(one) == {"name", "origin", "url", "size"}
        for one in said["checks"]:
            assert set(one) == {"by", "of", "as", "size", "at", "state"}
            assert one["as"] in {"mirror", "witness"}
            assert one["state"] in STATES
            assert one["at"] is None or datetime.fromisoformat(one["at"]).utcoffset() is not None
        assert len({(one["by"], one["of"], one["as"]) for one in said["checks"]}) == len(said["checks"])


def test_in_a_calm_county_everybody_has_checked_everybody_to_the_end(calm: Bureau):
    nodes = [*calm.county.nodes.values()]
    for node in nodes:
        said = told(calm, node)
        sizes = {one["origin"]: one["size"] for one in said["departments"]}
        assert sizes == {one.origin: calm.county.size(one) for one in nodes}
        for by in nodes:
            for of in nodes:
                if by is of:
                    assert not [one for one in said["checks"] if one["by"] == one["of"]]
                    continue
                for role in ("mirror", "witness"):
                    one = check(said, by, of, role)
                    assert (one["size"], one["state"]) == (sizes[of.origin], "good")


def test_whoever_is_not_reached_any_more_is_told_as_such_with_the_moment_that_was_good(bureau: Bureau):
    county = bureau.county
    before = check(told(bureau, bureau.police), bureau.police, bureau.civil)
    county.wire.lose(county.host(bureau.civil))
    states = []
    for _ in range(4):
        county.clock.wait(ROUND_SECONDS)
        run_round(bureau.police)
        states.append(check(told(bureau, bureau.police), bureau.police, bureau.civil)["state"])
    after = check(told(bureau, bureau.police), bureau.police, bureau.civil)
    assert states == ["missed", "missed", "unreachable", "unreachable"]
    assert (after["at"], after["size"]) == (before["at"], before["size"])
    # What others signed ages by itself.
    county.clock.wait(UNWATCHED_SECONDS)
    assert check(told(bureau, bureau.police), bureau.finance, bureau.civil)["state"] == "late"


def test_a_log_of_two_histories_is_told_with_its_finding(bureau: Bureau):
    two_faces(bureau)
    said = told(bureau, bureau.police)
    finding = open_finding(bureau, "R36")
    [forked] = [one for one in said["departments"] if "finding" in one]
    assert forked["origin"] == bureau.civil.origin
    assert forked["finding"] == f"{bureau.police.public_url}/findings/{finding}"
    assert check(said, bureau.police, bureau.civil)["state"] == "forked"


def test_a_department_that_was_removed_is_told_no_more(bureau: Bureau):
    remove_peer(bureau.police, "民政局")
    said = told(bureau, bureau.police)
    assert bureau.civil.origin not in json.dumps(said)


def test_caches_are_told_and_only_reading_is_allowed(calm: Bureau):
    web = calm.web(calm.civil)
    first = web.get("/network.json")
    assert first.headers["Cache-Control"] == "public, max-age=10"
    assert web.get("/network.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert web.post("/network.json").status_code == 405


def test_nothing_private_stands_in_it(bureau: Bureau):
    two_faces(bureau)
    town = bureau.county.town
    secrets = {"王桂兰", ACCOUNT, OPENID, bureau.story.citizen, bureau.number("case"), *town.civil.staff}
    for node in bureau.county.nodes.values():
        text = bureau.web(node).get("/network.json").get_data(as_text=True)
        assert [secret for secret in secrets if secret in text] == []
