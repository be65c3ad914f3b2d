"""One member lets a newcomer in by one code; the others agree in the chat, and everybody follows everybody."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.audit.verify import verify_database
from ledger.epochs import View, view_of
from ledger.errors import PeerUnreachable, Refused
from ledger.peers.asking import ask_to_join, meet
from ledger.peers.home import read_peers
from ledger.peers.introduced import (
    Known,
    follow_introduced,
    read_introduced,
    read_wanted,
    sign_introduction,
    to_follow,
)
from ledger.peers.invitations import invite
from ledger.peers.joining import add_peer, fetch_node, remove_peer
from ledger.peers.members import Waiting, found_network, in_order, read_waiting
from ledger.records import base64url
from ledger.records.epochs import JOINED, LEFT, Change, Member, Vote, founding_name, sorted_members
from ledger.records.statement import Statement, parse_record
from ledger.rules.epochs import Said
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.peers.membership import FIRST, NEW, OTHER, Network, copy_of, founded_county
from tests.peers.rig import County, doors
from tests.peers.smuggling import put, signed

AT_NEW = "25.example"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    county = founded_county(tmp_path_factory.mktemp("founded"))
    yield county
    county.close()


@pytest.fixture
def network(founded: County, tmp_path: Path) -> Iterator[Network]:
    """The first four are a network."""
    made = copy_of(founded, tmp_path)
    yield made
    made.county.close()


def followed(network: Network, name: str) -> set[str]:
    with reading(network.node(name).engine) as connection:
        return {peer.name for peer in read_peers(connection)}


def wanted(network: Network, name: str) -> dict[str, bool]:
    """Whom a department should follow and does not, and whether it may go there."""
    with reading(network.node(name).engine) as connection:
        return {one.name: one.may_ask for one in read_wanted(connection)}


def introduced(network: Network, name: str, about: str = NEW) -> Known:
    """What a department reads of another one in the others' logs."""
    with reading(network.node(name).engine) as connection:
        [known] = [one for one in read_introduced(connection) if one.found.name == about]
    return known


def asked(network: Network, host: str) -> list[str]:
    return network.county.wire.paths(host)


def memberships(network: Network, name: str) -> list[tuple[str, str]]:
    node = network.node(name)
    with reading(node.engine) as connection:
        size = entries.read_edge(connection, node.log.id).size
        records = [*map(parse_record, entries.read_entries(connection, node.log.id, 0, size))]
    return [(one.clear["change"], one.clear["member"]) for one in records if one.kind == "membership"]


def record_of(network: Network, by: str, about: str) -> dict[str, Any]:
    """What a department's log says of another one, as it let it in."""
    node, origin = network.node(by), network.node(about).origin
    with reading(node.engine) as connection:
        size = entries.read_edge(connection, node.log.id).size
        records = [*map(parse_record, entries.read_entries(connection, node.log.id, 0, size))]
    [found] = [one for one in records if one.kind == "membership" and one.clear["member"] == origin]
    return dict(found.clear)


# --- the whole way ---


def test_a_newcomer_joins_four_by_one_code_and_three_words_in_the_chat(network: Network):
    network.join("民政局")
    network.round(*FIRST)  # the others hear of it, and NEW has not been asked by any of them
    for name in FIRST[1:]:
        assert NEW not in followed(network, name)
        assert f"{NEW}要加入：还没有部门同意，要3家，民政局介绍" in network.say(name, "#同意加入")
        assert "有1件部门加入或退出的事" in network.say(name, "#待办")
    # The newcomer follows the network of whoever invited it, from that one's log.
    network.round(NEW)
    assert followed(network, NEW) == set(FIRST)
    # Its words are read back before anything is signed, though our node has never been there.
    words = network.node(NEW).keys.fingerprint
    told = network.say("财政局", f"#同意加入 {NEW}")
    for part in (f"{NEW}（25.example/log）加入", "介绍它的部门：民政局", "https://25.example", words):
        assert part in told
    network.agree(f"#同意加入 {NEW}", "财政局", "民政局")
    network.round()
    assert NEW in followed(network, "财政局")
    assert NEW not in followed(network, "公安局")
    network.agree(f"#同意加入 {NEW}", "公安局")
    for _ in range(4):
        network.round()
    # In force from the third word; whoever had not spoken follows as well.
    everybody = {*FIRST, NEW}
    assert {network.count(name) for name in everybody} == {(2, 5)}
    assert all(followed(network, name) == everybody - {name} for name in everybody)
    assert all(network.policy(name).groups[0].threshold == 4 for name in everybody)
    assert all(len(network.policy(name).witnesses) == 5 for name in everybody)
    lines = network.doctor(NEW)
    assert (lines["policy"].good, lines["quorum"].found) == (
        True,
        "5 of 5 departments look at our log, 4 make it believed",
    )
    assert memberships(network, "审计局").count(("added", "25.example/log")) == 1
    assert verify_database(network.node("民政局").engine, "22.example/log").faults == ()
    # Nothing more is said in later rounds.
    sizes = [network.county.size(network.node(name)) for name in FIRST]
    network.round()
    assert [network.county.size(network.node(name)) for name in FIRST] == sizes


def test_nobody_is_asked_at_an_address_before_its_administrator_has_agreed(network: Network):
    network.join("民政局")
    for _ in range(3):
        network.round(*FIRST)
    network.county.wire.asked.clear()
    for name in FIRST[1:]:
        network.round(name)
        network.say(name, f"#同意加入 {NEW}")  # read back, and not signed
        network.round(name)
    assert asked(network, AT_NEW) == []
    network.agree(f"#同意加入 {NEW}", "财政局")
    network.round("财政局")
    assert asked(network, AT_NEW) != []


def test_a_newcomer_that_is_down_when_it_is_agreed_to_is_followed_when_it_is_back(network: Network):
    network.join("民政局")
    network.round()
    network.county.wire.lose(AT_NEW)
    network.agree(f"#同意加入 {NEW}", "财政局", "公安局", "民政局")
    for _ in range(3):
        network.round(*FIRST)
    assert network.count("审计局") == (2, 5)
    assert NEW not in followed(network, "财政局")
    line = network.doctor("财政局")["member"]
    assert (line.good, f"{NEW} is not followed here yet" in line.found, "did not answer" in line.found) == (
        False,
        True,
        True,
    )
    # One that has not agreed goes nowhere while a single department stands behind the address.
    assert wanted(network, "审计局") == {NEW: False}
    assert "too few of the members have introduced it" in network.doctor("审计局")["member"].found
    network.county.wire.find(AT_NEW)
    for _ in range(4):
        network.round()
    assert all(NEW in followed(network, name) for name in FIRST)
    assert "member" not in network.doctor("审计局")


def test_a_member_that_is_down_while_the_newcomer_joins_learns_of_it_afterwards(network: Network):
    network.county.wire.lose("24.example")
    network.join("民政局")
    network.round("民政局", "财政局", "公安局", NEW)
    assert wanted(network, NEW) == {"审计局": True}
    network.agree(f"#同意加入 {NEW}", "财政局", "公安局", "民政局")
    network.round("民政局", "财政局", "公安局", NEW)
    network.county.wire.find("24.example")
    for _ in range(4):
        network.round()
    assert {network.count(name) for name in (*FIRST, NEW)} == {(2, 5)}
    assert followed(network, NEW) == set(FIRST)
    assert NEW in followed(network, "审计局")


def test_a_newcomer_that_a_later_member_lets_in_finds_the_founders(network: Network):
    """The log of whoever joined later says nothing of how the network began."""
    network.join("民政局")
    network.round()
    network.agree(f"#同意加入 {NEW}", *FIRST[:3])
    for _ in range(3):
        network.round()
    assert network.count(NEW) == (2, 5)
    network.county.wire.lose("24.example")  # one of the founders does not answer just now
    network.join(NEW, OTHER)
    for _ in range(3):
        network.round("民政局", "财政局", "公安局", NEW, OTHER)
    assert followed(network, OTHER) == {*FIRST[:3], NEW}
    network.county.wire.find("24.example")
    network.agree(f"#同意加入 {OTHER}", *FIRST[:3], NEW)
    for _ in range(4):
        network.round(*FIRST, NEW, OTHER)
    everybody = {*FIRST, NEW, OTHER}
    assert {network.count(name) for name in everybody} == {(3, 6)}
    assert all(followed(network, name) == everybody - {name} for name in everybody)


def test_whoever_followed_somebody_before_there_is_a_network_follows_nobody_unasked(network: Network):
    """Only who was let in by a member goes where that one's log leads."""
    network.join("民政局")
    network.round()
    network.agree(f"#同意加入 {NEW}", *FIRST[:3])
    for _ in range(3):
        network.round()
    add_peer(network.node(OTHER), network.node(NEW).public_url, network.node(NEW).keys.fingerprint)
    for _ in range(2):
        network.round(*FIRST, NEW, OTHER)
    assert followed(network, OTHER) == {NEW}


def test_whoever_was_removed_by_hand_is_not_followed_again_by_itself(network: Network):
    network.join("民政局")
    network.round()
    remove_peer(network.node(NEW), "财政局")
    network.round()
    assert "财政局" not in followed(network, NEW)
    assert wanted(network, NEW) == {}


def test_a_newcomer_whom_members_of_two_networks_have_invited_follows_neither_by_itself():
    ours, theirs = (tuple(Member(f"{name}.example/log", "g") for name in some) for some in ("ab", "cd"))
    own = Member("new.example/log", "g")
    said = (*(Said(one, (ours,), ()) for one in ours), *(Said(one, (theirs,), ()) for one in theirs))
    view = View(own, None, (), (), said, ())
    assert to_follow(view, {"a.example/log"}) == [*ours]
    assert to_follow(view, {"c.example/log", "d.example/log"}) == [*theirs]
    assert to_follow(view, {"a.example/log", "c.example/log"}) == []
    assert to_follow(view, set()) == []


@pytest.mark.attack
def test_before_there_is_a_network_the_founding_of_one_that_we_follow_has_nobody_followed():
    """A liar among departments that have not founded anything yet names nine puppets."""
    a, b, c, liar = (Member(f"{name}.example/log", "g") for name in ("a", "b", "c", "liar"))
    puppets = [Member(f"p{number}.example/log", "g") for number in range(9)]
    false = sorted_members([liar, *puppets])
    view = view_of(Said(a, (), ()), [Said(a, (), ()), Said(b, (), ()), Said(c, (), ()), Said(liar, (false,), ())])
    assert to_follow(view, set()) == []
    # Nor when another one has let us in: not in the place of that one's network, and not beside it.
    true = sorted_members([b, c])
    said = [Said(a, (), ()), Said(b, (true,), ()), Said(liar, (false,), ())]
    assert to_follow(view_of(said[0], said), {b.origin}) == [b, c]


@pytest.mark.attack
def test_a_liar_that_a_newcomer_follows_as_well_leads_it_nowhere_and_does_not_hold_it_up(network: Network):
    liar, other = network.node(NEW), network.node(OTHER)
    add_peer(other, liar.public_url, liar.keys.fingerprint)
    first = network.node("民政局")
    add_peer(liar, first.public_url, first.keys.fingerprint)
    found_network(liar)
    for _ in range(2):
        network.round(NEW, OTHER)
    assert (wanted(network, OTHER), followed(network, OTHER)) == ({}, {NEW})
    network.join("财政局", OTHER)
    for _ in range(3):
        network.round(*FIRST, OTHER)
    assert followed(network, OTHER) == {*FIRST, NEW}


def test_whom_a_network_has_taken_in_since_is_followed_once_the_founders_logs_are_here():
    founders = a, b = tuple(Member(f"{name}.example/log", "g") for name in "ab")
    later, own = (Member(f"{name}.example/log", "g") for name in ("later", "own"))
    vote = Vote(1, Change(2, founding_name(founders), JOINED, "later", later))
    said = [Said(own, (), ()), *(Said(one, (founders,), (vote,)) for one in founders), Said(later, (), ())]
    view = view_of(said[0], said)
    assert to_follow(view, {a.origin}) == to_follow(view, {later.origin}) == [a, b, later]
    # Until then by the word of whoever let us in; a member that joined later has only its introductions.
    early = view_of(said[0], [said[0], said[1]])
    assert to_follow(early, {a.origin}) == [a, b]
    lately = view_of(said[0], [said[0], said[3]])
    assert to_follow(lately, {later.origin}, [a, b]) == [a, b]
    assert to_follow(lately, set(), [a, b]) == []


def test_who_has_left_follows_the_members_again_when_one_agrees_after_epochs_that_it_has_not_heard_of():
    founders = a, b, own = tuple(Member(f"{name}.example/log", "g") for name in ("a", "b", "own"))
    left = Vote(1, Change(2, founding_name(founders), LEFT, "own", own))
    back = Vote(1, Change(7, "an epoch that is not known here", JOINED, "own", own))

    def seen(*more: Vote) -> View:
        said = [Said(a, (founders,), (left, *more)), Said(b, (founders,), (left,)), Said(own, (founders,), (left,))]
        return view_of(said[2], said)

    epoch = seen().epoch
    assert (epoch is not None and epoch.members, to_follow(seen(), set())) == ((a, b), [])
    assert to_follow(seen(back), set()) == [a, b]


def test_the_answer_to_the_newcomer_says_who_is_in_the_network(network: Network):
    host, guest = network.node("民政局"), network.node(NEW)
    code = invite(host)
    standing = ask_to_join(guest, code, meet(guest, code))
    assert (standing.network, standing.others) == (True, ("公安局", "审计局", "财政局"))


# --- attacks ---


def lying_record(network: Network, liar: str, about: str, **changed) -> bytes:
    """A membership record of a liar about a newcomer, with something in it changed."""
    said = record_of(network, "民政局", about)
    card = {**said["introduction"], **changed.pop("card", {})}
    return signed(
        network.node(liar),
        Statement("membership", changed.pop("handle", "A" * 22), {**said, **changed, "introduction": card}),
    )


@pytest.mark.attack
@pytest.mark.parametrize(
    "card",
    [
        {"url": "https://evil.example"},
        {"genesis": base64url.encode(bytes(32))},
        {"number_prefix": "99"},
        {"desk_key": base64url.encode(bytes(32))},
        {"signature": base64url.encode(bytes(64))},
    ],
)
def test_an_introduction_that_was_changed_on_its_way_is_refused_by_all(network: Network, card: dict[str, str]):
    network.join("民政局")
    put(network.node("财政局"), lying_record(network, "财政局", NEW, card=card))
    for _ in range(2):
        network.round(*FIRST)
    [found] = network.county.findings("公安局")
    assert (found.rule, found.facts["reason"], found.facts["departments"]) == ("R50", "not-introduced", ["财政局"])
    known = introduced(network, "公安局")
    assert (*known.by, *known.urls) == ("21.example/log", "https://25.example")


@pytest.mark.attack
def test_an_introduction_is_not_signed_by_our_own_desk_when_it_is_a_lie(network: Network):
    network.join("民政局")
    said = record_of(network, "民政局", NEW)
    said["introduction"] = {**said["introduction"], "url": "https://evil.example"}
    with pytest.raises(Refused) as caught:
        network.node("财政局").desk.submit(Statement("membership", "A" * 22, said), by="desk", once="lie")
    assert caught.value.reason == "not-introduced"


@pytest.mark.attack
def test_a_department_that_two_members_introduce_at_two_addresses_is_followed_at_neither(network: Network):
    """It says so itself, with its own key: it has moved, or somebody has its key. A person finds out."""
    network.join("民政局")
    moved = replace(network.node(NEW), settings=replace(network.node(NEW).settings, public_url="https://moved.example"))
    with reading(moved.engine) as connection:
        card = sign_introduction(connection, moved)
    put(network.node("财政局"), lying_record(network, "财政局", NEW, card=card.claim))
    for _ in range(2):
        network.round(*FIRST)
    assert network.county.findings("公安局") == []
    told = network.say("公安局", f"#同意加入 {NEW}")
    assert f"民政局、财政局对{NEW}的介绍不一样" in told or f"财政局、民政局对{NEW}的介绍不一样" in told
    assert "各部门介绍的不一样" in network.say("公安局", "#同意加入")
    network.county.wire.asked.clear()
    network.round("公安局")
    assert asked(network, AT_NEW) == asked(network, "moved.example") == []


@pytest.mark.attack
def test_whoever_answers_at_the_newcomers_address_with_another_log_is_not_followed(network: Network):
    network.join("民政局")
    network.round(*FIRST)
    network.agree(f"#同意加入 {NEW}", "财政局")
    there = network.county.wire.sites[AT_NEW]
    network.county.wire.host(AT_NEW, network.county.wire.sites["26.example"])
    network.round("财政局")
    assert NEW not in followed(network, "财政局")
    network.county.wire.host(AT_NEW, there)
    network.round("财政局")
    assert NEW in followed(network, "财政局")


@pytest.mark.attack
def test_a_log_that_begins_otherwise_than_was_agreed_to_is_not_followed(network: Network):
    network.join("民政局")
    network.round(*FIRST)
    known = introduced(network, "财政局")
    other = replace(known, member=known.member._replace(genesis=base64url.encode(bytes(32))))
    with pytest.raises(PeerUnreachable, match="begins with another record"):
        follow_introduced(network.node("财政局"), other)
    assert NEW not in followed(network, "财政局")


@pytest.mark.attack
def test_a_puppet_that_one_member_introduces_is_followed_and_counted_by_nobody(network: Network):
    network.join("民政局", OTHER)
    network.agree(f"#同意加入 {OTHER}", "民政局")
    for _ in range(3):
        network.round(*FIRST, OTHER)
    assert all(OTHER not in followed(network, name) for name in FIRST[1:])
    assert {network.count(name) for name in FIRST} == {(1, 4)}


def put_namesake(network: Network, liar: str) -> None:
    """A member introduces a department of its own making under the newcomer's name; it has signed that itself."""
    puppet = network.node(OTHER)
    named = replace(puppet, settings=replace(puppet.settings, name=NEW))
    with reading(puppet.engine) as connection:
        card = sign_introduction(connection, named)
    keys = {f"{one}_keys": [*getattr(puppet.keys, f"{one}_vkeys")] for one in ("log", "witness", "mirror")}
    put(network.node(liar), lying_record(network, liar, NEW, member=puppet.origin, card=card.claim, **keys))


@pytest.mark.attack
def test_a_name_that_fits_two_is_not_agreed_to_before_an_administrator_says_which_log(network: Network):
    network.join("民政局")
    put_namesake(network, "财政局")
    for _ in range(2):
        network.round(*FIRST)
    assert network.county.findings("公安局") == []
    for name in ("公安局", "民政局"):
        told = network.say(name, f"#同意加入 {NEW}")
        assert f"叫{NEW}的有2家：25.example/log、26.example/log" in told
        assert "请核对" not in told
    words = network.node(NEW).keys.fingerprint
    assert words in network.say("公安局", "#同意加入 25.example/log")
    # Whom we follow comes first.
    with reading(network.node("民政局").engine) as connection:
        assert [one.member.origin for one in read_waiting(connection)] == ["25.example/log", "26.example/log"]
    # What is tapped in the list names the log as well.
    listed = network.say("公安局", "#同意加入")
    assert words in network.say("公安局", str(1 if listed.index("民政局介绍") < listed.index("财政局介绍") else 2))


def test_one_member_that_introduces_many_does_not_push_others_off_the_list():
    def waiting(name: str, *by: str, words: str | None = "words", url: str | None = "https://x.example") -> Waiting:
        member = Member(f"{name}.example/log", "g")
        return Waiting(JOINED, name, member, (), 3, by_us=False, is_ours=True, words=words, url=url, by=by)

    puppets = [waiting(f"puppet{number}", "liar") for number in range(9)]
    given = [
        waiting("stranger", words=None, url=None),
        *puppets,
        waiting("newcomer", "host"),
        waiting("known", "host", "other"),
        waiting("ours", url=None),
    ]
    order = [one.department for one in in_order(given)]
    assert order == ["ours", "known", "puppet0", "newcomer", *(one.department for one in puppets[1:]), "stranger"]


def test_a_newcomer_that_cannot_be_told_apart_is_refused_before_anybody_signs(network: Network):
    """公安局 follows somebody else whose numbers begin alike; the others do not know that one."""
    network.join("民政局")
    network.round(*FIRST)
    there = network.node("公安局")
    known = introduced(network, "公安局")
    assert known.fingerprint == network.node(NEW).keys.fingerprint
    twin = network.node(OTHER)
    add_peer(there, twin.public_url, twin.keys.fingerprint)
    with transaction(there.engine) as connection:
        row = schema.peers.c
        connection.execute(schema.peers.update().where(row.origin == twin.origin).values(number_prefix="25"))
    told = network.say("公安局", f"#同意加入 {NEW}")
    assert f"本部门没法和{NEW}互相核对" in told
    assert "its number prefix 25 cannot be told from 25" in told
    assert f"{NEW}（25.example/log）加入" in network.say("财政局", f"#同意加入 {NEW}")


@pytest.mark.parametrize("card", ["text", {}, {"genesis": "short", "signature": "short"}, [1]])
def test_an_introduction_of_the_wrong_shape_is_not_believed(network: Network, card: object):
    def change(_request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        return httpx.Response(200, json={**json.loads(answer.read()), "introduction": card})

    network.county.wire.tamper(AT_NEW, "/node.json", change)
    with pytest.raises(PeerUnreachable, match="introduction is malformed"):
        fetch_node(network.node("民政局"), "https://25.example")


def test_an_address_that_has_changed_is_recorded_once(network: Network):
    """A department that moves is added again by its words; the others then know where it is."""
    network.join("民政局")
    moved = replace(network.node(NEW), settings=replace(network.node(NEW).settings, public_url="https://35.example"))
    network.county.wire.host("35.example", doors(moved))
    for _ in range(2):
        add_peer(network.node("民政局"), moved.public_url, moved.keys.fingerprint)
    assert memberships(network, "民政局").count(("added", "25.example/log")) == 2
    network.round(*FIRST)
    known = introduced(network, "财政局")
    assert known.urls == {"https://35.example"}
