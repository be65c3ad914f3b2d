import base64
import hashlib
from typing import Any

import pytest
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from bot.sandbox.accounts import Account
from bot.sandbox.answers import read_answer
from bot.sandbox.envelope import open_answer, seal_delivery, sign
from bot.sandbox.errors import AnswerMalformed
from bot.sandbox.wire import build_xml, is_xml_text, parse_xml
from bot.sandbox.world import Delivery, Kind
from tests.sandbox.fake_account import AES_KEY, APP_ID, TOKEN, seal

ACCOUNT = Account("民政局", "http://127.0.0.1:1", TOKEN, AES_KEY, APP_ID, "secret")
XML_TEXT = st.text(st.characters(codec="utf-8").filter(lambda sign: is_xml_text(sign) and sign != "\r"), max_size=200)


def answer_xml(**change: str) -> Any:
    fields = {
        "ToUserName": "wang",
        "FromUserName": ACCOUNT.original_id,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": "好",
    }
    return xmltodict.unparse({"xml": {name: value for name, value in (fields | change).items() if value is not None}})


def read(body: bytes):
    return read_answer(Delivery(ACCOUNT, "wang", b"", 1), body)


def encrypted(plain: bytes, account: Account = ACCOUNT) -> bytes:
    """A rightly signed answer around any plaintext at all."""
    cipher = Cipher(algorithms.AES(account.key), modes.CBC(account.key[:16])).encryptor()
    encrypt = base64.b64encode(cipher.update(plain) + cipher.finalize()).decode()
    signature = hashlib.sha1("".join(sorted([TOKEN, "1", "n", encrypt])).encode()).hexdigest()
    return build_xml([("Encrypt", encrypt), ("MsgSignature", signature), ("TimeStamp", 1), ("Nonce", "n")])


def inner(xml: bytes, app_id: str = APP_ID, *, length: int | None = None) -> bytes:
    return b"p" * 16 + (len(xml) if length is None else length).to_bytes(4, "big") + xml + app_id.encode()


def padded(plain: bytes) -> bytes:
    count = 32 - len(plain) % 32
    return plain + bytes([count]) * count


@given(XML_TEXT, st.integers(1, 2**33), st.binary(min_size=8, max_size=8))
def test_what_is_sealed_here_is_opened_by_wechatpy(content, timestamp, seed):
    xml = build_xml([("MsgType", "text"), ("Content", content)])
    sealed = seal_delivery(ACCOUNT, "wang", xml, timestamp=timestamp, nonce="7", prefix=seed.hex().encode())
    opened = WeChatCrypto(TOKEN, AES_KEY, APP_ID).decrypt_message(
        sealed.body, sealed.query["msg_signature"], str(timestamp), "7"
    )
    assert opened.encode() == xml
    assert (xmltodict.parse(opened, strip_whitespace=False)["xml"]["Content"] or "") == content


@given(XML_TEXT.filter(str.strip))
def test_what_wechatpy_seals_is_opened_here(content):
    assert (
        open_answer(ACCOUNT, seal(f"<xml>{content.encode().hex()}</xml>"))
        == f"<xml>{content.encode().hex()}</xml>".encode()
    )


@given(st.data())
def test_an_answer_with_one_flipped_bit_is_never_shown(data):
    body = bytearray(seal(answer_xml()))
    start, end = body.index(b"<Encrypt><![CDATA[") + 18, body.index(b"]]></Encrypt>")
    place = data.draw(st.integers(start, end - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 6))
    with pytest.raises(AnswerMalformed):
        read(bytes(body))


def test_tencents_own_signature_of_the_url_check_holds():
    assert sign("t", "2", "1") == hashlib.sha1(b"12t").hexdigest()


def test_a_plain_answer_in_safe_mode_is_not_shown():
    with pytest.raises(AnswerMalformed, match="no Encrypt"):
        read(answer_xml().encode())


def test_an_answer_signed_with_another_token_is_not_shown():
    with pytest.raises(AnswerMalformed, match="MsgSignature"):
        read(seal(answer_xml(), token="another"))


def test_an_answer_sealed_for_another_account_is_not_shown():
    with pytest.raises(AnswerMalformed, match="AppID"):
        read(seal(answer_xml(), app_id="wx-somebody-else"))


@pytest.mark.parametrize("count", [0, 33, 255])
def test_a_padding_outside_its_block_is_refused(count):
    with pytest.raises(AnswerMalformed, match="padding"):
        read(encrypted(inner(b"<xml/>")[:31].ljust(31, b"x") + bytes([count])))


def test_a_padding_that_is_not_uniform_is_refused():
    plain = padded(inner(answer_xml().encode()) + b"x" * (32 - len(inner(answer_xml().encode())) % 32 - 3 + 32))
    assert plain[-1] == 3
    with pytest.raises(AnswerMalformed, match="padding"):
        read(encrypted(plain[:-2] + b"\x02\x03"))


def test_a_length_beyond_the_plaintext_is_refused():
    with pytest.raises(AnswerMalformed, match="length"):
        read(encrypted(padded(inner(b"<xml/>", length=10_000))))


@pytest.mark.parametrize("encrypt", ["", "a", "!!!!", "QUJD"])
def test_an_encrypt_that_is_no_ciphertext_is_refused(encrypt):
    signature = hashlib.sha1("".join(sorted([TOKEN, "1", "n", encrypt])).encode()).hexdigest()
    body = build_xml([("Encrypt", encrypt), ("MsgSignature", signature), ("TimeStamp", 1), ("Nonce", "n")])
    with pytest.raises(AnswerMalformed):
        read(body)


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
        "<xml><Content>&undefined;</Content></xml>",
        "<xml><Content>",
        "<html/>",
        "\x00",
    ],
)
def test_hostile_or_broken_xml_is_refused(xml):
    with pytest.raises(AnswerMalformed):
        parse_xml(xml.encode())
    with pytest.raises(AnswerMalformed):
        read(seal(xml))


@pytest.mark.parametrize(
    "change",
    [
        {"ToUserName": "somebody-else"},
        {"FromUserName": "gh_another"},
        {"CreateTime": None},
        {"CreateTime": "soon"},
        {"MsgType": "hologram"},
        {"MsgType": None},
        {"Content": ""},
        {"Content": "字" * 683},  # 2,049 bytes
    ],
)
def test_an_answer_that_wechat_would_not_show_is_malformed(change):
    with pytest.raises(AnswerMalformed):
        read(seal(answer_xml(**change)))


def test_a_text_of_exactly_2048_bytes_is_shown():
    content = "字" * 682 + "ab"
    assert read(seal(answer_xml(Content=content))).text == content


def news(count: int) -> Any:
    items = [{"Title": f"t{n}", "Description": "d", "PicUrl": "", "Url": "https://x.test/"} for n in range(count)]
    fields = {"ToUserName": "wang", "FromUserName": ACCOUNT.original_id, "CreateTime": "1", "MsgType": "news"}
    return xmltodict.unparse({"xml": fields | {"ArticleCount": str(count), "Articles": {"item": items}}})


def test_one_article_is_shown_and_two_are_not():
    shown = read(seal(news(1)))
    assert (shown.kind, shown.text) == (Kind.NEWS, "t0\nd\nhttps://x.test/")
    with pytest.raises(AnswerMalformed, match="one article"):
        read(seal(news(2)))


@pytest.mark.parametrize("body", [b"", b"success", b" success\n"])
def test_nothing_to_say_shows_nothing(body):
    assert read(body) is None
