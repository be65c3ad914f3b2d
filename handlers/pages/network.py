"""Who has checked whose log, up to where and when, for anybody's program (/network.json)."""

import json
from functools import partial

from flask import Blueprint, Response

from handlers.pages.public import JSON, answer, fresh, guarded
from handlers.services import Known
from ledger.epochs import View, read_view
from ledger.exhibits import finding_url, moment
from ledger.peers.checks import Check, Member, read_checks, read_members
from ledger.peers.members import Waiting, read_waiting
from ledger.storage.engine import reading

WAITING_MAX = 50  # everybody may read this, and a liar among the members can propose very many


def add(blueprint: Blueprint, services: Known) -> None:
    """Add it to the pages of a node."""
    view = guarded(partial(_network, services), services)
    blueprint.add_url_rule("/network.json", "network-json", view, methods=["GET"])


def _network(services: Known) -> Response:
    node = services.node
    with reading(node.engine) as conn:
        members, checks = read_members(conn), read_checks(conn, node.now())
        view, waiting = read_view(conn), read_waiting(conn)
    said = {
        "node": node.origin,
        "epoch": _epoch(view),
        "waiting": [_waiting(one) for one in waiting[:WAITING_MAX]],
        "waiting_more": max(len(waiting) - WAITING_MAX, 0),
        "departments": [_member(one, node.public_url) for one in members],
        "checks": [_check(one) for one in checks],
    }
    return fresh(answer(json.dumps(said, ensure_ascii=False, indent=1), JSON))


def _epoch(view: View) -> dict[str, object]:
    """Who belongs to the network; before the departments have agreed on anything it is number 0, without a name."""
    epoch = view.epoch
    if epoch is None:
        return {"number": 0, "name": None, "members": [], "needed": None}
    members = [one.origin for one in epoch.members]
    return {"number": epoch.number, "name": epoch.name, "members": members, "needed": epoch.needed}


def _waiting(one: Waiting) -> dict[str, object]:
    return {"change": one.change, "name": one.department, "origin": one.member.origin, "agreed": list(one.agreed)}


def _member(one: Member, public_url: str) -> dict[str, object]:
    finding = {} if one.finding is None else {"finding": finding_url(public_url, one.finding)}
    return {"name": one.name, "origin": one.origin, "url": one.url or public_url, "size": one.size, **finding}


def _check(one: Check) -> dict[str, object]:
    at = None if one.at is None else moment(one.at)
    return {"by": one.by, "of": one.of, "as": one.role, "size": one.size, "at": at, "state": one.state}
