"""WeChat's API on loopback, in memory: tokens that run out, messages that arrive, and errors on demand."""

import json
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeApi:
    def __init__(self) -> None:
        self.token = ""
        self.tokens_given = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.codes: deque[int] = deque()  # errcodes for the next calls, the token's not counted
        self.statuses: deque[int] = deque()  # HTTP statuses for the next calls of any kind
        self.bodies: deque[bytes] = deque()  # raw answers to the next calls of any kind
        self.secret = "s3cret"
        self.scenes: dict[str, str] = {}  # of the QR codes that were made, by ticket
        self.hold: threading.Event | None = None  # nothing is answered before it is set
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if api.hold is not None:
                    api.hold.wait(30)
                status, answer = api.answer(self.path, json.loads(body))
                with suppress(ConnectionError):  # whoever asked has given up
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def expire(self) -> None:
        """As if somebody else had fetched a token since."""
        self.token = "gone"

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        url = urlsplit(path)
        self.calls.append((url.path, body))
        if self.statuses:
            return self.statuses.popleft(), b"sorry"
        if self.bodies:
            return 200, self.bodies.popleft()
        return 200, json.dumps(self._result(url.path, parse_qs(url.query), body)).encode()

    def _result(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> dict[str, Any]:
        if path == "/cgi-bin/stable_token":
            if body != {"grant_type": "client_credential", "appid": "wx1", "secret": self.secret}:
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            self.tokens_given += 1
            self.token = f"token-{self.tokens_given}"
            return {"access_token": self.token, "expires_in": 7200}
        if query.get("access_token") != [self.token]:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        code = self.codes.popleft() if self.codes else 0
        if path == "/cgi-bin/qrcode/create" and code == 0:
            scene = body["action_info"]["scene"]["scene_str"]
            self.scenes[f"ticket/+{len(self.scenes)}=="] = scene
            ticket = list(self.scenes)[-1]
            return {
                "ticket": ticket,
                "expire_seconds": body["expire_seconds"],
                "url": f"http://weixin.qq.com/q/{len(self.scenes)}",
            }
        return {"errcode": code, "errmsg": "ok" if code == 0 else "no"}
