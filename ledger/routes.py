"""The doors for other departments, and for anyone who wants to check us (C2SP tlog-tiles and tlog-witness, RFC 9421).

What is served is what was published, to the byte, and nothing private. A view has no `try`: the one table below says
which status each refusal has.
"""

import gzip
import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256

from flask import Blueprint, Response, abort, request
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES

from ledger.errors import LedgerError, Refused, Rejected, Unavailable
from ledger.key_history import KeyRange, read_history
from ledger.merkle.add_checkpoint import ADD_CHECKPOINT_BYTES_MAX
from ledger.merkle.errors import MalformedTile, MerkleError, OutOfRange
from ledger.merkle.tiles import TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, parse_bundle_path, parse_tile_path
from ledger.metrics import exposition
from ledger.node import Node
from ledger.peers import exchange, invitations, promises, vouching, witness
from ledger.peers.errors import Declined, StaleOld
from ledger.peers.introduced import sign_introduction
from ledger.readiness import ReadyCheck
from ledger.records import base64url
from ledger.records.kinds import DESK
from ledger.records.promise import PROMISE_BYTES_MAX
from ledger.records.rotation import DESK_ROLE, VAULT
from ledger.records.statement import public_jwk
from ledger.shelf import Shelf
from ledger.storage import entries
from ledger.storage.engine import reading
from ledger.storage.signers import SignerRow, read_signers

SOFTWARE = "onetrip/0.1.0"

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
JSON = "application/json"
PROBLEM = "application/problem+json"  # RFC 9457
TREE_SIZE = "text/x.tlog.size"  # c2sp.org/tlog-witness
METRICS = "text/plain; version=0.0.4; charset=utf-8"

FRESH = "public, max-age=1"  # a checkpoint: not cached beyond seconds
FOREVER = "public, max-age=31536000, immutable"  # a tile: its path names its content
NEVER = "no-store"
RETRY_SECONDS = 1
GZIP_LEVEL = 5
ETAG_CHARS = 32

_log = logging.getLogger(__name__)

# The most particular first. `Declined` brings the status that its standard gives it.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (MalformedTile, 404),
    (OutOfRange, 404),
    (MerkleError, 400),
    (Unavailable, 503),
    (Refused, 409),
    (Rejected, 400),
)

Headers = Mapping[str, str]


def create_blueprint(node: Node) -> Blueprint:
    """Every path for other nodes and for checkers."""
    doors = Blueprint("ledger", __name__)
    ready, shelf = ReadyCheck(node), Shelf()

    views: tuple[tuple[str, str, Callable[..., Response]], ...] = (
        ("GET", "/log/checkpoint", partial(_checkpoint, node)),
        ("GET", "/log/tile/<path:rest>", partial(_own_tile, node, shelf)),
        ("POST", "/witness/add-checkpoint", partial(_add_checkpoint, node)),
        ("GET", "/witness/<origin_hash>/checkpoint", partial(_witnessed, node)),
        ("GET", "/mirror/<origin_hash>/checkpoint", partial(_mirrored, node)),
        ("GET", "/mirror/<origin_hash>/tile/<path:rest>", partial(_mirrored_tile, node, shelf)),
        ("POST", exchange.PATH, partial(_disclosures, node)),
        ("POST", promises.PATH, partial(_promise, node)),
        ("POST", invitations.PATH, partial(_join, node)),
        ("GET", "/node.json", partial(_node_json, node)),
        ("GET", "/healthz", _alive),
        ("GET", "/readyz", partial(_ready, ready)),
        ("GET", "/metrics", partial(_metrics, node)),
    )
    for method, path, view in views:
        # A path with two slashes is another path, and not there: nobody is sent on.
        doors.add_url_rule(path, path.replace(".", "-"), view, methods=[method], merge_slashes=False)
    for kind in (LedgerError, MerkleError):
        doors.register_error_handler(kind, _refuse)
    doors.register_error_handler(StaleOld, _tell_size)
    doors.register_error_handler(HTTPException, _refuse_http)
    for status in (404, 405):
        doors.app_errorhandler(status)(_refuse_http)  # of paths that are nobody's (yet) too
    return doors


# --- our own log ---


def _checkpoint(node: Node) -> Response:
    note = node.log.published_checkpoint()
    return abort(404) if note is None else _public(note, TEXT, {"Cache-Control": FRESH})


def _own_tile(node: Node, shelf: Shelf, rest: str) -> Response:
    kept = shelf.take((node.log.id, rest))
    if kept is not None:
        return _public(kept, BYTES, {"Cache-Control": FOREVER})
    head = node.log.published_head()
    return _tile(node, shelf, node.log.id, 0 if head is None else head.size, rest)


def _tile(node: Node, shelf: Shelf, log_id: int, size: int, rest: str) -> Response:
    """A tile or bundle of the tree of `size`; raises MalformedTile, or OutOfRange beyond what was published."""
    with reading(node.engine) as conn:
        if rest.startswith("entries/"):
            return _bundle_answer(_read_bundle(conn, log_id, size, rest))
        tile = _read_tile(conn, log_id, size, rest)
    if len(tile) == TILE_BYTES:
        shelf.put((log_id, rest), tile)
    return _public(tile, BYTES, {"Cache-Control": FOREVER})


def _read_tile(conn: Connection, log_id: int, size: int, rest: str) -> bytes:
    tile = parse_tile_path(f"tile/{rest}")
    if tile.index * TILE_WIDTH + tile.width > size >> TILE_HEIGHT * tile.level:
        raise OutOfRange(f"the published tree has {size} entries")
    return entries.read_tile(conn, log_id, tile)


def _read_bundle(conn: Connection, log_id: int, size: int, rest: str) -> bytes:
    bundle = parse_bundle_path(f"tile/{rest}")
    if bundle.index * TILE_WIDTH + bundle.width > size:
        raise OutOfRange(f"the published tree has {size} entries")
    return entries.read_bundle(conn, log_id, bundle)


def _bundle_answer(content: bytes) -> Response:
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    if request.accept_encodings.quality("gzip") <= 0:
        return _public(content, BYTES, headers)
    # No time in it: the same bundle has the same bytes in every worker and every cache.
    packed = gzip.compress(content, GZIP_LEVEL, mtime=0)
    return _public(packed, BYTES, {**headers, "Content-Encoding": "gzip"})


# --- what we say of other logs ---


def _add_checkpoint(node: Node) -> Response:
    return _answer(witness.accept(node, _body(ADD_CHECKPOINT_BYTES_MAX)), TEXT)


def _witnessed(node: Node, origin_hash: str) -> Response:
    note = witness.latest(node, origin_hash)
    return abort(404) if note is None else _public(note, TEXT, {"Cache-Control": FRESH})


def _mirrored(node: Node, origin_hash: str) -> Response:
    copy = vouching.latest(node, origin_hash)
    return abort(404) if copy is None else _public(copy.signed, TEXT, {"Cache-Control": FRESH})


def _mirrored_tile(node: Node, shelf: Shelf, origin_hash: str, rest: str) -> Response:
    copy = vouching.latest(node, origin_hash)
    return abort(404) if copy is None else _tile(node, shelf, copy.log_id, copy.size, rest)


def _disclosures(node: Node) -> Response:
    told = exchange.answer(node, dict(request.headers), _body(exchange.QUESTION_BYTES_MAX))
    return _answer(told.body, JSON, told.headers)


def _promise(node: Node) -> Response:
    taken = promises.take_promise(node, _body(PROMISE_BYTES_MAX))
    promise = taken.promise
    said = {"log": promise.origin, "index": promise.index, "record": base64url.encode(promise.leaf)}
    return _answer(_as_json({**said, "state": taken.state}), JSON, status=202)


def _join(node: Node) -> Response:
    standing = invitations.take_question(node, _body(invitations.QUESTION_BYTES_MAX))
    said = {"state": standing.state, "others": list(standing.others), "network": standing.network}
    return _answer(_as_json(said), JSON, status=200 if standing.state == invitations.JOINED else 202)


# --- who we are, and how we are ---


def _node_json(node: Node) -> Response:
    with reading(node.engine) as conn:
        signers = read_signers(conn, node.log.id)
        history = read_history(conn, node.log.id)
        card = sign_introduction(conn, node)
    said = {
        "name": node.name,
        "origin": node.origin,
        "url": node.public_url,
        "number_prefix": node.number_prefix,
        "software": SOFTWARE,
        "log_vkeys": node.keys.log_vkeys,
        "witness_vkeys": node.keys.witness_vkeys,
        "mirror_vkeys": node.keys.mirror_vkeys,
        "desk_jwk": public_jwk(node.keys.desk_public),
        "introduction": {"genesis": card.genesis, "signature": card.signature},
        "rotations": list(history.rotations),
        "keys": [_key_range(one) for one in history.ranges if one.role != VAULT],
        "officers": [_officer(signer) for signer in signers if DESK not in signer.roles],
    }
    return _answer(_as_json(said), JSON, {"Cache-Control": FRESH})


def _officer(signer: SignerRow) -> dict[str, object]:
    """What anyone may know of an officer: a key, and for what it counts. No name."""
    return {
        "kid": signer.kid,
        "jwk": public_jwk(signer.public_key),
        "roles": list(signer.roles),
        "from_index": signer.from_index,
        "to_index": signer.to_index,
    }


def _key_range(one: KeyRange) -> dict[str, object]:
    """Keys that count or once did, and where in our log: a log's sign heads, a desk's records."""
    keys = {"jwk": public_jwk(base64url.decode(one.keys[0]))} if one.role == DESK_ROLE else {"vkeys": list(one.keys)}
    return {"role": one.role, **keys, "from_index": one.from_index, "to_index": one.to_index}


def _alive() -> Response:
    return _answer(_as_json({"status": "ok"}), JSON)


def _ready(check: ReadyCheck) -> Response:
    seen = check.look()
    said: dict[str, object] = {"status": "ok" if seen.ok else "unavailable", "checks": dict(seen.checks)}
    if seen.behind is not None:
        said["behind"] = seen.behind
    return _answer(_as_json(said), JSON, status=200 if seen.ok else 503)


def _metrics(node: Node) -> Response:
    return _answer(exposition(node), METRICS)


# --- in and out ---


def _body(bytes_max: int) -> bytes:
    """The body, refused before more than one byte too many has been read."""
    body = request.stream.read(bytes_max + 1)
    if len(body) > bytes_max:
        raise RequestEntityTooLarge
    return body


def _answer(body: bytes, content_type: str, headers: Headers | None = None, *, status: int = 200) -> Response:
    told = {"Cache-Control": NEVER, "X-Content-Type-Options": "nosniff", **(headers or {})}
    return Response(body, status, {**told, "Content-Type": content_type})


def _public(body: bytes, content_type: str, headers: Headers) -> Response:
    """What anyone may keep: whoever names the content that they have is told that it is still this (RFC 9110 §13)."""
    tag = f'"{sha256(body).hexdigest()[:ETAG_CHARS]}"'
    answer = _answer(body, content_type, {**headers, "ETag": tag})
    # Most ask for the first time, and the rest of what is conditional has no meaning here.
    if "If-None-Match" in request.headers:
        answer.make_conditional(request)
    return answer


def _as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _tell_size(error: StaleOld) -> Response:
    return _answer(f"{error.size}\n".encode(), TREE_SIZE, status=error.status)


def _refuse(error: Exception) -> Response:
    declined = isinstance(error, Declined)
    status = error.status if isinstance(error, Declined) else status_of(error)
    _log.info("%s %r: %d %s", request.method, request.path[:80], status, error)
    # The protocols' own refusals say what was wrong with the question; of anything else only the kind is told.
    return _problem(status, str(error) if declined else None)


def status_of(error: Exception) -> int:
    """The HTTP status of a refusal that is no protocol's own."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _refuse_http(error: HTTPException) -> Response:
    answer = _problem(error.code or 500)
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))  # RFC 9110 section 15.5.6
    return answer


def _problem(status: int, detail: str | None = None) -> Response:
    """A problem document (RFC 9457); `about:blank` says that the title is the status and no more."""
    said: dict[str, object] = {"type": "about:blank", "title": HTTP_STATUS_CODES.get(status, "Error"), "status": status}
    if detail is not None:
        said["detail"] = detail
    wait = {503: RETRY_SECONDS, 429: 60}.get(status)
    headers = None if wait is None else {"Retry-After": str(wait)}
    return _answer(_as_json(said), PROBLEM, headers, status=status)
