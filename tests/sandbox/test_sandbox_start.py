import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.app import check_loopback, serve
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.errors import ConfigRefused
from bot.sandbox.reading import Said
from tests.sandbox.fake_account import FakeAccount
from tests.sandbox.rig import NODE, TOTP_SECRET, cast, free_port, until

ROOT = Path(__file__).parents[2]


def as_json(url: str = "http://127.0.0.1:1") -> Any:
    return json.loads(json.dumps(asdict(cast(url))))


def changed(where: str, **change: object) -> Any:
    data = as_json()
    data[where][0] |= change
    return data


def test_the_cast_is_read_back_as_written(tmp_path):
    path = tmp_path / "cast.json"
    path.write_text(json.dumps(as_json() | {"more": 1}))
    assert SandboxConfig.read(path) == cast("http://127.0.0.1:1", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ([], "object"),
        ({}, "accounts"),
        ({"accounts": {}}, "accounts"),
        ({"accounts": [1]}, "accounts"),
        ({"accounts": [{}]}, "accounts"),
        (changed("accounts", name=""), "name"),
        (changed("accounts", name="财政局"), "name"),
        (changed("accounts", app_id="wx-other"), "app_id"),
        (changed("accounts", url="ftp://x"), "url"),
        (changed("accounts", token=7), "token"),
        (changed("accounts", encoding_aes_key="short"), "encoding_aes_key"),
        (changed("accounts", encoding_aes_key="é" * 43), "encoding_aes_key"),
        (changed("people", openid="a b"), "openid"),
        (changed("people", openid="lin"), "openid"),
        (changed("people", node="教育局"), "node"),
        (changed("people", side="left"), "side"),
        (changed("people", name=7), "name"),
        (changed("people", name={"zh": "王桂兰"}), "name"),
        (changed("people", totp_secret="0189!"), "totp_secret"),
        (changed("people", slips=[{"node": "教育局", "scene": "x"}]), "教育局"),
        (changed("people", slips={"node": NODE}), "slips"),
        (as_json() | {"levers": {"url": "http://10.0.0.1:1/levers", "token": "t"}}, "levers"),
        (as_json() | {"levers": {"url": "http://127.0.0.1:1/levers"}}, "token"),
        (as_json() | {"steps": [{"title": "t", "taps": [{"label": "l"}]}]}, "citizen"),
        (as_json() | {"steps": 7}, "steps"),
    ],
)
def test_a_wrong_configuration_is_refused_by_the_name_of_its_field(data, names):
    with pytest.raises(ConfigRefused, match=names):
        SandboxConfig.parse(data)


def test_a_config_shows_no_secret_when_printed():
    printed = repr(cast("http://127.0.0.1:1"))
    assert "an-app-secret" not in printed
    assert "a-token" not in printed


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "8.8.8.8", "example.org", ""])
def test_it_never_listens_where_another_machine_could_reach_it(host):
    with pytest.raises(ConfigRefused, match="loopback"):
        serve(cast("http://127.0.0.1:1"), host, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_allowed(host):
    check_loopback(host)


def test_everyone_listed_begins_as_a_follower_of_every_account(rig):
    chat = rig.http.get("/api/chat", query_string={"openid": "lin", "node": "财政局"}).get_json()
    assert (chat["following"], chat["answering"], chat["lines"]) == (True, False, [])


def test_the_page_learns_who_there_is_and_no_secret(rig):
    people = rig.http.get("/api/people")
    told = people.get_json()
    assert [person["name"] for person in told["people"]] == [
        {"zh": "王桂兰", "en": "Wang Guilan"},
        {"zh": "周大山", "en": "Zhou Dashan"},
        {"zh": "林芳", "en": "Lin Fang"},
    ]
    assert told["people"][0]["node"] == NODE
    assert [account["name"] for account in told["accounts"]] == [NODE, "财政局"]
    for secret in ("secret", "a-token", TOTP_SECRET):
        assert secret not in people.text


def test_words_may_be_given_once_for_both_languages():
    data = changed("people", name="王桂兰")
    assert SandboxConfig.parse(data).people[0].name == Said("王桂兰", "王桂兰")


@pytest.mark.slow
def test_the_command_serves_from_a_file_and_a_hundred_messages_of_one_person_pass_through(tmp_path):
    path, port = tmp_path / "cast.json", free_port()
    with FakeAccount() as account:
        path.write_text(json.dumps(as_json(account.url)))
        command = [sys.executable, "-m", "bot.sandbox", "--config", str(path), "--port", str(port)]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                    until(lambda: is_up(http))
                    for host in ("localhost", "[::1]"):
                        assert http.get("/", headers={"Host": f"{host}:{port}"}).status_code == 200
                    for number in range(100):
                        http.post("/api/messages", json={"openid": "wang", "node": NODE, "text": str(number)})
                    query = {"openid": "wang", "node": NODE}
                    until(lambda: len(http.get("/api/messages", params=query).json()) == 200)
            finally:
                process.send_signal(signal.SIGTERM)
                out, err = process.communicate(timeout=20)
    assert out == b""
    assert b"signature" not in err


def is_up(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_the_command_says_in_one_line_why_it_does_not_start(tmp_path, content):
    path = tmp_path / "cast.json"
    if content is not None:
        path.write_text(content)
    command = [sys.executable, "-m", "bot.sandbox", "--config", str(path), "--port", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("sandbox: ")
    assert done.stderr.count("\n") == 1
