"""What the processes do that are killed: a publication with its cosignature, a restore, a rebuilding, a rotation."""

import time
from pathlib import Path
from typing import Any

import httpx
import pyrage

from handlers.console.backup import CHAT_PARTS
from ledger import keys as node_keys
from ledger.backup.restoring import Target, restore
from ledger.desk import Desk
from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.node import Node, NodeSettings
from ledger.peers.client import PeerClient
from ledger.peers.publish import publish_round
from ledger.rebuilding import rebuild
from ledger.rollover import roll_over
from ledger.storage.engine import open_engine
from tests.fakes.network import Carrier
from tests.keys import rotating

ROTATED = "rotated"


def describe(engine, keys, key_file: Path) -> dict[str, Any]:
    """What another process must be told to be this node."""
    return {
        "url": engine.url.render_as_string(hide_password=False),
        "key_file": str(key_file),
        "origin": keys.origin,
        "seeds": {name: seed.hex() for name, seed in node_keys._to_seeds(keys).items()},
    }


def open_described(told: dict[str, Any]) -> Node:
    """The node, as a process finds it that has just been started."""
    seeds = {name: bytes.fromhex(seed) for name, seed in told["seeds"].items()}
    keys = node_keys._from_seeds(told["origin"], seeds)
    engine, key_file = open_engine(told["url"]), Path(told["key_file"])
    now = lambda: int(time.time())  # noqa: E731
    high_water = HighWater.beside(key_file)
    log = OwnLog(engine, keys.origin, keys.log, high_water, now)
    url = "https://21.example"
    settings = NodeSettings("民政局", keys.origin, url, told["url"], key_file)
    return Node(settings, "21", engine, keys, high_water, log, Desk(log, keys, now), PeerClient(url), now)


def publish(told: dict[str, Any]) -> None:
    """A record, and a head over it that our own witness cosigns and that is shown; twice."""
    node = open_described(told)
    for number in range(2):
        done = node.desk.enrol("某人", ("clerk",), f"id-{told['run']}-{number}").submitted
        with Path(told["said"]).open("a") as said:  # the officer has read it
            said.write(f"{done.index} {done.record_id}\n")
        publish_round(node)
        with Path(told["shown"]).open("ab") as shown:  # and somebody has fetched this
            shown.write((node.log.published_checkpoint() or b"") + b"\0")
    node.close()


def open_quickly() -> None:
    """Without the second of scrypt that is there for attackers, as `quick_seal` does for tests."""

    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        head, _, text = sealed.partition(b"\n")
        if head != passphrase.encode():
            raise pyrage.DecryptError
        return text

    pyrage.passphrase.decrypt = decrypt


def put_back(told: dict[str, Any]) -> None:
    """`restore FILE`."""
    open_quickly()
    restore(
        Target(told["url"], Path(told["key_file"]), told["origin"]),
        Path(told["file"]),
        told["passphrase"],
        more=CHAT_PARTS,
        now=told["now"],
    )


def rotate(told: dict[str, Any]) -> None:
    """`keys rotate ROLE`, with an officer's act before and after it; writes down what is durable."""
    rotating.quick_seal()
    node = rotating.opened(Path(told["folder"]), told["url"])
    with Path(told["said"]).open("a", buffering=1) as said:
        said.write(f"{rotating.act(node)}\n")
        roll_over(node, told["role"])
        said.write(f"{ROTATED}\n")
        said.write(f"{rotating.act(node)}\n")
    node.log.sign_new_head()
    node.close()


class Relay(Carrier):
    """Carries requests to whichever host to a network in memory that another process plays on this port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        carried = httpx.Request(request.method, url, headers={"X-Host": request.url.host})
        return self._transport.handle_request(carried)


def rebuild_from_peers(told: dict[str, Any]) -> None:
    """`restore --from-peers`."""
    keys = node_keys._from_seeds(told["origin"], {name: bytes.fromhex(seed) for name, seed in told["seeds"].items()})
    url = "https://21.example"
    settings = NodeSettings("民政局", told["origin"], url, told["url"], Path(told["key_file"]))
    client = PeerClient(url, transport=Relay(told["port"]))
    rebuild(settings, [keys], told["addresses"], client, lambda: int(told["now"]))
