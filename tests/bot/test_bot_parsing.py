"""Deliveries become messages; hostile XML becomes nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import messages
from bot.errors import MalformedDelivery, StaleDelivery
from bot.parsing import CREATED_SECONDS_MAX, parse_delivery, print_reply
from bot.replies import SILENCE, NewsReply, TextReply
from tests.fakes.wechat_envelope import event_xml, fields, message_xml, text_xml

NOW = 1_800_000_000
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=200
)


def parse(xml):
    return parse_delivery(xml.encode() if isinstance(xml, str) else xml, NOW)


@given(XML_TEXT)
def test_a_text_arrives_as_it_was_written(content):
    assert parse(text_xml("citizen", content, created=NOW)).content == content


def test_a_tapped_link_carries_its_menu_id():
    message = parse(message_xml("citizen", "text", created=NOW, Content="确认 3", bizmsgmenuid="7"))
    assert (message.content, message.menu_id) == ("确认 3", "7")


@pytest.mark.parametrize(
    ("xml", "kind", "wanted"),
    [
        (message_xml("c", "image", created=NOW, MediaId="m", PicUrl="http://x"), messages.Image, {"media_id": "m"}),
        (message_xml("c", "voice", created=NOW, MediaId="m", Format="amr", Recognition="进度"), messages.Voice, {"recognition": "进度"}),
        (message_xml("c", "voice", created=NOW, MediaId="m"), messages.Voice, {"recognition": ""}),
        (message_xml("c", "video", created=NOW, MediaId="m"), messages.Video, {"media_id": "m"}),
        (message_xml("c", "shortvideo", created=NOW, MediaId="m"), messages.ShortVideo, {"media_id": "m"}),
        (message_xml("c", "location", created=NOW, Location_X="23.1", Location_Y="113.3", Label="镇"), messages.Location, {"latitude": 23.1, "label": "镇"}),
        (message_xml("c", "link", created=NOW, Title="t", Url="http://x"), messages.Link, {"title": "t"}),
        (event_xml("c", "subscribe", created=NOW), messages.Subscribed, {"scene": None}),
        (event_xml("c", "subscribe", created=NOW, key="qrscene_123"), messages.Subscribed, {"scene": "123"}),
        (event_xml("c", "unsubscribe", created=NOW), messages.Unsubscribed, {}),
        (event_xml("c", "SCAN", created=NOW, key="123"), messages.Scanned, {"scene": "123"}),
        (event_xml("c", "CLICK", created=NOW, key="菜单"), messages.Clicked, {"key": "菜单"}),
        (event_xml("c", "VIEW", created=NOW, key="http://x"), messages.Viewed, {"url": "http://x"}),
        (event_xml("c", "LOCATION", created=NOW, more="<Latitude>1</Latitude>"), messages.LocationReported, {}),
        (event_xml("c", "TEMPLATESENDJOBFINISH", created=NOW, more="<MsgID>9</MsgID><Status>success</Status>"), messages.TemplateSent, {"message_id": "9", "status": "success"}),
        (event_xml("c", "user_view_card", created=NOW), messages.UnknownKind, {"kind": "event/user_view_card"}),
        (message_xml("c", "hologram", created=NOW), messages.UnknownKind, {"kind": "hologram/hologram"}),
    ],
)  # fmt: skip
def test_each_kind_becomes_its_class(xml, kind, wanted):
    message = parse(xml)
    assert type(message) is kind
    assert {name: getattr(message, name) for name in wanted} == wanted
    assert (message.sender, message.account, message.created) == ("c", "gh_1", NOW)


def test_subscriptions_are_read_entry_by_entry():
    entry = "<List><TemplateId><![CDATA[{}]]></TemplateId><SubscribeStatusString><![CDATA[{}]]></SubscribeStatusString><PopupScene>2</PopupScene></List>"
    more = (
        f"<SubscribeMsgPopupEvent>{entry.format('A', 'accept')}{entry.format('B', 'reject')}</SubscribeMsgPopupEvent>"
    )
    message = parse(event_xml("c", "subscribe_msg_popup_event", created=NOW, more=more))
    assert [(choice.template_id, choice.accepted) for choice in message.choices] == [("A", True), ("B", False)]
    changed = parse(event_xml("c", "subscribe_msg_change_event", created=NOW, more=more))
    assert type(changed) is messages.SubscribeChanged
    sent = "<SubscribeMsgSentEvent><List><TemplateId>A</TemplateId><MsgID>1</MsgID><ErrorCode>0</ErrorCode></List></SubscribeMsgSentEvent>"
    assert parse(event_xml("c", "subscribe_msg_sent_event", created=NOW, more=sent)).error_code == "0"


BODY = "<ToUserName>g</ToUserName><FromUserName>c</FromUserName><CreateTime>1800000000</CreateTime><MsgType>text</MsgType><Content>{}</Content><MsgId>1</MsgId>"
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "xml",
    [
        f"{LAUGHS}<xml>{BODY.format('&c;')}</xml>",
        f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml>{BODY.format("&f;")}</xml>',
        f'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><xml>{BODY.format("x")}</xml>',
        f"<!DOCTYPE xml><xml>{BODY.format('x')}</xml>",
        f"<xml>{BODY.format('&nbsp;')}</xml>",
        f"<html>{BODY.format('x')}</html>",
        f"<xml>{BODY.format('x')}",
        f"<xml>{BODY.format('x')}</xml><xml/>",
        f"<xml>{BODY.format('x')}<FromUserName>officer</FromUserName></xml>",
        f"<xml>{BODY.format('<a>' * 10 + '</a>' * 10)}</xml>",
        f"<xml>{BODY.format('<a/>' * 300)}</xml>",
        "<xml/>", "", "进度", "\x00", "<xml>\x01</xml>",
    ],
)  # fmt: skip
def test_hostile_or_malformed_xml_is_refused(xml):
    with pytest.raises(MalformedDelivery):
        parse(xml)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "gb18030"])
def test_only_utf_8_is_read(encoding):
    with pytest.raises(MalformedDelivery):
        parse(f"<xml>{BODY.format('进度é' if encoding != 'latin-1' else 'é')}</xml>".encode(encoding))


@pytest.mark.parametrize(
    ("name", "value"),
    [("FromUserName", ""), ("FromUserName", "c" * 65), ("FromUserName", "c c"), ("FromUserName", "张三"), ("FromUserName", "c\n"), ("ToUserName", ""), ("CreateTime", "soon"), ("CreateTime", "-1"),
     ("CreateTime", f"{NOW}.0"), ("MsgId", "1 2"), ("MsgId", "9" * 65), ("MsgType", "t" * 300)],
)  # fmt: skip
def test_each_field_is_bounded(name, value):
    values = {
        "ToUserName": "g",
        "FromUserName": "c",
        "CreateTime": str(NOW),
        "MsgType": "text",
        "Content": "x",
        "MsgId": "1",
        name: value,
    }
    with pytest.raises(MalformedDelivery):
        parse("<xml>" + "".join(f"<{key}>{text}</{key}>" for key, text in values.items()) + "</xml>")


def test_a_page_with_a_long_address_is_viewed_and_a_longer_key_of_anything_else_is_not():
    url = "https://m.example/" + "a" * 2_000
    assert parse(event_xml("c", "VIEW", created=NOW, key=url)).url == url
    for event, key in (("VIEW", "u" * 2_049), ("CLICK", "k" * 257), ("SCAN", "s" * 257)):
        with pytest.raises(MalformedDelivery):
            parse(event_xml("c", event, created=NOW, key=key))


@pytest.mark.parametrize("place", [("nan", "1"), ("91", "1"), ("1", "181"), ("inf", "1"), ("", ""), ("x", "1")])
def test_a_place_is_in_the_world(place):
    with pytest.raises(MalformedDelivery):
        parse(message_xml("c", "location", created=NOW, Location_X=place[0], Location_Y=place[1], Label=""))


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (CREATED_SECONDS_MAX, True),
        (-CREATED_SECONDS_MAX, True),
        (CREATED_SECONDS_MAX + 1, False),
        (-CREATED_SECONDS_MAX - 1, False),
    ],
)
def test_the_moment_inside_the_seal_counts_too(age, fresh):
    xml = text_xml("c", "进度", created=NOW - age)
    if fresh:
        assert parse(xml).created == NOW - age
    else:
        with pytest.raises(StaleDelivery):
            parse(xml)


def test_a_repeat_has_the_same_key_and_nothing_else_has():
    first = parse(text_xml("c", "进度", created=NOW, message_id=5))
    assert parse(text_xml("c", "进度", created=NOW, message_id=5)).delivery_key == first.delivery_key
    event: dict[str, Any] = {"created": NOW, "key": "菜单"}
    others = [
        parse(text_xml("c", "进度", created=NOW, message_id=6)),
        parse(text_xml("d", "进度", created=NOW, message_id=5)),
        parse(event_xml("c", "CLICK", **event)),
        parse(event_xml("d", "CLICK", **event)),
        parse(event_xml("c", "VIEW", **event)),
        parse(event_xml("c", "CLICK", created=NOW, key="帮助")),
        parse(event_xml("c", "CLICK", created=NOW + 1, key="菜单")),
    ]
    assert parse(event_xml("c", "CLICK", **event)).delivery_key == others[2].delivery_key
    assert len({first.delivery_key, *(message.delivery_key for message in others)}) == len(others) + 1


@given(st.text(max_size=200))
def test_an_answer_is_always_well_formed_and_says_what_was_meant(content):
    message = parse(text_xml("c", "进度", created=NOW))
    answer = fields(print_reply(TextReply(content), message, NOW))
    shown = "".join(
        c for c in content if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
    assert answer["Content"] == shown.replace("\r\n", "\n").replace("\r", "\n")
    assert (answer["ToUserName"], answer["FromUserName"], answer["MsgType"]) == ("c", "gh_1", "text")


@pytest.mark.parametrize("content", ["]]>", "a]]>b]]>", "]]]]>>", "]]><FromUserName>x</FromUserName><![CDATA["])
def test_a_cdata_end_in_an_answer_ends_nothing(content):
    answer = fields(print_reply(TextReply(content), parse(text_xml("c", "x", created=NOW)), NOW))
    assert answer["Content"] == content
    assert answer["FromUserName"] == "gh_1"


def test_an_article_and_silence():
    message = parse(text_xml("c", "x", created=NOW))
    news = fields(print_reply(NewsReply("题]]>", "说明", "https://x/?a=1&b=2"), message, NOW))
    assert (news["MsgType"], news["ArticleCount"], news["Title"], news["Url"]) == (
        "news",
        "1",
        "题]]>",
        "https://x/?a=1&b=2",
    )
    assert print_reply(SILENCE, message, NOW) == b""
