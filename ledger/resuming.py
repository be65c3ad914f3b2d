"""Lets a node that may have lost something go on by itself; with new keys where nobody knows what old ones said."""

from functools import partial

from ledger.node import Node
from ledger.peers.recovery import Standing, recover
from ledger.progress import Progress, silent
from ledger.rollover import roll_over


def resume(node: Node, progress: Progress = silent) -> Standing:
    """Try once to catch up; returns how the node stands then. Raises Busy and Misconfigured."""
    return recover(node, partial(_rotate, node), progress)


def _rotate(node: Node, role: str) -> None:
    # What an earlier rotation of another role left is completed first.
    while roll_over(node, role).role != role:
        pass
