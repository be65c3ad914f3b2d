"""A setting that is missing or malformed stops the start with one line that names it and never shows its value."""

import pytest

from handlers.prefixes import FRESH_SECONDS, Prefixes
from handlers.settings import TENCENT_API, SettingWrong, read_settings
from ledger.errors import Busy

GOOD = {
    "ONETRIP_NODE_NAME": "民政局",
    "ONETRIP_PUBLIC_URL": "https://mz.example/",
    "ONETRIP_KEY_PASSPHRASE": "correct horse battery",
    "WECHAT_TOKEN": "token123",
    "WECHAT_ENCODING_AES_KEY": "a" * 43,
    "WECHAT_APP_ID": "wx0123456789",
    "WECHAT_APP_SECRET": "0123456789abcdef",
}


def test_what_is_set_is_read_and_the_rest_has_its_default():
    read = read_settings(GOOD)
    assert (read.node_name, read.public_url, read.origin) == ("民政局", "https://mz.example", "mz.example/log")
    assert read.database_url == "sqlite:///instance/node.db"
    assert (read.crosscheck_seconds, read.checkpoint_seconds, read.redis_url) == (60, 5, None)
    account = read.wechat
    assert account is not None
    assert (account.api_base_url, account.allow_plain) == (TENCENT_API, False)


def test_a_node_without_an_account_answers_other_nodes_only():
    bare = {name: value for name, value in GOOD.items() if not name.startswith("WECHAT_")}
    assert read_settings(bare).wechat is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONETRIP_NODE_NAME", ""),
        ("ONETRIP_NODE_NAME", "  "),
        ("ONETRIP_PUBLIC_URL", ""),
        ("ONETRIP_PUBLIC_URL", "mz.example"),
        ("ONETRIP_PUBLIC_URL", "ftp://mz.example"),
        ("ONETRIP_PUBLIC_URL", "https://user:s3cret@mz.example"),
        ("ONETRIP_PUBLIC_URL", "https://mz.example/?x=1"),
        ("ONETRIP_ORIGIN", "mz example/log"),
        ("ONETRIP_ORIGIN", "mz+example/log"),
        ("ONETRIP_ORIGIN", "m" * 241),
        ("ONETRIP_DATABASE_URL", "mysql://user:s3cret@host/x"),
        ("ONETRIP_DATABASE_URL", "no url at all"),
        ("ONETRIP_KEY_PASSPHRASE", "s3cret"),
        ("ONETRIP_KEY_PASSPHRASE_FILE", "/nowhere/s3cret"),
        ("ONETRIP_CROSSCHECK_SECONDS", "0"),
        ("ONETRIP_CROSSCHECK_SECONDS", "1.5"),
        ("ONETRIP_CROSSCHECK_SECONDS", "86401"),
        ("ONETRIP_CHECKPOINT_SECONDS", "often"),
        ("ONETRIP_PEER_NETWORKS", "s3cret"),
        ("ONETRIP_PEER_NETWORKS", "127.0.0.0/8"),
        ("ONETRIP_PEER_NETWORKS", "10.0.0.0/8;10.1.0.0/16"),
        ("ONETRIP_REDIS_URL", "http://user:s3cret@host"),
        ("WECHAT_TOKEN", ""),
        ("WECHAT_TOKEN", "s3cret token"),
        ("WECHAT_ENCODING_AES_KEY", ""),
        ("WECHAT_ENCODING_AES_KEY", "s3cret"),
        ("WECHAT_APP_ID", ""),
        ("WECHAT_APP_ID", "<s3cret>"),
        ("WECHAT_APP_SECRET", ""),
        ("WECHAT_APP_SECRET", "s3cret s3cret"),
        ("WECHAT_ALLOW_PLAIN", "yes"),
        ("WECHAT_API_BASE_URL", "api.example"),
        ("WECHAT_API_BASE_URL", "http://api.example"),
    ],
)
def test_one_line_names_what_is_wrong_and_shows_no_value(name, value):
    with pytest.raises(SettingWrong) as caught:
        read_settings({**GOOD, name: value})
    told = str(caught.value)
    assert told.startswith(f"{caught.value.name}: ")
    assert caught.value.name in {name, "ONETRIP_KEY_PASSPHRASE"}
    assert "\n" not in told
    assert "s3cret" not in told


def test_the_sandbox_of_this_machine_may_be_spoken_to_without_tls():
    assert read_settings({**GOOD, "WECHAT_API_BASE_URL": "http://127.0.0.1:8000"}).wechat is not None


def test_no_secret_is_shown_when_settings_are_printed():
    printed = repr(read_settings({**GOOD, "ONETRIP_DATABASE_URL": "postgresql+psycopg://u:s3cret@h/x"}))
    for secret in ("s3cret", "correct horse", *(GOOD[name] for name in ("WECHAT_TOKEN", "WECHAT_APP_SECRET"))):
        assert secret not in printed


def test_a_passphrase_from_a_file_wins_and_loses_its_line_end(tmp_path):
    file = tmp_path / "passphrase"
    file.write_text("battery staple horse\n")
    read = read_settings({**GOOD, "ONETRIP_KEY_PASSPHRASE_FILE": str(file)})
    assert read.require_passphrase() == "battery staple horse"


# --- as a process reads them ---


@pytest.mark.parametrize("command", ["serve", "schedule", "crosscheck", "migrate"])
def test_no_command_starts_with_a_wrong_setting(terminal, command):
    told = terminal.run(command, ONETRIP_CROSSCHECK_SECONDS="often")
    assert told.exit_code == 2
    assert told.stderr.startswith("ONETRIP_CROSSCHECK_SECONDS: ")
    assert told.stderr.count("\n") == 1


def test_the_env_file_wins_over_the_environment_and_a_missing_one_is_named(terminal):
    file = terminal.folder / "node.env"
    file.write_text("ONETRIP_NODE_NAME=财政局\n")
    told = terminal.run("officers", "list", ONETRIP_ENV_FILE=str(file))
    assert told.exit_code == 2
    assert told.stderr.startswith("ONETRIP_NODE_NAME: the log says 民政局")
    gone = terminal.run("officers", "list", ONETRIP_ENV_FILE=str(terminal.folder / "gone.env"))
    assert gone.exit_code == 2
    assert gone.stderr.startswith("--env-file: there is no file")


def test_in_development_a_file_named_env_is_enough(terminal):
    (terminal.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in terminal.settings.items()))
    terminal.settings.clear()
    assert terminal.run("officers", "list").exit_code == 0


def test_a_port_for_the_demo_that_is_no_number_is_named(bare):
    told = bare.run("demo", PORT="eight thousand")
    assert told.exit_code == 2
    assert told.stderr.startswith("PORT: is not a number")


# --- what the chat knows of the network's numbers ---


def test_prefixes_are_read_once_a_minute_and_an_unreadable_database_changes_nothing(terminal, monkeypatch):
    good, foreign, now = "21261123004798", "22261123000189", [1_000]
    with terminal.node() as node:
        known = Prefixes(node, lambda: now[0])
        assert known.is_number(good)
        assert not known.is_number(good[:-1] + "7")
        assert not known.is_number(foreign)

        def busy(*_: object) -> None:
            raise Busy

        monkeypatch.setattr(type(node), "reading", busy)
        assert known.is_number(good)  # not asked again
        now[0] += FRESH_SECONDS + 1
        assert known.is_number(good)
        assert Prefixes(node, lambda: now[0]).is_number(good)  # its own prefix, from the genesis
