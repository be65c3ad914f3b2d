"""Who the node says it is, and how it says that it is: all of it public, none of it private."""

import base64
import re
import tomllib
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from ledger import readiness
from ledger.errors import (
    Behind,
    Busy,
    IllegalStep,
    LedgerError,
    MalformedRecord,
    PeerUnreachable,
    Refused,
    UnknownSigner,
)
from ledger.merkle.errors import BadProof, MalformedNote, MalformedTile, OutOfRange
from ledger.records.statement import thumbprint
from ledger.routes import SOFTWARE, status_of
from ledger.storage import leases
from ledger.storage.engine import transaction

FIELDS = {
    "name",
    "origin",
    "url",
    "number_prefix",
    "software",
    "log_vkeys",
    "witness_vkeys",
    "mirror_vkeys",
    "desk_jwk",
    "introduction",
    "rotations",
    "keys",
    "officers",
}


def beat(house, at):
    with transaction(house.node.engine) as conn:
        assert leases.take(conn, leases.SCHEDULER, "somebody", at, 15)


def test_node_json_has_exactly_the_fields_of_the_contract(house):
    officer = house.node.desk.enrol("林芳", ("clerk", "approver"), "110101199003070038")
    answer = house.web.get("/node.json")
    said = answer.get_json()
    assert answer.content_type == "application/json"
    assert said.keys() == FIELDS
    assert (said["name"], said["origin"], said["number_prefix"]) == ("民政局", "minzheng.example/log", "21")
    assert said["url"] == "https://minzheng.example"
    assert said["log_vkeys"] == house.node.keys.log_vkeys
    assert said["desk_jwk"].keys() == {"kty", "crv", "x"}
    assert said["introduction"].keys() == {"genesis", "signature"}
    assert said["rotations"] == []
    assert [(one["role"], one["from_index"], one["to_index"]) for one in said["keys"]] == [
        (role, 0, None) for role in ("log", "witness", "mirror", "desk")
    ]
    assert said["keys"][0]["vkeys"] == said["log_vkeys"]
    assert said["keys"][3]["jwk"] == said["desk_jwk"]
    (shown,) = said["officers"]
    assert shown.keys() == {"kid", "jwk", "roles", "from_index", "to_index"}
    assert (shown["roles"], shown["from_index"], shown["to_index"]) == (["clerk", "approver"], 2, None)
    house.node.desk.revoke(officer.handle)
    assert house.web.get("/node.json").get_json()["officers"][0]["to_index"] == 2


def test_node_json_names_no_person(house):
    house.node.desk.enrol("林芳", ("clerk",), "110101199003070038")
    text = house.web.get("/node.json").get_data(as_text=True)
    assert "林芳" not in text
    assert "110101199003070038" not in text
    assert "person" not in text


def test_a_kid_is_the_thumbprint_of_its_jwk(house):
    house.node.desk.enrol("林芳", ("clerk",), "110101199003070038")
    (shown,) = house.web.get("/node.json").get_json()["officers"]
    assert thumbprint(base64.urlsafe_b64decode(shown["jwk"]["x"] + "=")) == shown["kid"]


def test_the_software_is_of_this_version():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"{project['name']}/{project['version']}" == SOFTWARE


def test_alive_is_alive(house):
    assert house.web.get("/healthz").get_json() == {"status": "ok"}


@pytest.mark.parametrize(("age", "ready"), [(0, True), (15, True), (16, False)])
def test_ready_when_the_scheduler_was_seen_in_the_last_three_periods(house, age, ready):
    beat(house, house.clock.at - age)
    answer = house.web.get("/readyz")
    assert answer.status_code == (200 if ready else 503)
    assert answer.get_json()["checks"] == {"database": True, "keys": True, "scheduler": ready}


def test_without_a_scheduler_a_node_is_not_ready(house):
    answer = house.web.get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["scheduler"]) == (503, False)


def test_a_node_that_cannot_write_is_not_ready_and_says_which(house, monkeypatch):
    beat(house, house.clock.at)

    def locked(_engine, **_how):
        raise Busy("locked")

    monkeypatch.setattr(readiness, "transaction", locked)
    assert house.web.get("/readyz").get_json()["checks"] == {"database": False, "keys": True, "scheduler": True}


def test_a_node_whose_high_water_mark_is_gone_is_not_ready(house):
    house.publish()
    beat(house, house.clock.at)
    house.node.settings.key_file.with_suffix(".high-water").unlink()
    assert house.web.get("/readyz").get_json()["checks"]["keys"] is False


def test_readiness_is_looked_at_once_a_second(house):
    beat(house, house.clock.at)
    assert house.web.get("/readyz").status_code == 200
    with transaction(house.node.engine) as conn:
        leases.give_back(conn, leases.SCHEDULER, "somebody")
    assert house.web.get("/readyz").status_code == 200
    house.clock.at += 1
    assert house.web.get("/readyz").status_code == 503


def test_metrics_tell_sizes_and_findings_in_prometheus_own_form(house):
    house.append(9)
    house.publish()
    house.append(1)
    beat(house, house.clock.at)
    house.node.desk.note_wrong("openid", "21261123004798")
    answer = house.web.get("/metrics")
    text = answer.get_data(as_text=True)
    assert answer.content_type.startswith("text/plain; version=")
    assert 'onetrip_log_entries{origin="minzheng.example/log"} 11.0' in text
    assert 'onetrip_log_published_entries{origin="minzheng.example/log"} 10.0' in text
    assert "onetrip_scheduler_seen_time_seconds 1.79e+09" in text
    assert "onetrip_wrong_query_codes 1.0" in text
    assert all(re.fullmatch(r"(# (HELP|TYPE) .*|[a-z_]+(\{.*\})? \S+)", line) for line in text.splitlines())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedTile("x"), 404),
        (OutOfRange("x"), 404),
        (MalformedNote("x"), 400),
        (BadProof("x"), 400),
        (Busy("x"), 503),
        (Behind("x"), 503),
        (PeerUnreachable("x"), 503),
        (Refused("x"), 409),
        (IllegalStep("x", "y"), 409),
        (MalformedRecord("x"), 400),
        (UnknownSigner("x"), 400),
        (LedgerError("x"), 500),
        (OperationalError("x", {}, ValueError()), 500),
    ],
)
def test_each_refusal_has_one_status(error, status):
    assert status_of(error) == status


def test_a_locked_database_is_503_says_when_to_come_again_and_nothing_more(house, monkeypatch):
    def locked():
        raise Busy("the secret path of the database")

    monkeypatch.setattr(type(house.node.log), "published_checkpoint", lambda _self: locked())
    answer = house.web.get("/log/checkpoint")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.get_json() == {"type": "about:blank", "title": "Service Unavailable", "status": 503}


@pytest.mark.parametrize("path", ["/network.json", "/findings/6H6YGQ0Z.json", "/nothing/at/all"])
def test_a_path_that_is_nobodys_yet_is_404_and_a_problem_document(house, path):
    answer = house.web.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json() == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert house.web.post("/node.json").content_type == "application/problem+json"
