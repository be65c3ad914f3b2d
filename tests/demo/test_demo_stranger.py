"""A stranger at a terminal with nothing but addresses: the receipt holds, the log verifies, a changed byte does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.network import COMMAND_SECONDS, ROOT, Network
from tests.demo.pictures import Album
from tests.demo.test_demo_receipts import page_of, raw
from tests.sandbox.browsing import CHROMIUM, chromium

pytestmark = pytest.mark.slow


class Terminal:
    """A folder of the stranger's own, and what was typed and printed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[str, str]] = []

    def types(self, *arguments: str, expect: int) -> str:
        command = [sys.executable, str(ROOT / "app.py"), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        assert done.returncode == expect, done.stdout + done.stderr
        self.told.append((f"python app.py {' '.join(arguments)}", done.stdout + done.stderr))
        return done.stdout + done.stderr


def test_a_stranger_checks_a_receipt_and_a_whole_log(network: Network, album: Album, tmp_path: Path):
    record = page_of(network, "王桂兰").rpartition("/")[2]
    (tmp_path / "county.policy").write_bytes(raw(network, "审计局", "policy"))
    # 财政局 paid; 公安局, which is not concerned, shows the same receipt of it.
    receipt = network.http.get(f"{network.node('公安局')['url']}/receipts/{record}.tlog-proof")
    assert receipt.status_code == 200
    (tmp_path / "x.tlog-proof").write_bytes(receipt.content)
    terminal = Terminal(tmp_path)
    assert "3 of 4" in terminal.types("check", "x.tlog-proof", "--policy", "county.policy", expect=0)
    terminal.types("verify", "--log", network.node("财政局")["url"], "--policy", "county.policy", expect=0)
    (tmp_path / "forged.tlog-proof").write_bytes(receipt.content.replace(b"index ", b"index 1", 1))
    terminal.types("check", "forged.tlog-proof", "--policy", "county.policy", expect=1)
    if CHROMIUM.exists():  # without it nothing is left out but the picture
        with chromium() as browser:
            album.terminal(browser, "stranger", terminal.told)
        assert album.path("stranger").stat().st_size > 0
