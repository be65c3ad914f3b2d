"""Serves the node's web side with gunicorn: opened once, then forked, so that the key file is opened once too."""

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # ships no types

WORKER_TIMEOUT_SECONDS = 30
KEEPALIVE_SECONDS = 15
REQUEST_LINE_BYTES_MAX = 4_094


class _Server(BaseApplication):  # type: ignore[misc]  # an untyped base is Any
    def __init__(self, create_app: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._create_app = create_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._create_app()


def _begin_worker(server: Any, _worker: Any) -> None:
    # A connection opened before the fork would be shared by all workers; each opens its own.
    for engine in server.app.wsgi().extensions["engines"]:
        engine.dispose(close=False)
    gc.freeze()  # what was loaded before the fork stays: no collection need look through it again


def serve(create_app: Callable[[], Flask], host: str, port: int, workers: int, threads: int) -> None:
    """Serve until interrupted."""
    options = {
        "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"],
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "preload_app": True,
        "timeout": WORKER_TIMEOUT_SECONDS,
        "keepalive": KEEPALIVE_SECONDS,
        "limit_request_line": REQUEST_LINE_BYTES_MAX,
        "proc_name": "onetrip",
        "control_socket_disable": True,
        "post_fork": _begin_worker,
    }
    _Server(create_app, options).run()
