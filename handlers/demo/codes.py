"""Shows the six digits on each officer's telephone at this moment: `python -m handlers.demo.codes`."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyotp

from ledger.second_factor import STEP_SECONDS

DESCRIPTION = Path(__file__).parents[2] / "instance" / "demo" / "demo.json"


def lines(officers: Sequence[Mapping[str, Any]], now: int) -> list[str]:
    """One line an officer, and how long the codes last."""
    left = STEP_SECONDS - now % STEP_SECONDS
    told = [
        f"{one['name']}  {one['node']}  #登录 {pyotp.TOTP(one['totp_secret']).at(now)}    {','.join(one['roles'])}"
        for one in officers
    ]
    return [*told, f"还有{left}秒换下一组。一个动态码只能用一次。"]


def main() -> int:
    """Print them once; 3 when no demo is running."""
    try:
        described = json.loads(DESCRIPTION.read_text("utf-8"))
    except FileNotFoundError:
        sys.stderr.write("no demo is running: start it with `make demo`\n")
        return 3
    sys.stdout.write("\n".join(lines(described["officers"], int(time.time()))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
