"""What `demo.json`, the page and the folder say, and that it is so."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.demo.network import Network

pytestmark = pytest.mark.slow

CITIZENS = {"王桂兰": "民政局", "陈志强": "公安局", "孙丽": "民政局", "周大山": "民政局", "何秀英": "民政局"}
OFFICERS = {
    "林芳": ("民政局", ["clerk"]),
    "高伟": ("民政局", ["approver"]),
    "吴倩": ("财政局", ["finance"]),
    "马骏": ("财政局", ["authoriser", "finance"]),
    "李敏": ("公安局", ["clerk"]),
    "赵磊": ("公安局", ["approver"]),
    "宋涛": ("审计局", ["auditor"]),
    "郑洁": ("民政局", ["admin"]),
    "钱伟": ("财政局", ["admin"]),
    "孔亮": ("公安局", ["admin"]),
    "韩冰": ("审计局", ["admin"]),
}
PREFIXES = {"民政局": "21", "财政局": "22", "公安局": "23", "审计局": "24"}


def test_the_description_has_exactly_the_fields_of_the_contract(network: Network):
    described = network.described
    assert set(described) == {"sandbox_url", "nodes", "citizens", "officers"}
    fields = (
        "name",
        "url",
        "origin",
        "log_vkeys",
        "witness_vkeys",
        "mirror_vkeys",
        "database_url",
        "env_file",
        "wechat",
    )
    for node in described["nodes"]:
        assert tuple(node) == fields
        assert tuple(node["wechat"]) == ("token", "encoding_aes_key", "app_id")
    for citizen in described["citizens"]:
        assert tuple(citizen) == ("name", "openid", "node", "bound", "binding_code", "cases", "payments")
        assert all(tuple(case) == ("node", "number", "query_code") for case in citizen["cases"])
        assert all(tuple(payment) == ("node", "number") for payment in citizen["payments"])
    for officer in described["officers"]:
        assert tuple(officer) == ("name", "openid", "node", "roles", "totp_secret")


def test_the_county_is_complete(network: Network):
    described = network.described
    assert [node["name"] for node in described["nodes"]] == list(PREFIXES)
    assert {one["name"]: one["node"] for one in described["citizens"]} == CITIZENS
    assert {one["name"]: (one["node"], one["roles"]) for one in described["officers"]} == OFFICERS


def test_who_is_bound_has_no_binding_code_and_who_is_not_has_one(network: Network):
    bound = {one["name"] for one in network.described["citizens"] if one["bound"]}
    assert bound == {"王桂兰", "孙丽", "周大山"}
    for citizen in network.described["citizens"]:
        assert (citizen["binding_code"] is None) == citizen["bound"]


def test_everybody_has_one_case_and_the_payments_of_the_story(network: Network):
    for citizen in network.described["citizens"]:
        [case] = citizen["cases"]
        assert case["node"] == CITIZENS[citizen["name"]]
        assert case["number"].startswith(PREFIXES[case["node"]])
        assert re.fullmatch(r"[0-9]{8}", case["query_code"])
        assert all(one["node"] == "财政局" and one["number"].startswith("22") for one in citizen["payments"])
    counts = {one["name"]: len(one["payments"]) for one in network.described["citizens"]}
    assert counts == {"王桂兰": 1, "陈志强": 0, "孙丽": 2, "周大山": 1, "何秀英": 0}


def test_every_number_has_good_check_digits_and_the_day_it_was_given(network: Network):
    today = datetime.now(timezone(timedelta(hours=8))).date()
    days = {"王桂兰": 24, "陈志强": 5, "孙丽": 70, "周大山": 22, "何秀英": 1}
    for name, ago in days.items():
        number = network.number(name)
        body, check = int(number[:-2]), int(number[-2:])
        assert check == 98 - 100 * body % 97
        assert number[2:8] in {f"{today - timedelta(days=ago + late):%y%m%d}" for late in (0, 1)}


def test_secrets_are_base32_without_padding_and_addresses_are_absolute(network: Network):
    for officer in network.described["officers"]:
        secret = officer["totp_secret"]
        assert "=" not in secret
        assert len(base64.b32decode(secret + "=" * (-len(secret) % 8))) >= 16
    for node in network.described["nodes"]:
        assert node["url"].startswith("http://127.0.0.1:")
        assert Path(node["env_file"]).is_absolute()
        assert Path(node["env_file"]).is_file()
        assert node["database_url"].startswith("sqlite:////")
        assert Path(node["database_url"].removeprefix("sqlite:///")).is_file()
    assert network.sandbox_url.startswith("http://127.0.0.1:")


def test_the_keys_are_those_that_each_node_shows_ed25519_first(network: Network):
    for node in network.described["nodes"]:
        shown = network.http.get(f"{node['url']}/node.json").json()
        assert shown["name"] == node["name"]
        assert shown["number_prefix"] == PREFIXES[node["name"]]
        for keys, kinds in (("log_vkeys", (1, 6)), ("witness_vkeys", (4, 6)), ("mirror_vkeys", (4, 6))):
            assert shown[keys] == node[keys]
            assert tuple(base64.b64decode(key.split("+", 2)[2])[0] for key in node[keys]) == kinds
            for key in node[keys]:
                name, key_id, material = key.split("+", 2)
                digest = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(material)).hexdigest()
                assert digest.startswith(key_id)


def test_every_node_is_ready_and_alive(network: Network):
    for node in network.described["nodes"]:
        assert network.http.get(f"{node['url']}/readyz").status_code == 200
        assert network.http.get(f"{node['url']}/healthz").status_code == 200


def test_the_page_and_nothing_else_is_on_standard_output(network: Network):
    page = network.launcher.out.read_text()
    assert page.count("\n") < 40
    assert network.sandbox_url in page
    for node in network.described["nodes"]:
        assert node["url"] in page
    assert str(network.launcher.description) in page
    assert "INFO" not in page


def test_each_node_writes_its_lines_to_its_own_log_and_nothing_private(network: Network):
    for prefix in PREFIXES.values():
        lines = (network.launcher.folder / f"{prefix}.log").read_text()
        assert "scheduler" in lines
        assert "Traceback" not in lines
        for citizen in network.described["citizens"]:
            assert citizen["name"] not in lines
            assert citizen["cases"][0]["number"] not in lines


def test_only_their_owner_can_read_keys_settings_and_secrets(network: Network):
    folder = network.launcher.folder
    assert folder.stat().st_mode & 0o077 == 0
    for file in (folder / "demo.json", folder / "sandbox.json", *folder.glob("*/node.env"), *folder.glob("*/*.age")):
        assert file.stat().st_mode & 0o077 == 0


def test_the_list_that_the_bank_sent_is_the_file_that_the_record_names(network: Network):
    [newest] = sorted((network.launcher.folder / "bank").glob("*.csv"))[-1:]
    lines = newest.read_text("utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["王桂兰", "孙丽"]
    assert lines[1].split(",")[0] == network.number("王桂兰", "payments")
    assert datetime.strptime(newest.stem, "%Y%m%d").replace(tzinfo=UTC) < datetime.now(UTC)
