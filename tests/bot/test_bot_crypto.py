"""The envelope, against WeChat's side written from Tencent's description alone."""

import base64
import hashlib
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import errors
from bot.bot import BotConfig
from bot.crypto import (
    BODY_BYTES_MAX,
    FRESH_SECONDS,
    Account,
    Signed,
    check_fresh,
    check_signature,
    open_delivery,
    seal_reply,
)
from tests.bot.conftest import KEY
from tests.fakes.wechat_envelope import WeChatSide, fields, text_xml

ACCOUNT = Account("wx1234567890abcdef", "spamtest", KEY)
WECHAT = WeChatSide("spamtest", KEY, "wx1234567890abcdef")
NOW = 1_800_000_000


def open_it(delivery, now=NOW, account=ACCOUNT):
    params = delivery.params
    return open_delivery(
        account, Signed(params["msg_signature"], params["timestamp"], params["nonce"]), delivery.body, now
    )


@given(st.binary(min_size=1, max_size=300))
def test_what_wechat_seals_is_opened_to_the_byte(xml):
    assert open_it(WECHAT.deliver(xml, timestamp=NOW)) == xml


@given(
    st.text(max_size=200).filter(
        lambda text: all(c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff" for c in text)
    )
)
def test_what_we_seal_wechat_opens(content):
    xml = f"<xml><Content><![CDATA[{content.replace(']]>', '')}]]></Content></xml>".encode()
    assert WECHAT.open_reply(seal_reply(ACCOUNT, xml, NOW)) == {"Content": content.replace("]]>", "")}


def test_two_seals_of_one_answer_share_nothing():
    first, second = (fields(seal_reply(ACCOUNT, b"<xml/>", NOW)) for _ in range(2))
    assert first["Nonce"] != second["Nonce"]
    assert first["Encrypt"] != second["Encrypt"]


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_one_flipped_bit_anywhere_in_the_sealed_part_is_refused(at, bit):
    delivery = WECHAT.deliver(text_xml("citizen", "进度", created=NOW), timestamp=NOW)
    start = delivery.body.index(b"<Encrypt><![CDATA[") + len(b"<Encrypt><![CDATA[")
    end = delivery.body.index(b"]]></Encrypt>")
    place = start + at % (end - start)
    body = bytearray(delivery.body)
    body[place] ^= 1 << bit
    with pytest.raises(errors.DeliveryRefused):
        open_it(type(delivery)(delivery.params, bytes(body)))


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_each_signed_parameter_counts(name):
    delivery = WECHAT.deliver(b"<xml/>", timestamp=NOW)
    delivery.params[name] = delivery.params[name][:-1] + ("1" if delivery.params[name][-1] != "1" else "2")
    with pytest.raises(errors.BadSignature):
        open_it(delivery)


@pytest.mark.parametrize("signature", ["", "0" * 40, "é" * 40, "x" * 100_000, "\ud800"])
def test_a_signature_of_any_shape_is_merely_wrong(signature):
    with pytest.raises(errors.BadSignature):
        check_signature("spamtest", Signed(signature, str(NOW), "n"))


def test_another_token_is_refused():
    stranger = WeChatSide("other", KEY, WECHAT.app_id)
    with pytest.raises(errors.BadSignature):
        open_it(stranger.deliver(b"<xml/>", timestamp=NOW))


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(0, True), (FRESH_SECONDS, True), (-FRESH_SECONDS, True), (FRESH_SECONDS + 1, False), (-FRESH_SECONDS - 1, False)],
)
def test_the_window_is_five_minutes_to_both_sides(age, fresh):
    delivery = WECHAT.deliver(b"<xml/>", timestamp=NOW - age)
    if fresh:
        assert open_it(delivery) == b"<xml/>"
    else:
        with pytest.raises(errors.StaleDelivery):
            open_it(delivery)


@pytest.mark.parametrize("timestamp", ["", "soon", "1e9", "-5", "９９", "1" * 13, "18_00"])
def test_a_timestamp_has_one_spelling(timestamp):
    with pytest.raises(errors.MalformedDelivery):
        check_fresh(Signed("", timestamp, ""), NOW)


def test_a_delivery_sealed_for_another_account_is_refused():
    for app_id in ("wx0000000000000000", "", "wx1234567890abcdef0", "wx1234567890abcde"):
        foreign = WECHAT.deliver_sealed(
            WECHAT.seal_bytes(WECHAT.pad(WECHAT.content(b"<xml/>", app_id=app_id))), timestamp=NOW
        )
        with pytest.raises(errors.ForeignAppId):
            open_it(foreign)


def broken(padded: bytes):
    return WECHAT.deliver_sealed(WECHAT.seal_bytes(padded), timestamp=NOW)


def padded_by(count: int, last: int, other: int | None = None) -> bytes:
    content = WECHAT.content(b"<xml>" + b" " * 64 + b"</xml>")
    content = content[: len(content) - (len(content) + count) % 32]
    return content + bytes([last if other is None else other]) * (count - 1) + bytes([last])


@pytest.mark.parametrize(
    "padded",
    [
        padded_by(32, 33),
        padded_by(32, 0),
        padded_by(32, 255),
        padded_by(5, 5, 4),
        padded_by(32, 32, 31),
        padded_by(1, 2),
    ],
    ids=["33", "0", "255", "unequal", "one differs", "longer than there"],
)
def test_every_byte_of_the_padding_counts(padded):
    with pytest.raises(errors.MalformedDelivery, match="padding"):
        open_it(broken(padded))


@pytest.mark.parametrize("length", [0, 2**32 - 1, 26, 6 + 18 + 1])
def test_a_length_that_does_not_fit_is_refused(length):
    delivery = WECHAT.deliver_sealed(
        WECHAT.seal_bytes(WECHAT.pad(WECHAT.content(b"<xml/>", length=length))), timestamp=NOW
    )
    with pytest.raises(errors.DeliveryRefused):
        open_it(delivery)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 19, b"x" * 20])
def test_content_too_short_for_its_header_is_refused(content):
    with pytest.raises(errors.DeliveryRefused):
        open_it(broken(WECHAT.pad(content)))


@pytest.mark.parametrize("sealed", ["====", "AAA", "QUJD", "QUJDREVGR0hJSktMTU5PUA==", "QUJDREVGR0hJSktMTU5PUA"])
def test_base64_is_strict_and_in_blocks_of_32_bytes(sealed):
    with pytest.raises(errors.MalformedDelivery):
        open_it(WECHAT.deliver_sealed(sealed, timestamp=NOW))


@pytest.mark.parametrize(
    "body",
    [b"", b"<xml></xml>", b"\xff\xfe", b"<xml><Encrypt></Encrypt></xml>", b"<xml><Encrypt>*</Encrypt></xml>", b"{}"],
)
def test_a_body_without_a_sealed_part_is_malformed(body):
    delivery = WECHAT.deliver(b"<xml/>", timestamp=NOW)
    with pytest.raises(errors.MalformedDelivery):
        open_it(type(delivery)(delivery.params, body))


def test_a_second_sealed_part_is_refused_whatever_it_holds():
    delivery = WECHAT.deliver(b"<xml/>", timestamp=NOW)
    for second in (b"<Encrypt><![CDATA[AAAA]]></Encrypt>", b"<Encrypt>\xff</Encrypt>"):
        with pytest.raises(errors.MalformedDelivery):
            open_it(type(delivery)(delivery.params, delivery.body.replace(b"</xml>", second + b"</xml>")))


def test_the_longest_body_is_read_and_one_byte_more_is_not():
    delivery = WECHAT.deliver(b"<xml/>", timestamp=NOW)
    fill = BODY_BYTES_MAX - len(delivery.body)
    assert open_it(type(delivery)(delivery.params, delivery.body + b" " * fill)) == b"<xml/>"
    with pytest.raises(errors.OversizedDelivery):
        open_it(type(delivery)(delivery.params, delivery.body + b" " * (fill + 1)))


def test_tencents_own_example_of_a_signature():
    """SHA-1 over the sorted strings, as in 接入指南."""
    parts = sorted(["spamtest", "1409659589", "263014780"])
    signed = Signed(hashlib.sha1("".join(parts).encode()).hexdigest(), "1409659589", "263014780")
    check_signature("spamtest", signed)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("encoding_aes_key", KEY[:-1]), ("encoding_aes_key", KEY + "A"), ("encoding_aes_key", "!" * 43), ("encoding_aes_key", ""), ("token", ""), ("token", "ab"), ("token", "a" * 33),
     ("token", "with space"), ("app_id", ""), ("app_id", "wx 1"), ("app_secret", ""), ("api_base_url", "api.weixin.qq.com"), ("api_base_url", "file:///etc"), ("api_base_url", "https://")],
)  # fmt: skip
def test_a_malformed_setting_is_refused_where_it_is_built_and_named(setting, value):
    good = {"app_id": "wx1", "token": "spamtest", "encoding_aes_key": KEY, "app_secret": "s3cret"}
    with pytest.raises(errors.BadSetting) as caught:
        BotConfig(**{**good, setting: value})
    assert caught.value.setting == setting
    assert setting == "api_base_url" or value == "" or value not in str(caught.value)


def test_no_secret_is_ever_shown():
    config = BotConfig(app_id="wx1", token="tok3n", encoding_aes_key=KEY, app_secret="s3cret")
    shown = repr(config) + repr(Account("wx1", "tok3n", KEY))
    assert not any(secret in shown for secret in ("tok3n", KEY, "s3cret", base64.b64decode(KEY + "=").hex()))


def test_the_real_clock_is_near_what_wechat_uses():
    assert open_it(WECHAT.deliver(b"<xml/>"), now=time()) == b"<xml/>"
