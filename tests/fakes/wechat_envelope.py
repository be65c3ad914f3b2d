"""WeChat's side of the envelope, written from Tencent's description alone: it shares no code with the bot or wechatpy.

It seals deliveries, opens answers as strictly as the description allows, and can be told to seal wrongly.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha1
from itertools import count
from os import urandom
from struct import pack, unpack
from time import time
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_message_ids = count(24_000_000_000_000_000)


@dataclass(frozen=True)
class Delivery:
    """What WeChat posts: the URL's parameters and the body."""

    params: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class WeChatSide:
    """One official account, as Tencent's servers know it."""

    token: str
    encoding_aes_key: str
    app_id: str

    def _aes(self) -> Cipher[modes.CBC]:
        key = b64decode(self.encoding_aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def _signature(self, *parts: str) -> str:
        return sha1("".join(sorted([self.token, *parts])).encode("utf-8")).hexdigest()

    def url_check(self, echostr: str, *, timestamp: int | None = None, nonce: str = "n") -> dict[str, str]:
        """The parameters of the GET with which WeChat checks a URL."""
        when = str(int(time()) if timestamp is None else timestamp)
        return {"signature": self._signature(when, nonce), "timestamp": when, "nonce": nonce, "echostr": echostr}

    def seal_bytes(self, padded: bytes) -> str:
        """AES and base64 of something that is padded already, rightly or wrongly."""
        encryptor = self._aes().encryptor()
        return b64encode(encryptor.update(padded) + encryptor.finalize()).decode("ascii")

    def pad(self, content: bytes) -> bytes:
        """PKCS#7 with blocks of 32."""
        missing = 32 - len(content) % 32
        return content + bytes([missing]) * missing

    def content(self, xml: bytes, *, app_id: str | None = None, length: int | None = None) -> bytes:
        """16 random bytes, the length, the XML, the AppID."""
        app = self.app_id if app_id is None else app_id
        return urandom(16) + pack(">I", len(xml) if length is None else length) + xml + app.encode()

    def deliver(self, xml: str | bytes, **how: object) -> Delivery:
        """Seal and sign one delivery, in safe mode."""
        raw = xml.encode("utf-8") if isinstance(xml, str) else xml
        return self.deliver_sealed(self.seal_bytes(self.pad(self.content(raw))), **how)  # type: ignore[arg-type]

    def deliver_sealed(
        self, sealed: str, *, timestamp: int | None = None, nonce: str = "1320562132", openid: str = ""
    ) -> Delivery:
        """Sign and wrap what is sealed already."""
        when = str(int(time()) if timestamp is None else timestamp)
        params = {
            "signature": self._signature(when, nonce),
            "timestamp": when,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": self._signature(when, nonce, sealed),
        }
        body = f"<xml>\n    <ToUserName><![CDATA[gh_1]]></ToUserName>\n    <Encrypt><![CDATA[{sealed}]]></Encrypt>\n</xml>\n"
        return Delivery(params, body.encode())

    def deliver_plain(self, xml: str, *, timestamp: int | None = None, nonce: str = "99") -> Delivery:
        """One delivery in plain mode: nothing signs the body."""
        when = str(int(time()) if timestamp is None else timestamp)
        return Delivery({"signature": self._signature(when, nonce), "timestamp": when, "nonce": nonce}, xml.encode())

    def open_reply(self, body: bytes) -> dict[str, str]:
        """Open an answer, checking everything; the text of each element, {} for `success` or nothing."""
        if body in {b"", b"success"}:
            return {}
        outer = fields(body)
        assert set(outer) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
        assert outer["MsgSignature"] == self._signature(outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
        decryptor = self._aes().decryptor()
        padded = decryptor.update(b64decode(outer["Encrypt"], validate=True)) + decryptor.finalize()
        assert len(padded) % 32 == 0
        assert padded[-padded[-1] :] == bytes([padded[-1]]) * padded[-1]
        content = padded[: -padded[-1]]
        (length,) = unpack(">I", content[16:20])
        assert content[20 + length :] == self.app_id.encode()
        return fields(content[20 : 20 + length])


def fields(xml: bytes) -> dict[str, str]:
    """The text of every element below <xml>, by its tag."""
    root = ET.fromstring(xml)
    assert root.tag == "xml"
    return {element.tag: element.text or "" for element in root.iter() if len(element) == 0}


def message_xml(
    openid: str,
    kind: str,
    *,
    created: int | None = None,
    message_id: int | str | None = None,
    account: str = "gh_1",
    **elements: str,
) -> str:
    """A message as Tencent writes it; CDATA by hand, as Tencent does."""
    number = next(_message_ids) if message_id is None else message_id
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in elements.items())
    return (
        f"<xml><ToUserName><![CDATA[{account}]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(time()) if created is None else created}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{inner}<MsgId>{number}</MsgId></xml>"
    )


def text_xml(openid: str, content: str, *, created: int | None = None, message_id: int | str | None = None) -> str:
    """A text message; `]]>` inside is split as XML asks."""
    return message_xml(
        openid, "text", created=created, message_id=message_id, Content=content.replace("]]>", "]]]]><![CDATA[>")
    )


def event_xml(openid: str, event: str, *, created: int | None = None, key: str | None = None, more: str = "") -> str:
    """An event; it has no MsgId."""
    key_xml = "" if key is None else f"<EventKey><![CDATA[{key}]]></EventKey>"
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(time()) if created is None else created}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>{key_xml}{more}</xml>"
    )
