"""Asks another department to join it, by the code that it gave us."""

import json
from http import HTTPStatus
from typing import Any

from ledger.errors import Misconfigured, PeerUnreachable
from ledger.merkle.note import sign_note
from ledger.peers.home import Home
from ledger.peers.invitations import JOINED, PATH, WAITING, Asked, Standing, check_published, described, introduce
from ledger.peers.join_code import JoinCode
from ledger.peers.joining import Introduction, check_apart, fetch_node
from ledger.records import claims as shape
from ledger.storage.engine import reading

ANSWER_BYTES_MAX = 16 * 1024
REASON_CHARS_MAX = 300
OTHERS_MAX = 200

_LATER = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS})  # says nothing against the code


def meet(home: Home, code: JoinCode) -> Introduction:
    """Who gave this code: fetched, held against it, and told apart from us and from whom we follow.

    Raises CodeDiffers, Misconfigured or PeerUnreachable; nobody is followed yet.
    """
    check_published(home)
    found = fetch_node(home, code.url)
    code.check(found)
    with reading(home.engine) as connection:
        check_apart(connection, home, found)
    return found


def ask_to_join(home: Home, code: JoinCode, inviter: Introduction) -> Standing:
    """Ask, or ask again how it stands.

    Raises Misconfigured with what the other side says against it, and PeerUnreachable when nothing was decided.
    """
    with reading(home.engine) as connection:
        us = introduce(connection, home)
    key = code.signer
    asked = Asked(key.verifier.public_key, inviter.origin, inviter.url, home.now(), described(us))
    url = f"{inviter.url}{PATH}"
    question = sign_note(asked.text, [key, home.keys.log[0]])
    got = home.client.ask("POST", url, bytes_max=ANSWER_BYTES_MAX, content=question)
    if got.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return _parse_standing(url, got.body)
    reason = _reason(got.body)
    if got.status in _LATER or got.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PeerUnreachable(f"{url}: answered {got.status} {reason}".rstrip())
    raise Misconfigured(f"{inviter.name} answers: {reason or got.status}")


def _parse_standing(url: str, body: bytes) -> Standing:
    said = _load(body)
    others = said.get("others", [])
    if said.get("state") not in {WAITING, JOINED} or not isinstance(others, list) or len(others) > OTHERS_MAX:
        raise PeerUnreachable(f"{url}: no answer to such a question")
    names = tuple(name for name in others if shape.department(name))
    return Standing(said["state"], names, said.get("network") is True)


def _reason(body: bytes) -> str:
    """What a problem document says; it is shown on a terminal, and came from somewhere else."""
    detail = str(_load(body).get("detail", ""))[:REASON_CHARS_MAX]
    return "".join(letter if letter.isprintable() else " " for letter in detail)


def _load(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
