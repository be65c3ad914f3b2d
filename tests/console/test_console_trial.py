"""A node whose log is named a test marks what it pushes; `trial --away` takes away nothing but a trial."""

import pytest
from sqlalchemy import text

import app
from bot.storage import open_engine
from handlers.locale import TEXTS
from handlers.settings import read_settings

ACCOUNT = {
    "WECHAT_TOKEN": "token123",
    "WECHAT_ENCODING_AES_KEY": "a" * 43,
    "WECHAT_APP_ID": "wx0123456789",
    "WECHAT_APP_SECRET": "0123456789abcdef",
}


@pytest.mark.parametrize(("origin", "marks"), [("mz.example/log", 0), ("test.mz.example/test/log", 1)])
def test_a_notice_bears_the_mark_exactly_when_the_log_is_a_test(bare, origin, marks):
    bare.settings |= {"ONETRIP_ORIGIN": origin, **ACCOUNT}
    assert bare.init().exit_code == 0
    chosen = read_settings(bare.settings)
    assert chosen.wechat is not None
    engine = open_engine(chosen.database_url)
    with bare.node() as node:
        app.make_services(chosen, chosen.wechat, node, engine).outbox.put("k", "o-1", "到账了", "r")
    with engine.connect() as connection:
        [said] = connection.execute(text("SELECT text FROM bot_outbox")).scalars()
    engine.dispose()
    assert said.count(TEXTS["zh"]["test.mark"]) == marks


def test_init_says_how_to_try_every_flow_first(bare):
    assert "python app.py trial" in bare.init().output


def test_a_trial_is_thrown_away_by_one_command_and_the_real_node_stays(terminal, monkeypatch):
    trial = terminal.folder / "instance" / "trial"
    monkeypatch.setattr(app, "TRIAL", trial)
    (trial / "21").mkdir(parents=True)
    (trial / "21" / "node.db").write_text("invented")
    done = terminal.run("trial", "--away")
    assert (done.exit_code, "The trial is gone" in done.output) == (0, True)
    assert not trial.exists()
    assert terminal.records() == 1
    assert "no trial" in terminal.run("trial", "--away").output
