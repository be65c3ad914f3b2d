"""Listens for the demo's levers: on loopback, for whoever knows the token. It only writes down what was pulled."""

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from handlers.demo.board import Board
from handlers.demo.errors import LeverRefused
from handlers.demo.sites import HOST
from handlers.demo.words import Said
from handlers.locale import DEFAULT

BODY_BYTES_MAX = 4_096
PATH = "/levers"
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Control:
    """Where the levers are, and what one must know to pull them."""

    url: str
    token: str = field(repr=False)


@contextmanager
def listening(board: Board) -> Iterator[Control]:
    """Listen on a free port until the block ends."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    server = make_server(HOST, 0, create_control(board, token), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, name="levers", daemon=True)
    thread.start()
    try:
        yield Control(f"http://{HOST}:{server.server_port}{PATH}", token)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def create_control(board: Board, token: str) -> Flask:
    """`GET /levers` says how they stand, `POST` pulls one: `{"lever": …, "department": …}`."""
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_BYTES_MAX)

    @app.before_request
    def check_token() -> None:
        told = request.headers.get("Authorization", "")
        if not hmac.compare_digest(told.encode(), f"Bearer {token}".encode()):
            abort(403)

    @app.get(PATH)
    def look() -> Response:
        return jsonify(board.state())

    @app.post(PATH)
    def pull() -> tuple[Response, int]:
        asked = request.get_json()
        lever, department = (asked.get(name, "") if isinstance(asked, dict) else "" for name in ("lever", "department"))
        board.pull(str(lever), str(department))
        return jsonify(board.state()), 202

    app.register_error_handler(LeverRefused, lambda error: _problem(error.status, error.detail))
    app.register_error_handler(HTTPException, lambda error: _problem(error.code or 500, error.name))
    return app


def _problem(status: int, detail: str | Said) -> Response:
    """An RFC 9457 problem document; `says` holds the same in each language, where people are told."""
    told = {"detail": detail} if isinstance(detail, str) else {"detail": detail[DEFAULT], "says": detail}
    response = jsonify(type="about:blank", title="this lever cannot be pulled", status=status, **told)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


class _Silent(WSGIRequestHandler):
    """Writes no line a request: the page asks every second."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""
