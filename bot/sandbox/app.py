"""Puts the sandbox together: the world, its courier, Tencent's API, the phones and their page, on loopback only."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import waitress  # type: ignore[import-untyped]  # ships no types
from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from bot.sandbox.api import create_api
from bot.sandbox.authenticator import Authenticator
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.delivery import Courier, Pace
from bot.sandbox.desk import create_desk
from bot.sandbox.errors import ConfigRefused, PostRefused
from bot.sandbox.levers import Levers
from bot.sandbox.loopback import is_loopback
from bot.sandbox.phone import create_phone
from bot.sandbox.tally import Tally
from bot.sandbox.world import Clock, World

BODY_BYTES_MAX = 65_536
THREADS = 16
# The page loads nothing from anywhere else, and nothing an account answers can run in it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts behind the app, under `app.extensions["sandbox"]`; `close` when done."""

    world: World
    courier: Courier
    levers: Levers

    def close(self) -> None:
        """Stop delivering."""
        self.courier.close()
        self.levers.close()


def now() -> datetime:
    """The real time."""
    return datetime.now(UTC)


def create_sandbox(config: SandboxConfig, *, clock: Clock = now, pace: Pace | None = None) -> Flask:
    """Build the sandbox. `clock` and `pace` are WeChat's clock and patience."""
    world = World(config, clock)
    courier = Courier(world, pace or Pace())
    app = Flask(__name__, static_folder="static", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=BODY_BYTES_MAX)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    levers = Levers(config.levers)
    app.extensions["sandbox"] = Sandbox(world, courier, levers)
    authenticator = Authenticator({person.openid: person.totp_secret for person in config.people})
    app.before_request(_refuse_strangers)
    app.after_request(_harden)
    app.register_error_handler(PostRefused, lambda error: _problem(error.status, error.detail))
    app.register_error_handler(
        HTTPException, lambda error: _problem(error.code or 500, error.description or error.name)
    )
    app.register_blueprint(create_api(world, courier))
    app.register_blueprint(create_phone(world, courier, authenticator))
    app.register_blueprint(create_desk(world, Tally(config.steps, world), levers))
    app.add_url_rule("/", "page", lambda: app.send_static_file("sandbox.html"))
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app


def serve(config: SandboxConfig, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until interrupted. Refuses any address that another machine could reach."""
    check_loopback(host)
    app = create_sandbox(config)
    try:
        waitress.serve(app, host=host, port=port, threads=THREADS, ident=None)
    finally:
        app.extensions["sandbox"].close()


def check_loopback(host: str) -> None:
    """Refuse a host that is not this machine alone."""
    if not is_loopback(host):
        raise ConfigRefused(f"the sandbox listens on loopback only, not on {host!r}; use 127.0.0.1")


def _refuse_strangers() -> None:
    """Loopback clients only, whoever started the app; and no page of another site may speak for a person."""
    # A name that was made to point at loopback (DNS rebinding) still stands in Host. Werkzeug's own
    # TRUSTED_HOSTS cannot name an IPv6 address.
    names = (request.remote_addr or "", urlsplit(f"//{request.host}").hostname or "")
    if not all(map(is_loopback, names)):
        abort(403, "the sandbox answers this machine only, by the name localhost or a loopback address")
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        abort(403, "the sandbox answers its own page and programs on this machine only")


def _harden(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    return response


def _problem(status: int, detail: str) -> Response:
    """An RFC 9457 problem document."""
    response = jsonify(type="about:blank", title="the sandbox refused this", status=status, detail=detail)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response
