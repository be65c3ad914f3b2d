"""Starts the sandbox by itself: `python -m bot.sandbox --config FILE --port N`."""

import argparse
import logging
import sys
from pathlib import Path

from bot.sandbox.app import serve
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.errors import ConfigRefused


def main() -> int:
    """Read the arguments and serve; 2 when they or the configuration cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="Plays WeChat on this machine.")
    parser.add_argument("--config", type=Path, required=True, help="JSON: accounts and people")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    # Not below WARNING: the HTTP client's own lines hold signed URLs, good for anybody who reads them in time.
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve(SandboxConfig.read(arguments.config), arguments.host, arguments.port)
    except ConfigRefused as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
