"""A department joins by a code that it was given, and whoever stands between, guesses or repeats does not."""

import json
from base64 import b32decode, b32encode
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from ledger.errors import Misconfigured, PeerUnreachable
from ledger.keys import generate
from ledger.merkle.note import parse_note_unverified, sign_note
from ledger.peers import invitations
from ledger.peers.asking import ask_to_join, meet
from ledger.peers.client import PeerClient
from ledger.peers.errors import CodeOver, MalformedQuestion, TooMany, WrongCode
from ledger.peers.home import read_peers
from ledger.peers.invitations import CODE_SECONDS, Asked, described, introduce, invite, read_waiting, who_asked
from ledger.peers.join_code import CODE_CHARS, CodeDiffers, JoinCode
from ledger.peers.joining import add_peer, remove_peer
from ledger.storage import schema
from ledger.storage.engine import reading, transaction
from tests.peers.rig import make_county

CIVIL = "21.example"
URL = f"https://{CIVIL}/join"


@pytest.fixture
def strangers(tmp_path):
    """Three departments that have published, and know nobody."""
    made = make_county(tmp_path, acquainted=False)
    made.publish(cosign=False)
    yield made
    made.close()


@pytest.fixture
def either_strangers(tmp_path, database_url):
    """The same, 民政局 on either database."""
    made = make_county(tmp_path, database_url, acquainted=False)
    made.publish(cosign=False)
    yield made
    made.close()


def followed(node):
    with reading(node.engine) as connection:
        return [peer.name for peer in read_peers(connection)]


def waiting(node):
    with reading(node.engine) as connection:
        return [found.name for found in read_waiting(connection, node.now())]


def counted(node):
    with reading(node.engine) as connection:
        return list(connection.execute(select(schema.tries.c.count)).scalars())


def question(node, code, host, **changed):
    """What `node` sends, with some of it changed before it is signed."""
    with reading(node.engine) as connection:
        said = described(introduce(connection, node))
    key = code.signer
    asked = Asked(key.verifier.public_key, host.origin, host.public_url, node.now(), said)
    return sign_note(replace(asked, **changed).text, [key, node.keys.log[0]])


def post(county, content):
    with PeerClient("https://x.example", transport=county.wire) as client:
        return client.ask("POST", URL, bytes_max=100_000, content=content)


def ask(node, code):
    return ask_to_join(node, code, meet(node, code))


def confirm(node, code):
    asker = who_asked(node, code)
    assert asker is not None
    return add_peer(node, asker.url, asker.fingerprint)


def join(host, guest):
    """The whole of it, as the two commands do it."""
    code = invite(host)
    assert ask(guest, code).state == "waiting"
    confirm(host, code)
    assert ask(guest, code).state == "joined"
    add_peer(guest, host.public_url, host.keys.fingerprint)
    return code


# --- it works ---


def test_both_follow_each_other_after_one_command_a_side(either_strangers):
    host, guest = either_strangers.civil, either_strangers.police
    code = JoinCode.parse(invite(host).text)
    inviter = meet(guest, code)
    assert ask_to_join(guest, code, inviter).state == "waiting"
    assert (waiting(host), followed(host), followed(guest)) == (["公安局"], [], [])
    asker = who_asked(host, code)
    assert asker is not None
    # What is read out over the telephone is what both screens show.
    assert (inviter.fingerprint, asker.fingerprint) == (host.keys.fingerprint, guest.keys.fingerprint)
    add_peer(host, asker.url, asker.fingerprint)
    assert (ask(guest, code).state, waiting(host)) == ("joined", [])
    add_peer(guest, inviter.url, inviter.fingerprint)
    assert (followed(host), followed(guest)) == (["公安局"], ["民政局"])


def test_departments_that_joined_cosign_each_other(strangers):
    join(strangers.civil, strangers.police)
    strangers.round("民政局", "公安局")
    reports = strangers.round("民政局", "公安局")
    assert [(row.name, row.error, row.checked == row.size) for row in reports["民政局"].rows] == [
        ("公安局", None, True)
    ]
    assert strangers.held("公安局", strangers.civil) == strangers.size(strangers.civil)


def test_the_third_is_told_who_else_there_is_and_nobody_follows_it_unasked(strangers):
    join(strangers.civil, strangers.finance)
    assert ask(strangers.police, invite(strangers.civil)).others == ("财政局",)
    assert followed(strangers.finance) == ["民政局"]


def test_the_code_is_one_short_line_and_its_secret_lies_nowhere(strangers):
    code = invite(strangers.civil)
    assert len(code.text) == CODE_CHARS + len("@https://21.example") < 80
    assert (len(code.secret), repr(code).count(code.secret.hex())) == (16, 0)
    with reading(strangers.civil.engine) as connection:
        [row] = connection.execute(select(schema.invitations)).all()
    assert code.secret not in row.code_key
    assert invite(strangers.civil).secret != code.secret


@pytest.mark.parametrize("spelled", [str.strip, lambda text: f"  {text}\n", lambda text: f"{text}/"])
def test_a_code_survives_being_copied(strangers, spelled):
    code = invite(strangers.civil)
    assert JoinCode.parse(spelled(code.text)) == code
    letters, _, url = code.text.partition("@")
    assert JoinCode.parse(f"{letters.upper()}@{url}") == code


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[1:],
        lambda text: text.partition("@")[0],
        lambda text: text.replace("21.example", "22.example"),
        lambda text: ("b" if text[0] == "a" else "a") + text[1:],
        lambda text: "0" + text[1:],
        lambda text: text + "\x1b]0;gotcha\x07",
        lambda text: text + "x" * 1000,
    ],
)
def test_a_mistyped_code_is_told_at_once_and_asks_nobody(strangers, damage):
    with pytest.raises(Misconfigured, match="copy the whole line"):
        JoinCode.parse(damage(invite(strangers.civil).text))
    assert strangers.wire.asked == []


# --- again, later, twice ---


def test_asking_again_changes_nothing_before_and_after_the_answer(strangers):
    host, guest = strangers.civil, strangers.police
    code = invite(host)
    assert [ask(guest, code).state for _ in range(3)] == ["waiting"] * 3
    assert waiting(host) == ["公安局"]
    confirm(host, code)
    confirm(host, code)
    strangers.clock.wait(CODE_SECONDS)
    assert [ask(guest, code).state for _ in range(2)] == ["joined"] * 2


def test_an_expired_code_lets_nobody_ask_and_the_last_second_does(strangers):
    host, guest = strangers.civil, strangers.police
    code = invite(host)
    strangers.clock.wait(CODE_SECONDS)
    with pytest.raises(Misconfigured, match="expired: ask for a new one"):
        ask(guest, code)
    with pytest.raises(CodeOver, match="peers invite"):
        who_asked(host, code)
    assert waiting(host) == []
    code = invite(host)
    strangers.clock.wait(CODE_SECONDS - 1)
    assert ask(guest, code).state == "waiting"
    strangers.clock.wait(CODE_SECONDS)  # our administrator may take longer to answer
    assert ask(guest, code).state == "waiting"


def test_a_replayed_code_lets_no_second_department_in(strangers):
    code = invite(strangers.civil)
    ask(strangers.police, code)
    with pytest.raises(Misconfigured, match="used by somebody else: telephone"):
        ask(strangers.finance, code)
    assert waiting(strangers.civil) == ["公安局"]
    confirm(strangers.civil, code)
    with pytest.raises(Misconfigured, match="used by somebody else"):
        ask(strangers.finance, code)
    assert followed(strangers.civil) == ["公安局"]


def test_whoever_was_sent_away_has_no_code_any_more(strangers):
    code = invite(strangers.civil)
    ask(strangers.police, code)
    invitations.send_away(strangers.civil, code)
    for guest in (strangers.police, strangers.finance):
        with pytest.raises(Misconfigured, match="answered no"):
            ask(guest, code)
    assert (waiting(strangers.civil), followed(strangers.civil)) == ([], [])


def test_a_member_that_was_removed_does_not_come_back_by_its_old_code(strangers):
    code = join(strangers.civil, strangers.police)
    remove_peer(strangers.civil, "公安局")
    with pytest.raises(Misconfigured, match="no code of ours"):
        ask(strangers.police, code)
    assert waiting(strangers.civil) == []
    code = invite(strangers.civil)
    assert ask(strangers.police, code).state == "waiting"
    confirm(strangers.civil, code)
    assert followed(strangers.civil) == ["公安局"]


# --- who stands between, guesses or pretends ---


def test_a_man_in_the_middle_with_other_keys_is_not_asked(strangers):
    """He answers at the code's address with a node of his own that bears 民政局's names."""
    code = invite(strangers.civil)
    other = generate(strangers.civil.origin)

    def pretend(_request, answer):
        keys = {"log_vkeys": other.log_vkeys, "witness_vkeys": other.witness_vkeys, "mirror_vkeys": other.mirror_vkeys}
        return httpx.Response(200, content=json.dumps(json.loads(answer.read()) | keys))

    strangers.wire.tamper(CIVIL, "/node.json", pretend)
    with pytest.raises(CodeDiffers, match="somebody stands between"):
        ask(strangers.police, code)
    assert "/join" not in strangers.wire.paths(CIVIL)
    assert followed(strangers.police) == []


def test_a_code_whose_address_was_changed_on_its_way_is_not_followed(strangers):
    """Its check letters were made anew, so that it looks well: the other address has other keys."""
    code = invite(strangers.civil)
    forged = JoinCode.parse(replace(code, url="https://22.example").text)
    with pytest.raises(CodeDiffers):
        ask(strangers.police, forged)


def test_knocking_with_somebody_elses_log_key_is_refused(strangers):
    """公安局 has a code, and shows 财政局's keys."""
    code = invite(strangers.civil)
    with reading(strangers.finance.engine) as connection:
        theirs = described(introduce(connection, strangers.finance))
    answer = post(strangers, question(strangers.police, code, strangers.civil, said=theirs))
    assert answer.status == 403
    assert waiting(strangers.civil) == []


def test_without_the_code_the_own_log_key_is_not_enough(strangers):
    code = invite(strangers.civil)
    signed = question(strangers.police, code, strangers.civil)
    text = parse_note_unverified(signed).text
    assert post(strangers, sign_note(text, [strangers.police.keys.log[0]])).status == 403
    guessed = replace(code, secret=bytes(16))
    assert post(strangers, sign_note(text, [guessed.signer, strangers.police.keys.log[0]])).status == 403
    assert waiting(strangers.civil) == []
    assert post(strangers, signed).status == 202


@pytest.mark.parametrize("changed", [{"to": "22.example/log"}, {"url": "https://22.example"}])
def test_a_question_that_was_asked_of_another_node_is_not_carried_here(strangers, changed):
    code = invite(strangers.civil)
    answer = post(strangers, question(strangers.police, code, strangers.civil, **changed))
    assert (answer.status, b"was meant for" in answer.body) == (409, True)
    assert waiting(strangers.civil) == []


def test_ten_thousand_guesses_find_nothing_are_hardly_written_and_lock_nobody_out(strangers):
    host, guest = strangers.civil, strangers.police
    code = invite(host)
    good = question(guest, code, host)
    statuses = []
    guesses = [replace(code, secret=at.to_bytes(16)) for at in range(10)]
    wrong = [question(guest, guess, host) for guess in guesses]
    for at in range(10_000):
        try:
            invitations.take_question(host, wrong[at % 10])
        except (WrongCode, TooMany) as error:
            statuses.append(error.status)
    assert statuses == [403] * invitations.WRONG_MAX + [429] * (10_000 - invitations.WRONG_MAX)
    assert counted(host) == [invitations.WRONG_MAX]
    assert post(strangers, wrong[0]).headers["retry-after"] == "60"
    assert post(strangers, good).status == 202
    strangers.clock.wait(invitations.WRONG_SECONDS)
    assert post(strangers, wrong[0]).status == 403


def test_a_code_in_somebody_elses_signature_counts_as_a_guess(strangers):
    code = invite(strangers.civil)
    signed = question(strangers.police, code, strangers.civil)
    spoilt = signed.replace(b'"at":', b'"at": ')
    assert (post(strangers, spoilt).status, counted(strangers.civil)) == (403, [1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 30_000,
        b"onetrip-join/v1\n{}\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"onetrip-join/v1\nnot JSON\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b'onetrip-join/v1\n{"code":1,"to":"","url":"","at":0,"node":{}}\n\n\xe2\x80\x94 a AAAAAAA=\n',
        b"\xff\xfe",
        bytes(1000),
    ],
)
def test_what_is_no_question_is_400_and_leaves_no_trace(strangers, content):
    invite(strangers.civil)
    assert post(strangers, content).status == 400
    assert (waiting(strangers.civil), counted(strangers.civil)) == ([], [])


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "x y"},
        {"origin": 7},
        {"log_vkeys": []},
        {"url": "https://a\x1b"},
        {"desk_jwk": None},
        {"number_prefix": ""},
    ],
)
def test_a_malformed_introduction_is_400_though_the_code_is_good(strangers, changed):
    code = invite(strangers.civil)
    with reading(strangers.police.engine) as connection:
        said = {**described(introduce(connection, strangers.police)), **changed}
    with pytest.raises(MalformedQuestion):
        invitations.take_question(strangers.civil, question(strangers.police, code, strangers.civil, said=said))
    assert waiting(strangers.civil) == []


@pytest.mark.parametrize(
    "changed", [{"to": "21.example/log\nERROR gotcha"}, {"url": "https://a\nb"}, {"url": ""}, {"at": -1}]
)
def test_no_line_of_our_log_is_written_by_whoever_asks(strangers, changed):
    code = invite(strangers.civil)
    assert post(strangers, question(strangers.police, code, strangers.civil, **changed)).status == 400


def test_a_body_of_a_megabyte_is_413_at_the_door(strangers):
    assert post(strangers, bytes(1_000_000)).status == 413
    assert post(strangers, bytes(invitations.QUESTION_BYTES_MAX + 1)).status == 413
    assert post(strangers, bytes(invitations.QUESTION_BYTES_MAX)).status == 400


# --- what cannot be a member as it is, with the mend, and the code is still good ---


@pytest.mark.parametrize(("ahead", "said"), [(301, "301 s ahead of"), (-301, "301 s behind")])
def test_clocks_that_differ_too_much_are_named_with_the_difference(strangers, ahead, said):
    host, guest, code = strangers.civil, strangers.police, invite(strangers.civil)
    off = replace(guest, now=lambda: host.now() + ahead)
    with pytest.raises(Misconfigured, match=f"{said} ours: set both by NTP"):
        ask(off, code)
    assert waiting(host) == []
    just = replace(guest, now=lambda: host.now() + ahead - ahead // abs(ahead))
    assert ask(just, code).state == "waiting"


def shown_as(node, **changed):
    with reading(node.engine) as connection:
        return {**described(introduce(connection, node)), **changed}


@pytest.mark.parametrize(
    ("changed", "mend"),
    [
        ({"number_prefix": "22"}, "cannot be told from 22; make the new node again, with another --number-prefix"),
        ({"number_prefix": "219"}, "cannot be told from 21"),
        ({"name": "民政局"}, "of this name is in the network already; it needs another"),
        ({"name": "财政局"}, "of this name is in the network already; it needs another"),
        ({"url": "http://23.example"}, "https"),
        ({"url": "http://127.0.0.1:8000"}, "https"),
    ],
)
def test_who_cannot_be_told_apart_or_reached_is_told_what_to_mend(strangers, changed, mend):
    host = strangers.civil
    join(host, strangers.finance)
    code = invite(host)
    said = shown_as(strangers.police, **changed)
    answer = post(strangers, question(strangers.police, code, host, said=said))
    assert answer.status == 409
    assert mend in json.loads(answer.body)["detail"]
    assert (waiting(host), followed(host)) == ([], ["财政局"])
    assert ask(strangers.police, code).state == "waiting"


def test_the_same_origin_with_other_keys_is_told_apart_from_the_member(strangers):
    host = strangers.civil
    join(host, strangers.police)
    other = generate(strangers.police.origin)
    twin = replace(strangers.police, keys=other)
    answer = post(strangers, question(twin, invite(host), host))
    assert (answer.status, b"with other keys" in answer.body) == (409, True)


def test_a_node_does_not_join_itself_nor_one_whom_it_cannot_tell_apart(strangers):
    with pytest.raises(Misconfigured, match="our own node"):
        ask(strangers.civil, invite(strangers.civil))
    join(strangers.police, strangers.finance)
    with transaction(strangers.police.engine) as connection:
        connection.execute(schema.peers.update().values(name="民政局"))
    with pytest.raises(Misconfigured, match="of this name"):
        ask(strangers.police, invite(strangers.civil))
    assert waiting(strangers.civil) == []


def test_a_node_that_has_not_published_says_so_before_anything_is_sent(tmp_path):
    county = make_county(tmp_path, acquainted=False)
    with pytest.raises(Misconfigured, match="start `serve` and `schedule` first"):
        invite(county.civil)
    county.publish("民政局", cosign=False)
    code = invite(county.civil)
    with pytest.raises(Misconfigured, match="has not published its log yet"):
        meet(county.police, code)
    assert county.wire.asked == []
    county.close()


def test_an_inviter_that_is_away_or_older_is_unreachable_and_the_code_stays_good(strangers):
    code = invite(strangers.civil)
    strangers.wire.lose(CIVIL)
    with pytest.raises(PeerUnreachable):
        ask(strangers.police, code)
    strangers.wire.find(CIVIL)
    strangers.wire.tamper(CIVIL, "/join", lambda _request, _answer: httpx.Response(404))
    with pytest.raises(PeerUnreachable, match="404"):
        ask(strangers.police, code)
    strangers.wire.behave()
    strangers.wire.tamper(CIVIL, "/join", lambda _request, _answer: httpx.Response(200, content=b'{"state": "king"}'))
    with pytest.raises(PeerUnreachable, match="no answer"):
        ask(strangers.police, code)
    strangers.wire.behave()
    assert ask(strangers.police, code).state == "waiting"


def test_what_the_other_side_says_cannot_write_on_our_terminal(strangers):
    code = invite(strangers.civil)
    nasty = json.dumps({"detail": "a\x1b]0;gotcha\x07" + "x" * 3_000})
    strangers.wire.tamper(CIVIL, "/join", lambda _request, _answer: httpx.Response(409, content=nasty))
    with pytest.raises(Misconfigured) as caught:
        ask(strangers.police, code)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_after_a_crash_between_both_sides_the_same_commands_complete_it(strangers):
    """民政局 has answered yes; 公安局's machine died before it heard so."""
    host, guest = strangers.civil, strangers.police
    code = invite(host)
    ask(guest, code)
    confirm(host, code)
    assert (followed(host), followed(guest)) == (["公安局"], [])
    assert ask(guest, code).state == "joined"
    add_peer(guest, host.public_url, host.keys.fingerprint)
    assert followed(guest) == ["民政局"]


def test_every_bit_of_the_code_counts(strangers):
    code = invite(strangers.civil)
    letters, _, url = code.text.partition("@")
    raw = b32decode(letters.upper())
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Misconfigured):
            JoinCode.parse(f"{b32encode(bytes(flipped)).decode().lower()}@{url}")
