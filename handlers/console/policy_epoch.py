"""A comment in a policy file says of which epoch it is: the format knows none, and other tools skip the line."""

import re

from ledger.records.epochs import EpochName

_LINE = re.compile(rb"^# Epoch ([1-9][0-9]{0,15}) ([A-Za-z0-9_-]{43})$", re.MULTILINE)


def epoch_comment(epoch: EpochName | None) -> bytes:
    """The line; before the first epoch a file says that it is one department's view."""
    if epoch is None:
        return b"# No epoch yet: these are the departments that this one follows.\n"
    return f"# Epoch {epoch.number} {epoch.name}\n".encode()


def epoch_of(policy: bytes) -> EpochName | None:
    """The epoch that a policy file names."""
    found = _LINE.search(policy)
    return None if found is None else EpochName(int(found[1]), found[2].decode())
