"""A bound citizen's 进度, encrypted, against a bare wechatpy echo bot under the same gunicorn with two workers."""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xmltodict
from wechatpy.crypto import WeChatCrypto

from app import open_node, settings
from benchmarks.load import Post, Result, at_full_load, at_rate

ROUNDS = 5
PEOPLE = 40
MATTER = "05LSJZ0001"
POSTS = 1_520
THREADS = 4
_TEXT = (
    "<xml><ToUserName>gh_bench</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{now}</CreateTime>"
    "<MsgType>text</MsgType><Content>进度</Content><MsgId>{id}</MsgId></xml>"
)


def sealed_posts(wechat: dict[str, str], openid: str, count: int, first_id: int) -> list[Post]:
    """Deliveries sealed before the clock starts, each with a MsgId of its own."""
    crypto = WeChatCrypto(wechat["token"], wechat["encoding_aes_key"], wechat["app_id"])
    now, posts = int(time.time()), []
    for number in range(first_id, first_id + count):
        text = _TEXT.format(openid=openid, now=now, id=number)
        sealed = xmltodict.parse(crypto.encrypt_message(text, str(number), str(now)))["xml"]
        query = {"msg_signature": sealed["MsgSignature"], "timestamp": now, "nonce": number, "encrypt_type": "aes"}
        body = f"<xml><ToUserName>gh_bench</ToUserName><Encrypt>{sealed['Encrypt']}</Encrypt></xml>"
        posts.append(Post("/wechat?" + urllib.parse.urlencode(query), body.encode()))
    return posts


@contextmanager
def served(arguments: list[str], port: int, env: dict[str, str]) -> Iterator[None]:
    """A server on this port while the block runs."""
    child = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield
    finally:
        child.terminate()
        child.wait()


def bind_people(env_file: Path) -> list[str]:
    """Forty people more than the story has, each bound and with one application; their chat accounts."""
    os.environ["ONETRIP_ENV_FILE"] = str(env_file)
    node = open_node(settings())
    try:
        with node.reading() as facts:
            clerk = next(one.handle for one, in_force in facts.officers() if in_force and "clerk" in one.roles)
        accounts = [f"bench-{number}-{time.time_ns()}" for number in range(PEOPLE)]
        for account in accounts:
            private = {"applicant": "王小明", "payee": "王小明", "account": "6217000010001230836"}
            opened = node.desk.open_case(MATTER, private, by=clerk, once=account)
            node.desk.bind(account, node.desk.binding_code_for(opened.citizen, 300))
    finally:
        node.close()
    return accounts


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


def measure(demo: dict[str, Any], port: int) -> dict[str, str]:
    """The figures of the webhook, as table cells by name."""
    node = next(each for each in demo["nodes"] if each["name"] == "民政局")
    bound = bind_people(Path(node["env_file"]))
    keys = node["wechat"]
    env = {
        "WECHAT_TOKEN": keys["token"],
        "WECHAT_ENCODING_AES_KEY": keys["encoding_aes_key"],
        "WECHAT_APP_ID": keys["app_id"],
    }
    ours = ["app.py", "--env-file", node["env_file"], "serve", "--port", str(port), "--workers", "2"]
    bind = ["--bind", f"127.0.0.1:{port + 1}", "--workers", "2", "--threads", str(THREADS), "--worker-class", "gthread"]
    echo = ["-m", "gunicorn", *bind, "--preload", "--no-control-socket", "benchmarks.echo:create_app()"]
    with served(ours, port, {}), served(echo, port + 1, env):
        several, rate = _compare(keys, bound, port)
        one, rate_of_one = _compare(keys, bound[:1], port)
        calm = at_rate(port, _side_by_side(keys, bound, 900_000_000), rate / 2)
    return {
        "进度 ÷ bare echo, requests/s": f"{several:.2f} ({rate:.0f}/s)",
        "the same, all from one sender": f"{one:.2f} ({rate_of_one:.0f}/s)",
        "p99 at half of its maximum": f"{calm.percentile(0.99) * 1000:.0f} ms",
    }


def _compare(keys: dict[str, str], openids: list[str], port: int) -> tuple[float, float]:
    """The median ratio to the echo bot, and our requests a second."""
    pairs: list[tuple[Result, Result]] = []
    for place in range(ROUNDS + 1):
        posts = _side_by_side(keys, openids, place * 1_000_000)
        pairs.append((at_full_load(port, posts), at_full_load(port + 1, posts)))
    ratios = [ours.rate / echo.rate for ours, echo in pairs[1:]]  # the first warms both up
    return statistics.median(ratios), statistics.median(ours.rate for ours, _ in pairs[1:])


def _side_by_side(keys: dict[str, str], openids: list[str], offset: int) -> list[Post]:
    """These people's questions in turn, each delivery with a MsgId that was never used."""
    first = time.time_ns() + offset
    each = [
        sealed_posts(keys, openid, POSTS // len(openids), first + place * 10_000)
        for place, openid in enumerate(openids)
    ]
    return [post for posts in zip(*each, strict=True) for post in posts]
