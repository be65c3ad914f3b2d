"""A county for the runbook."""

from tests.peers.conftest import county

__all__ = ["county"]
