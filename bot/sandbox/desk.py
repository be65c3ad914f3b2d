"""What the page around the telephones asks: who there is, what to try, which codes can be scanned, the levers."""

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify

from bot.sandbox.codes import Code
from bot.sandbox.levers import Answer, Levers
from bot.sandbox.people import Person
from bot.sandbox.phone import as_json, json_body
from bot.sandbox.quotas import BEIJING
from bot.sandbox.tally import Tally
from bot.sandbox.world import World

SNIPPET_CHARACTERS_MAX = 80


def create_desk(world: World, tally: Tally, levers: Levers) -> Blueprint:
    """`/api/people`, `/api/steps`, `/api/codes` and `/api/levers`."""
    blueprint = Blueprint("desk", __name__, url_prefix="/api")
    beginnings = _Beginnings(world, tally)

    @blueprint.get("/people")
    def list_people() -> Response:
        return jsonify(
            accounts=[{"name": one.name, "label": one.label.as_json()} for one in world.config.accounts],
            people=[_person(world, person) for person in world.config.people],
            tongues=world.config.tongues.as_json(),
        )

    @blueprint.get("/steps")
    def list_steps() -> Response:
        return jsonify([step.as_json() for step in world.config.steps])

    @blueprint.get("/state")
    def read_state() -> Response:
        """What changes by itself: unread lines, steps done, the levers."""
        answer = levers.look()
        if answer.is_good:
            beginnings.heard(int(answer.body.get("beginnings", 1)))
        done = answer.body.get("done", []) if answer.is_good else []
        chats = {person.openid: _chats(world, person.openid) for person in world.config.people}
        return jsonify(chats=chats, steps=tally.look(done), levers=answer.body if answer.is_good else None)

    @blueprint.get("/codes")
    def list_codes() -> Response:
        now = world.clock()
        with world.lock:
            return jsonify([_code(code) for code in world.codes.live(now)])

    @blueprint.get("/levers")
    def read_levers() -> Response:
        return _handed_on(levers.look())

    @blueprint.post("/levers")
    def pull_lever() -> Response:
        return _handed_on(levers.pull(json_body()))

    return blueprint


@dataclass(slots=True)
class _Beginnings:
    """Forgets what was said when whoever holds the levers has begun again."""

    world: World
    tally: Tally
    _count: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, count: int) -> None:
        with self._lock:
            if count != self._count:
                self._count = count
                self.world.begin()
                self.tally.begin()


def _handed_on(answer: Answer) -> Response:
    response = jsonify(answer.body)
    response.status_code = answer.status
    if not answer.is_good:
        response.content_type = "application/problem+json"
    return response


def _person(world: World, person: Person) -> dict[str, Any]:
    """All that stands on a card, and no secret."""
    held = zip(person.slips, world.slips[person.openid], strict=True)
    return {
        "openid": person.openid,
        "name": person.name.as_json(),
        "who": person.who.as_json(),
        "wants": person.wants.as_json(),
        "node": person.node or world.config.accounts[0].name,
        "side": person.side,
        "slips": [_code(code) | {"label": slip.label.as_json()} for slip, code in held],
    }


def _chats(world: World, openid: str) -> dict[str, Any]:
    """By account: the ids of the last lines that are the account's, and the newest line to show in a list."""
    chats = {}
    for node, lines in world.newest_lines(openid).items():
        newest = as_json(lines[-1]) if lines else None
        if newest is not None:
            newest["text"] = newest["text"][:SNIPPET_CHARACTERS_MAX]
        chats[node] = {"ids": [line.id for line in lines if line.sender != "me"], "newest": newest}
    return chats


def _code(code: Code) -> dict[str, Any]:
    ends = None if code.ends is None else code.ends.astimezone(BEIJING).isoformat(timespec="seconds")
    image = f"/cgi-bin/showqrcode?{urlencode({'ticket': code.ticket})}"
    return {"node": code.node, "ticket": code.ticket, "scene": code.scene, "image": image, "expires": ends}
