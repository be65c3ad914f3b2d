"""A web application behind a real socket, in this process."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
POLL_SECONDS = 0.05  # until it sees that it shall end


@contextmanager
def serving(app: App, port: int, ssl_context: ssl.SSLContext | None = None) -> Iterator[None]:
    """Answer at this port while the block runs."""
    server = make_server("127.0.0.1", port, app, threaded=True, ssl_context=ssl_context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
