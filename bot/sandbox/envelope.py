"""Seals what WeChat delivers and opens what an account answers (safe mode), from Tencent's description alone.

Key = base64(EncodingAESKey + "="), AES-256-CBC, IV = its first 16 bytes; plaintext = 16 random bytes ‖ u32be
length ‖ XML ‖ AppID, PKCS#7 to blocks of 32; msg_signature = SHA-1 of the sorted token, timestamp, nonce, Encrypt.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bot.sandbox.accounts import Account
from bot.sandbox.errors import AnswerMalformed
from bot.sandbox.wire import build_xml, parse_xml

PREFIX_BYTES = 16
LENGTH_BYTES = 4
PAD_BLOCK_BYTES = 32  # not the cipher's 16: Tencent pads to 32
AES_BLOCK_BYTES = 16


@dataclass(frozen=True, slots=True)
class Sealed:
    """One try of a delivery: its query parameters and its body."""

    query: dict[str, str]
    body: bytes


def sign(token: str, *parts: str) -> str:
    """Tencent's signature: SHA-1 over the sorted parts, joined."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode(), usedforsecurity=False).hexdigest()


def seal_delivery(account: Account, openid: str, xml: bytes, *, timestamp: int, nonce: str, prefix: bytes) -> Sealed:
    """Seal `xml` as WeChat's server would post it; `prefix` is 16 fresh random bytes."""
    encrypt = _encrypt(account, prefix, xml)
    moment = str(timestamp)
    query = {
        "signature": sign(account.token, moment, nonce),
        "timestamp": moment,
        "nonce": nonce,
        "openid": openid,
        "encrypt_type": "aes",
        "msg_signature": sign(account.token, moment, nonce, encrypt),
    }
    return Sealed(query, build_xml([("ToUserName", account.original_id), ("Encrypt", encrypt)]))


def open_answer(account: Account, body: bytes) -> bytes:
    """Check and open a sealed answer; returns its inner XML."""
    fields = parse_xml(body)
    # 1. It is sealed at all: in safe mode a plain answer is not shown.
    try:
        encrypt, signature = fields["Encrypt"], fields["MsgSignature"]
        timestamp, nonce = fields["TimeStamp"], fields["Nonce"]
    except KeyError as error:
        raise AnswerMalformed(f"the answer has no {error.args[0]}; safe mode needs a sealed one") from error
    # 2. The account's token signed it.
    expected = sign(account.token, timestamp, nonce, encrypt)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise AnswerMalformed("the answer's MsgSignature does not hold")
    # 3. The account's key sealed it, for this account.
    return _decrypt(account, encrypt)


def _encrypt(account: Account, prefix: bytes, xml: bytes) -> str:
    plain = prefix + len(xml).to_bytes(LENGTH_BYTES) + xml + account.app_id.encode()
    count = PAD_BLOCK_BYTES - len(plain) % PAD_BLOCK_BYTES
    encryptor = _cipher(account).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()


def _decrypt(account: Account, encrypt: str) -> bytes:
    try:
        sealed = base64.b64decode(encrypt, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AnswerMalformed("the answer's Encrypt is not base64") from error
    if not sealed or len(sealed) % AES_BLOCK_BYTES:
        raise AnswerMalformed("the answer's Encrypt is not whole blocks")
    decryptor = _cipher(account).decryptor()
    plain = _unpad(decryptor.update(sealed) + decryptor.finalize())
    xml, app_id = _split(plain)
    if not hmac.compare_digest(app_id, account.app_id.encode()):
        raise AnswerMalformed("the answer was sealed for another AppID")
    return xml


def _unpad(plain: bytes) -> bytes:
    count = plain[-1]
    if not 1 <= count <= min(PAD_BLOCK_BYTES, len(plain)) or plain[-count:] != bytes([count]) * count:
        raise AnswerMalformed("the answer's padding is broken")
    return plain[:-count]


def _split(plain: bytes) -> tuple[bytes, bytes]:
    start = PREFIX_BYTES + LENGTH_BYTES
    length = int.from_bytes(plain[PREFIX_BYTES:start])
    if len(plain) < start + length:
        raise AnswerMalformed("the answer's length field is too large")
    return plain[start : start + length], plain[start + length :]


def _cipher(account: Account) -> Cipher[CBC]:
    key = account.key
    return Cipher(AES256(key), CBC(key[:AES_BLOCK_BYTES]))
