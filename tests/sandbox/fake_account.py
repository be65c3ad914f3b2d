"""An official account's server in a few lines, opened and sealed by wechatpy: the independent side of the envelope."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import xmltodict
from wechatpy.crypto import WeChatCrypto

TOKEN = "a-token"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APP_ID = "wx0123456789abcdef"


@dataclass
class Heard:
    """One try of a delivery, as it came in."""

    query: dict[str, str]
    body: bytes
    message: dict[str, Any]


def text_answer(message: dict[str, Any], content: str) -> Any:
    return xmltodict.unparse(
        {
            "xml": {
                "ToUserName": message["FromUserName"],
                "FromUserName": message["ToUserName"],
                "CreateTime": "1700000000",
                "MsgType": "text",
                "Content": content,
            }
        }
    )


def echo(message: dict[str, Any]) -> Any:
    what = message.get("Content") or f"{message.get('Event')} {message.get('EventKey') or ''}".strip()
    return text_answer(message, f"echo {what}")


@dataclass
class FakeAccount:
    """Remembers every try. `answer` returns inner XML (sealed here), or bytes sent as they are; `status` the code."""

    app_id: str = APP_ID
    answer: Callable[[dict[str, Any]], str | bytes] = echo
    status: int = 200
    dribble_seconds: float = 0  # between the bytes of an answer
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        account = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet an answer, or Nagle and delayed ACK cost 40 ms each

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                status, reply = account.hear(urlsplit(self.path).path, query, body)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(reply)))
                    self.end_headers()
                    account.write(self.wfile, reply)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # WeChat did not wait

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def write(self, to: BufferedIOBase, reply: bytes) -> None:
        for piece in [reply] if not self.dribble_seconds else [bytes([each]) for each in reply]:
            to.write(piece)
            to.flush()
            time.sleep(self.dribble_seconds)

    def hear(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        assert path == "/wechat", path
        crypto = WeChatCrypto(TOKEN, AES_KEY, self.app_id)
        xml = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = xmltodict.parse(xml)["xml"]
        self.heard.append(Heard(query, body, message))
        reply = self.answer(message)
        sealed = reply if isinstance(reply, bytes) else seal(reply, self.app_id)
        return self.status, sealed


def seal(
    xml: str, app_id: str = APP_ID, token: str = TOKEN, nonce: str = "nonce", timestamp: str = "1700000000"
) -> Any:
    return WeChatCrypto(token, AES_KEY, app_id).encrypt_message(xml, nonce, timestamp).encode()
