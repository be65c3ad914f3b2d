"""Keeps beside the keys where the other departments are reached: a node that has lost its database asks there.

Nothing in it is believed. Who belongs to the network our own log says, which is what they give back.
"""

import json
from pathlib import Path

from ledger.errors import Busy, Misconfigured
from ledger.files import replace_file


class AddressBook:
    """Each department's URL by the origin of its log; it may be copied with the key file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, key_file: Path) -> "AddressBook":
        """The one that belongs to a key file, or to the mark beside it."""
        return cls(key_file.with_suffix(".peers"))

    def read(self) -> dict[str, str]:
        """What stands in it, nothing when there is none; raises Misconfigured when it is damaged."""
        try:
            said = json.loads(self.path.read_bytes())
            return {str(origin): str(url) for origin, url in said.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            raise Misconfigured(f"{self.path} cannot be read: name the other departments' URLs instead") from error

    def keep(self, urls: dict[str, str]) -> None:
        """Let it say this; writes nothing when it does already. Raises Busy when the disk takes nothing."""
        try:
            if urls == self.read():
                return
        except Misconfigured:
            pass  # written anew
        try:
            replace_file(self.path, json.dumps(urls, indent=1, sort_keys=True).encode())
        except OSError as error:
            raise Busy(f"{self.path} cannot be written: {error.strerror}") from error
