"""The terminal of one department: its commands with a folder and settings of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from app import open_node, wiring
from handlers import console
from handlers.settings import read_settings
from ledger.node import Node
from ledger.storage.engine import reading
from ledger.storage.schema import entries

PASSPHRASE = "correct horse battery"
ID_NUMBER = "330199199003070026"  # no district has the code 330199


def cli() -> click.Group:
    """The commands as `python app.py` has them."""
    group = click.Group("app.py")
    for command in console.commands(wiring()):
        group.add_command(command)
    return group


@dataclass
class Terminal:
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, typed: str = "", **settings: str) -> Result:
        """Type a command; `typed` is what comes on its standard input."""
        env = {**self.settings, **settings}
        return CliRunner().invoke(cli(), list(arguments), env=env, input=typed)

    def init(self) -> Result:
        return self.run("init", "--name", "民政局", "--public-url", "https://mz.example", "--number-prefix", "21")

    def enrol(self, name: str = "林芳", roles: str = "clerk", typed: str = f"{ID_NUMBER}\n") -> Result:
        return self.run("officers", "enrol", "--name", name, "--roles", roles, typed=typed)

    @contextmanager
    def node(self) -> Iterator[Node]:
        node = open_node(read_settings(self.settings))
        yield node
        node.close()

    def records(self) -> int:
        with self.node() as node, reading(node.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(entries)).scalar_one())


@pytest.fixture
def bare(tmp_path: Path, quick_seal: None, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A machine on which nothing was made yet."""
    monkeypatch.chdir(tmp_path)  # `.env` and relative paths are looked for here
    for name in ("ONETRIP_ENV_FILE", "PORT"):
        monkeypatch.delenv(name, raising=False)
    return Terminal(
        tmp_path,
        {
            "ONETRIP_NODE_NAME": "民政局",
            "ONETRIP_PUBLIC_URL": "https://mz.example",
            "ONETRIP_DATABASE_URL": f"sqlite:///{tmp_path / 'node.db'}",
            "ONETRIP_KEY_FILE": str(tmp_path / "node.age"),
            "ONETRIP_KEY_PASSPHRASE": PASSPHRASE,
        },
    )


@pytest.fixture
def terminal(bare: Terminal) -> Terminal:
    """The same after `init`."""
    assert bare.init().exit_code == 0
    return bare
