"""QR codes with a scene: made as Tencent makes them, drawn for anyone, scanned while they live."""

import struct
from datetime import timedelta

import pytest

from bot.sandbox.codes import CODES_MAX, SECONDS_MAX
from tests.sandbox.rig import NODE, OTHER, SLIP, Rig


def make(rig: Rig, name="QR_STR_SCENE", scene: object = "bind_12345678", **more):
    key = "scene_id" if name in {"QR_SCENE", "QR_LIMIT_SCENE"} else "scene_str"
    return rig.call("qrcode/create", {"action_name": name, "action_info": {"scene": {key: scene}}, **more})


def live(rig: Rig):
    return rig.http.get("/api/codes").get_json()


@pytest.mark.parametrize(
    ("name", "scene"), [("QR_STR_SCENE", "x"), ("QR_STR_SCENE", "绑" * 64), ("QR_SCENE", 1), ("QR_SCENE", 2**32 - 1)]
)
@pytest.mark.parametrize("seconds", [1, SECONDS_MAX])
def test_a_temporary_code_has_a_ticket_a_url_and_its_seconds(rig, name, scene, seconds):
    made = make(rig, name, scene, expire_seconds=seconds)
    assert set(made) == {"ticket", "expire_seconds", "url"}
    assert made["expire_seconds"] == seconds
    assert made["url"].startswith("http://weixin.qq.com/q/")
    [code] = live(rig)
    assert (code["node"], code["scene"], code["ticket"]) == (NODE, str(scene), made["ticket"])


def test_a_code_lives_for_a_minute_unless_asked_otherwise(rig):
    assert make(rig)["expire_seconds"] == 60
    rig.clock.pass_(seconds=59)
    assert len(live(rig)) == 1
    rig.clock.pass_(seconds=1)
    assert live(rig) == []


@pytest.mark.parametrize(("name", "scene"), [("QR_LIMIT_STR_SCENE", "x"), ("QR_LIMIT_SCENE", 100_000)])
def test_a_lasting_code_has_no_end(rig, name, scene):
    assert set(make(rig, name, scene)) == {"ticket", "url"}
    rig.clock.pass_(days=400)
    assert live(rig)[0]["expires"] is None


@pytest.mark.parametrize("name", ["QR_STR", "", None, 7, "qr_str_scene"])
def test_a_kind_of_code_that_nobody_knows_is_40052(rig, name):
    assert make(rig, name)["errcode"] == 40052


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("QR_STR_SCENE", ""),
        ("QR_STR_SCENE", "x" * 65),
        ("QR_STR_SCENE", 7),
        ("QR_STR_SCENE", "a\u0001b"),
        ("QR_SCENE", 0),
        ("QR_SCENE", 2**32),
        ("QR_SCENE", True),
        ("QR_SCENE", "1"),
        ("QR_LIMIT_SCENE", 100_001),
        ("QR_LIMIT_STR_SCENE", "x" * 65),
    ],
)
def test_a_scene_that_does_not_fit_is_40053(rig, name, scene):
    assert make(rig, name, scene)["errcode"] == 40053
    assert live(rig) == []


@pytest.mark.parametrize("seconds", [0, -1, SECONDS_MAX + 1, "60", 1.5, None, True])
def test_seconds_beyond_thirty_days_or_none_at_all_are_40053(rig, seconds):
    assert make(rig, expire_seconds=seconds)["errcode"] == 40053


@pytest.mark.parametrize("info", [None, 7, {}, {"scene": 7}, {"scene": {"scene_id": 1}}])
def test_a_body_of_another_shape_is_40053(rig, info):
    assert rig.call("qrcode/create", {"action_name": "QR_STR_SCENE", "action_info": info})["errcode"] == 40053


def test_it_needs_a_good_token_and_a_post(rig):
    body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "x"}}}
    assert rig.call("qrcode/create", body, token="wrong")["errcode"] == 40001
    assert rig.call("qrcode/create", method="GET")["errcode"] == 43002


def test_the_picture_is_a_png_that_anyone_may_see(rig):
    ticket = make(rig)["ticket"]
    picture = rig.http.get("/cgi-bin/showqrcode", query_string={"ticket": ticket})
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert picture.data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture.data[16:24])
    assert width == height >= 200
    assert rig.http.get(live(rig)[0]["image"]).data == picture.data


@pytest.mark.parametrize("ticket", ["", "gQwrong", "票"])
def test_a_ticket_that_nobody_was_given_is_404(rig, ticket):
    make(rig)
    assert rig.http.get("/cgi-bin/showqrcode", query_string={"ticket": ticket}).status_code == 404


def test_two_codes_of_one_scene_have_two_tickets_and_the_newest_stands_first(rig):
    first, second = make(rig)["ticket"], make(rig)["ticket"]
    assert first != second
    assert [code["ticket"] for code in live(rig)] == [second, first]


def scanned(rig, scene="bind_12345678", openid="wang", node=NODE):
    """What the account is told of a scan."""
    rig.send(openid, node, event="SCAN", scene=scene)
    rig.settle(openid, node)
    return rig.account.heard[-1].message


def test_a_follower_who_scans_is_told_as_scan_with_scene_and_ticket(rig):
    ticket = make(rig)["ticket"]
    told = scanned(rig)
    assert (told["Event"], told["EventKey"], told["Ticket"]) == ("SCAN", "bind_12345678", ticket)


def test_who_does_not_follow_is_told_as_a_new_follower_with_the_scene_behind_qrscene(rig):
    ticket = make(rig)["ticket"]
    for openid in ("newcomer", "wang"):
        if openid == "wang":
            rig.send(event="unsubscribe")
            rig.settle()
        told = scanned(rig, openid=openid)
        assert (told["Event"], told["EventKey"], told["Ticket"]) == ("subscribe", "qrscene_bind_12345678", ticket)


def test_an_ended_code_cannot_be_scanned_and_nothing_is_delivered(rig):
    make(rig, expire_seconds=300)
    rig.clock.pass_(seconds=300)
    refused = rig.post(event="SCAN", scene="bind_12345678")
    assert refused.status_code == 410
    assert "ended" in refused.get_json()["detail"]
    assert rig.account.heard == []
    assert rig.lines() == []


def test_a_new_code_of_the_same_scene_can_be_scanned_again(rig):
    make(rig, expire_seconds=300)
    rig.clock.pass_(seconds=300)
    ticket = make(rig)["ticket"]
    assert scanned(rig)["Ticket"] == ticket


def test_another_account_s_code_of_the_same_scene_is_not_this_one(rig):
    make(rig)
    rig.clock.pass_(seconds=60)
    assert rig.post(node=OTHER, event="SCAN", scene="bind_12345678").status_code == 200


def test_a_scene_that_was_never_made_here_is_told_all_the_same(rig):
    assert scanned(rig, "poster-7")["EventKey"] == "poster-7"


def test_a_slip_has_its_picture_and_its_ticket_and_is_no_live_code(rig):
    [slip] = rig.http.get("/api/people").get_json()["people"][0]["slips"]
    assert (slip["node"], slip["scene"], slip["expires"]) == (NODE, SLIP, None)
    assert slip["label"] == {"zh": "小票 21261030004787", "en": "Slip 21261030004787"}
    assert rig.http.get(slip["image"]).mimetype == "image/png"
    assert live(rig) == []
    assert scanned(rig, SLIP)["Ticket"] == slip["ticket"]


def test_no_more_codes_are_kept_than_fit_and_the_oldest_go(rig):
    world = rig.sandbox.world
    first = world.codes.add(NODE, "first", world.clock() + timedelta(days=1)).ticket
    for at in range(CODES_MAX):
        world.codes.add(NODE, str(at), world.clock() + timedelta(days=1))
    assert world.codes.by_ticket(first) is None
    assert len(live(rig)) == CODES_MAX


def test_when_everything_begins_again_only_what_is_on_paper_can_be_scanned(rig):
    make(rig)
    rig.sandbox.world.begin()
    assert live(rig) == []
    [slip] = rig.http.get("/api/people").get_json()["people"][0]["slips"]
    assert scanned(rig, SLIP)["Ticket"] == slip["ticket"]
