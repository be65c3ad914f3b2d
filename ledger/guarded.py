"""Begins the wait of a node whose high-water mark is gone: on a new disk, or after a restore.

The key file comes from somewhere safe; the mark beside it is in no backup, on purpose.
"""

import logging
from contextlib import suppress
from pathlib import Path

from ledger.errors import Misconfigured
from ledger.high_water import HighWater

_log = logging.getLogger(__name__)


def guard(key_file: Path, *, alone: bool = False) -> bool:
    """Put a mark that waits beside the keys, if there is none; returns whether there was none.

    `alone`: an administrator says that nobody has ever followed this log.
    """
    mark = HighWater.beside(key_file)
    if not mark.is_missing():
        return False
    with suppress(Misconfigured):  # another process was quicker
        mark.begin_waiting(alone=alone)
    _log.warning("%s was missing: nothing is signed before other departments have said what they hold", mark.path)
    return True
