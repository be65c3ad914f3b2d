"""Opens what WeChat sealed for us, and seals our answers: signature, age, AES, padding, AppID, in this order.

Tencent's 消息加解密 (WXBizMsgCrypt): AES-256-CBC, PKCS#7 with blocks of 32 bytes, SHA-1 over sorted strings. The
body is not parsed as XML before its signature is known to be good.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bot.errors import BadSetting, BadSignature, ForeignAppId, MalformedDelivery, OversizedDelivery, StaleDelivery

BODY_BYTES_MAX = 64 * 1024
PARAMETER_CHARACTERS_MAX = 128
FRESH_SECONDS = 300  # contract: WeChat's timestamp ±300 s
ENCODING_AES_KEY_CHARACTERS = 43
PADDING_BLOCK_BYTES = 32  # not AES's own 16: Tencent pads to twice that
AES_BLOCK_BYTES = 16
RANDOM_BYTES = 16
NONCE_BYTES = 8
LENGTH_BYTES = 4
HEADER_BYTES = RANDOM_BYTES + LENGTH_BYTES

_ENCRYPT = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[([A-Za-z0-9+/=]+)\]\]>|([A-Za-z0-9+/=]+))\s*</Encrypt>")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Account:
    """The secrets that an official account shares with WeChat."""

    app_id: str
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    _cipher: Cipher[CBC] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = _aes_key(self.encoding_aes_key)
        # The IV is the key's beginning (Tencent's choice), so one cipher serves every message.
        object.__setattr__(self, "_cipher", Cipher(AES256(key), CBC(key[:AES_BLOCK_BYTES])))

    def decrypt(self, sealed: bytes) -> bytes:
        """AES only: whole blocks in, padding still on."""
        decryptor = self._cipher.decryptor()
        return decryptor.update(sealed) + decryptor.finalize()

    def encrypt(self, padded: bytes) -> bytes:
        """AES only: padded already."""
        encryptor = self._cipher.encryptor()
        return encryptor.update(padded) + encryptor.finalize()


@dataclass(frozen=True, slots=True)
class Signed:
    """The parameters of a delivery's URL that its signature covers."""

    signature: str  # msg_signature when sealed, signature when plain
    timestamp: str
    nonce: str


def _aes_key(encoding_aes_key: str) -> bytes:
    mend = f"must be the {ENCODING_AES_KEY_CHARACTERS} letters and digits shown as EncodingAESKey"
    if len(encoding_aes_key) != ENCODING_AES_KEY_CHARACTERS:
        raise BadSetting("encoding_aes_key", mend)
    try:
        return base64.b64decode(encoding_aes_key + "=", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSetting("encoding_aes_key", mend) from error


def sign(*parts: str) -> str:
    """SHA-1 over the sorted strings: Tencent's signature. The token among them is the secret."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def check_signature(token: str, signed: Signed, *more: str) -> None:
    """Raise `BadSignature` unless whoever signed the parameters (and `more`) knows the token."""
    if max(map(len, (signed.signature, signed.timestamp, signed.nonce))) > PARAMETER_CHARACTERS_MAX:
        raise BadSignature("a parameter is too long")
    expected = sign(token, signed.timestamp, signed.nonce, *more)
    if not hmac.compare_digest(expected.encode(), signed.signature.encode("utf-8", "replace")):
        raise BadSignature("does not match the token")


def check_fresh(signed: Signed, now: float) -> None:
    """Raise `StaleDelivery` unless the timestamp is within five minutes of now."""
    if _TIMESTAMP.fullmatch(signed.timestamp) is None:
        raise MalformedDelivery("timestamp is no number")
    age = now - int(signed.timestamp)
    if abs(age) > FRESH_SECONDS:
        raise StaleDelivery(f"{age:.0f} s old, at most {FRESH_SECONDS}")


def is_sealed(body: bytes) -> bool:
    """Does the body carry a sealed part? Then nothing else in it is read (compatible mode sends both)."""
    return b"<Encrypt>" in body


def open_delivery(account: Account, signed: Signed, body: bytes, now: float) -> bytes:
    """Open a sealed delivery: the XML inside, or a `DeliveryRefused`."""
    # 1. It is no longer than a message can be.
    if len(body) > BODY_BYTES_MAX:
        raise OversizedDelivery(f"{len(body)} bytes, at most {BODY_BYTES_MAX}")
    # 2. Somebody who knows the token sent exactly this sealed part.
    sealed = _sealed_part(body)
    check_signature(account.token, signed, sealed.decode())
    # 3. It was sent just now.
    check_fresh(signed, now)
    # 4. It was sealed with our key, in Tencent's format to the last byte of padding.
    xml, app_id = _split(_without_padding(account.decrypt(_decode(sealed))))
    # 5. It was sealed for our account.
    if not hmac.compare_digest(app_id, account.app_id.encode()):
        raise ForeignAppId("sealed for another account")
    return xml


def _sealed_part(body: bytes) -> bytes:
    found = _ENCRYPT.findall(body)
    if len(found) != 1 or body.count(b"<Encrypt>") != 1:
        raise MalformedDelivery("not exactly one Encrypt element")
    in_cdata, bare = found[0]
    return bytes(in_cdata or bare)


def _decode(sealed: bytes) -> bytes:
    try:
        decoded = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedDelivery("Encrypt is not base64") from error
    if len(decoded) % PADDING_BLOCK_BYTES or not decoded:
        raise MalformedDelivery("sealed part is not in blocks of 32 bytes")
    return decoded


def _without_padding(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= PADDING_BLOCK_BYTES or padded[-count:] != bytes([count]) * count:
        raise MalformedDelivery("padding is broken")
    return padded[:-count]


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Random prefix, length, XML, AppID."""
    length = int.from_bytes(content[RANDOM_BYTES:HEADER_BYTES])
    end = HEADER_BYTES + length
    if len(content) < HEADER_BYTES or not 0 < length <= len(content) - HEADER_BYTES:
        raise MalformedDelivery("length does not fit the content")
    return content[HEADER_BYTES:end], content[end:]


def seal_reply(account: Account, xml: bytes, now: float) -> bytes:
    """Seal an answer: the XML envelope that WeChat opens. Every value in it is base64, hex or digits."""
    fresh = secrets.token_bytes(RANDOM_BYTES + NONCE_BYTES)  # one call to the system, for both
    content = fresh[:RANDOM_BYTES] + len(xml).to_bytes(LENGTH_BYTES) + xml + account.app_id.encode()
    count = PADDING_BLOCK_BYTES - len(content) % PADDING_BLOCK_BYTES
    sealed = base64.b64encode(account.encrypt(content + bytes([count]) * count)).decode()
    timestamp, nonce = str(int(now)), fresh[RANDOM_BYTES:].hex()
    return (
        f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
        f"<MsgSignature><![CDATA[{sign(account.token, timestamp, nonce, sealed)}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    ).encode()
