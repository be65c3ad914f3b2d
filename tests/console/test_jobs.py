"""What happens by itself at a node, wired as `schedule` runs it."""

from app import jobs, open_node
from handlers.settings import read_settings

ACCOUNT = {
    "WECHAT_TOKEN": "token123",
    "WECHAT_ENCODING_AES_KEY": "a" * 43,
    "WECHAT_APP_ID": "wx0123456789",
    "WECHAT_APP_SECRET": "0123456789abcdef",
    "WECHAT_API_BASE_URL": "http://127.0.0.1:1",  # where nobody listens
}


def test_a_node_without_an_account_publishes_and_checks(terminal):
    with terminal.node() as node:
        work = {job.name for job in jobs(read_settings(terminal.settings), node)}
        assert work >= {"publish", "crosscheck"}
        assert work.isdisjoint({"notify", "prune-bot", "menu"})


def test_a_menu_that_cannot_be_put_up_is_one_line_without_a_secret_and_comes_again_within_the_hour(terminal, caplog):
    chosen = read_settings({**terminal.settings, **ACCOUNT})
    node = open_node(chosen)
    work = {job.name: job for job in jobs(chosen, node)}
    work["menu"].call()
    [line] = [record for record in caplog.records if record.name == "app"]
    assert line.getMessage().startswith("the menu is not up yet: ")
    assert line.exc_info is None
    assert ACCOUNT["WECHAT_APP_SECRET"] not in caplog.text
    assert work["menu"].seconds <= 3_600
    for name in ("publish", "notify", "prune-bot"):
        work[name].call()
    node.close()
