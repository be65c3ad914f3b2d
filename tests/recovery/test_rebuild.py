"""A node that lost its database and has no backup: rebuilt from its peers' mirrors, never with a second history."""

from dataclasses import replace

import pytest
from sqlalchemy import func, inspect, select

from ledger.audit.crosscheck import run_round
from ledger.desk import Desk
from ledger.errors import CodeWrong, ForkFound, MarkLost, Misconfigured, PeerUnreachable
from ledger.high_water import HighWater
from ledger.keys import generate
from ledger.log import OwnLog
from ledger.merkle.note import sign_note
from ledger.node import Node, open_database
from ledger.peers import witness
from ledger.peers.address_book import AddressBook
from ledger.peers.home import read_peers
from ledger.peers.joining import remove_peer
from ledger.peers.lost import officers_without_keys, what_is_missing
from ledger.peers.publish import publish_round
from ledger.peers.recovery import recover
from ledger.rebuilding import rebuild
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading
from ledger.storage.findings import read_findings
from tests.fakes.network import body, flip, status
from tests.peers.rig import County, make_county
from tests.peers.test_peers_rotation import rotate
from tests.recovery.rig import all_entries, lose_mark, no_rotation, put_back, yesterday

URLS = ["https://22.example", "https://23.example"]
THIRD = "https://24.example"


class Lost:
    """民政局 without its database, and without its mark unless that is said."""

    def __init__(self, county: County, url: str, *, mark: bool = False) -> None:
        self.county, self.url, self.node = county, url, county.civil
        self.held = all_entries(self.node)
        self.node.engine.dispose()
        if not mark:
            lose_mark(self.node)

    @property
    def settings(self):
        return replace(self.node.settings, database_url=self.url)

    @property
    def mark(self) -> HighWater:
        return HighWater.beside(self.node.settings.key_file)

    def rebuild(self, urls=URLS, keys=None):
        return rebuild(self.settings, keys or [self.node.keys], urls, self.node.client, self.node.now)

    def opened(self) -> Node:
        """As its processes find it after that: with nothing signed yet."""
        engine, keys = open_database(self.settings), self.node.keys
        log = OwnLog(engine, self.node.origin, keys.log, self.mark, self.node.now)
        parts = {"settings": self.settings, "engine": engine, "high_water": self.mark, "log": log}
        again = replace(self.node, **parts, desk=Desk(log, keys, log.now))
        self.county.nodes[again.name] = again
        self.county.serve(again)
        return again

    def recovered(self) -> Node:
        """After it has found out what it may sign, and has the new keys that it needs."""
        if self.county.civil is self.node:
            self.opened()
        assert recover(self.county.civil, lambda role: rotate(self.county, self.county.civil, role)).may_sign
        return self.county.civil

    def tables(self) -> list[str]:
        engine = open_engine(self.url)
        with reading(engine) as connection:
            found = inspect(connection).get_table_names()
        engine.dispose()
        return found

    def entries(self) -> list[bytes]:
        """What stands in the database now, whole or not."""
        engine = open_engine(self.url)
        with reading(engine) as connection:
            found = connection.execute(select(schema.entries.c.entry).order_by(schema.entries.c.idx)).scalars().all()
        engine.dispose()
        return [*found]

    def check_nothing_written(self, before: bool = True) -> None:
        assert not self.tables()
        assert self.mark.is_missing() is before


@pytest.fixture
def worked(county: County) -> County:
    """Some records that both others hold."""
    county.town.apply()
    county.round()
    county.round()
    return county


@pytest.fixture
def lost(worked, tmp_path) -> Lost:
    return Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")


@pytest.fixture
def either_lost(worked, database_url, tmp_path) -> Lost:
    """The same, to be rebuilt on each kind of database."""
    return Lost(worked, database_url.replace("node.db", "rebuilt.db"))


# --- it comes back ---


def test_log_and_facts_come_back_byte_for_byte_and_everybody_accepts_what_is_recorded_next(either_lost):
    county = either_lost.county
    with county.facts("公安局") as facts:
        before = facts.network.log_id(county.civil.origin)
        assert before is not None
    found = either_lost.rebuild()
    assert (found.size, found.followed, found.missing) == (len(either_lost.held), ("公安局", "财政局"), ())
    node = either_lost.opened()
    assert all_entries(node) == either_lost.held
    with pytest.raises(MarkLost):  # nothing is signed before its peers have been asked as departments
        publish_round(node)
    node = either_lost.recovered()
    node.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    for _ in range(3):
        reports = county.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)
    assert not [one for name in county.nodes for one in county.findings(name)]
    assert county.held("公安局", node) == county.size(node) == len(either_lost.held) + 3  # two rotations, one officer
    assert county.held("民政局", county.finance) == county.size(
        county.finance
    )  # the others' logs came by ordinary rounds


def test_the_facts_are_those_of_a_mirror_that_never_lost_anything(lost):
    lost.rebuild()
    node, police = lost.opened(), lost.county.police

    def folded(one):
        with reading(one.engine) as connection:
            log_id = connection.execute(select(schema.logs.c.id).where(schema.logs.c.origin == node.origin)).scalar()
            columns = [column for column in schema.objects.c if column.name != "log_id"]
            return connection.execute(select(*columns).where(schema.objects.c.log_id == log_id)).all()

    assert sorted(map(tuple, folded(node)), key=str) == sorted(map(tuple, folded(police)), key=str)
    assert len(folded(node)) > 5


def test_witness_and_mirror_get_new_keys_and_the_log_keeps_its_own(lost):
    old = lost.node.keys
    lost.rebuild()
    new = lost.recovered().keys
    assert new.witness_vkeys != old.witness_vkeys
    assert new.mirror_vkeys != old.mirror_vkeys
    assert new.log_vkeys == old.log_vkeys


def test_with_its_mark_the_node_keeps_its_keys_and_its_witness_goes_on_from_there(worked, tmp_path):
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}", mark=True)
    cosigned = lost.mark.witness_heads()
    lost.rebuild()
    node = lost.opened()
    assert recover(node, no_rotation).may_sign
    with reading(node.engine) as connection:
        seen = witness.last_seen(connection, worked.police.origin)
    assert (seen.size, seen.root) == cosigned[worked.police.origin]
    node.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    for _ in range(2):
        reports = worked.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)


def test_keys_that_were_rotated_long_ago_ours_and_theirs_lead_back_as_well(worked, tmp_path):
    rotate(worked, worked.civil, "desk", "log", "witness")
    rotate(worked, worked.police, "log", "desk", "mirror")
    for _ in range(3):
        worked.round()
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    found = lost.rebuild()
    assert (found.followed, found.missing) == (("公安局", "财政局"), ())
    assert all_entries(lost.recovered())[: len(lost.held)] == lost.held
    for _ in range(2):
        reports = worked.round()
    assert all(row.error is None for report in reports.values() for row in report.rows)


def test_a_rotation_that_was_under_way_is_found_by_the_coming_keys(worked, tmp_path):
    before = worked.civil.keys
    rotate(worked, worked.civil, "log")
    for _ in range(2):
        worked.round()
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    assert lost.rebuild(keys=[before, lost.node.keys]).size == len(lost.held)


def test_a_key_file_from_before_a_rotation_is_refused_and_named(worked, tmp_path):
    before = worked.civil.keys
    rotate(worked, worked.civil, "witness")
    for _ in range(2):
        worked.round()
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    with pytest.raises(Misconfigured, match=r"does not hold the witness key .* newer key file"):
        lost.rebuild(keys=[before])
    with pytest.raises(Misconfigured, match="run it again"):
        lost.opened()
    lost.rebuild()  # with the newer file
    assert all_entries(lost.opened()) == lost.held


# --- what is lost is said ---


def test_officers_whose_keys_are_gone_are_listed_cannot_sign_in_and_are_enrolled_again(lost):
    town = lost.county.town
    lost.rebuild()
    node = lost.recovered()
    with reading(node.engine) as connection:
        gone = officers_without_keys(connection, node.log.id)
    assert {one.handle for one in gone} == {each.handle for each in town.civil.staff.values()}
    clerk = town.civil.staff["林芳"].handle
    with pytest.raises(CodeWrong):
        node.desk.sign_in(clerk, town.civil.code("林芳"), "a")
    node.desk.revoke(clerk)
    again = node.desk.enrol("林芳", ("clerk",), "id-21-林芳")
    with reading(node.engine) as connection:
        assert clerk not in {one.handle for one in officers_without_keys(connection, node.log.id)}
    assert node.desk.open_case("linshi-jiuzhu", {"applicant": "王桂兰"}, by=again.handle, once="x").number
    lost.county.round()
    lost.county.round()
    assert not [one for name in lost.county.nodes for one in lost.county.findings(name)]


def test_every_record_whose_private_part_is_gone_is_named_and_no_number_is_given_twice(worked, tmp_path):
    given = worked.town.civil.desk.open_case(
        "linshi-jiuzhu", {"applicant": "孙丽"}, by=worked.town.civil.staff["林芳"].handle, once="before"
    )
    worked.round()
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    lost.rebuild()
    node = lost.recovered()
    with reading(node.engine) as connection:
        kinds = [one.kind for one in what_is_missing(connection, node.log.id)]
        assert connection.execute(select(func.count()).select_from(schema.bindings)).scalar_one() == 0
    assert kinds.count("case-submitted") >= 2
    assert "enrolment" in kinds
    again = node.desk.enrol("新来的", ("clerk",), "11010519491231002X")
    opened = node.desk.open_case("linshi-jiuzhu", {"applicant": "孙丽"}, by=again.handle, once="after")
    assert opened.number != given.number


def test_a_department_that_was_removed_is_not_followed_again(worked, tmp_path):
    remove_peer(worked.civil, "公安局")
    worked.round()
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    found = lost.rebuild()
    assert (found.followed, found.missing) == (("财政局",), ())


# --- peers that lie ---


def test_a_mirror_with_a_shorter_history_of_ours_loses_to_the_longest(worked, tmp_path):
    copy = yesterday(worked.police)
    worked.town.apply()
    worked.round()
    worked.round()
    put_back(worked, worked.police, copy)  # what it shows is true, and old
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    assert lost.rebuild().size == len(lost.held)
    assert lost.entries() == lost.held


def test_one_that_shows_an_old_history_alone_is_not_enough_though_that_history_knows_few_members(tmp_path):
    county = make_county(tmp_path, onlookers=["审计局"])
    county.round()
    copy = yesterday(county.police)
    county.town.apply()
    county.round()
    county.round()
    lost = Lost(county, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    put_back(county, county.police, copy)
    for host in ("22.example", "24.example"):
        county.wire.lose(host)
    with pytest.raises(PeerUnreachable, match=r"1 of 3 departments .* it takes 2"):
        lost.rebuild([*URLS, THIRD])
    lost.check_nothing_written()
    county.wire.find("24.example")
    assert lost.rebuild([*URLS, THIRD]).size == len(lost.held)
    county.close()


def test_so_many_departments_as_were_named_are_waited_for_whatever_the_history_knows(lost):
    lost.rebuild()
    node = lost.opened()
    lost.mark.expect(4)  # of four, two must have said
    lost.county.wire.lose("23.example")
    standing = recover(node, no_rotation)
    assert (standing.may_sign, standing.said, standing.needed) == (False, 1, 2)


@pytest.mark.parametrize("lie", ["a flipped bit in an entry", "an entry withheld", "nothing"])
def test_a_mirror_that_rewrites_or_withholds_is_named_and_the_next_one_is_asked(lost, lie):
    path, change = {
        "a flipped bit in an entry": ("/tile/entries/", flip(-60)),
        "an entry withheld": ("/tile/entries/", lambda request, answer: body(answer.read()[:-700])(request, answer)),
        "nothing": ("/checkpoint", status(404)),
    }[lie]
    county = lost.county
    county.wire.tamper("22.example", f"/mirror/{witness.hash_of_origin(lost.node.origin)}{path}", change)
    found = lost.rebuild()
    assert lost.entries() == lost.held
    if lie == "nothing":  # its witness speaks, and it says of no entry that it holds it
        assert found.doubted == ()
    else:
        [line] = found.doubted
        assert line.startswith("财政局: ")


def test_when_every_mirror_withholds_nothing_is_believed_and_the_same_command_completes_it(lost):
    for host in ("22.example", "23.example"):
        lost.county.wire.tamper(host, "/tile/entries/", flip(-60))
    with pytest.raises(PeerUnreachable, match=r"no mirror that answers was believed:\n财政局: .*\n公安局: "):
        lost.rebuild()
    assert lost.entries() == []
    with pytest.raises(Misconfigured, match="restore --from-peers"):
        lost.opened()
    lost.county.wire.behave()
    lost.rebuild()
    assert all_entries(lost.opened()) == lost.held


def test_a_history_signed_by_other_keys_is_nobodys_word_and_is_named(lost):
    stranger = generate(lost.node.origin)
    note = sign_note(f"{lost.node.origin}\n9000\n" + "A" * 43 + "=\n", [stranger.log[0]])
    for role in ("/witness/", "/mirror/"):
        lost.county.wire.tamper("23.example", role, body(note))
    found = lost.rebuild()
    assert found.size == len(lost.held)
    assert found.doubted == ("公安局: shows no head that we have signed",)


def test_two_histories_with_our_own_signature_are_evidence_and_nothing_is_taken(worked, tmp_path):
    fork, honest = worked.fork(worked.civil), worked.civil
    for _ in range(5):
        fork.desk.enrol("贼", ("clerk",), "11010519491231002X")
    worked.wire.lose("23.example")
    worked.town.apply()
    worked.round("财政局")
    worked.wire.find("23.example")
    worked.wire.lose("22.example")
    worked.serve(fork)
    worked.publish("民政局")
    publish_round(fork)
    worked.clock.wait(5)
    run_round(worked.police, "民政局")
    worked.wire.find("22.example")
    worked.nodes["民政局"] = honest
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    for _ in range(2):
        with pytest.raises(ForkFound):
            lost.rebuild()
    assert lost.entries() == []
    engine = open_engine(lost.url)
    with reading(engine) as connection:
        assert [one.rule for one in read_findings(connection)] == ["R36"]
    engine.dispose()


def test_somebody_at_a_members_address_with_other_keys_is_not_followed(worked, tmp_path):
    lost = Lost(worked, f"sqlite:///{tmp_path / 'rebuilt.db'}")
    impostor = make_county(_folder(tmp_path), acquainted=False)
    worked.wire.host("23.example", impostor.wire.sites["23.example"])
    impostor.publish(cosign=False)
    found = lost.rebuild()
    assert found.followed == ("财政局",)
    [line] = found.missing
    assert line.startswith("公安局 (23.example/log)")
    assert "never those that our log has of it" in line
    impostor.close()


def _folder(tmp_path):
    made = tmp_path / "impostor"
    made.mkdir()
    return made


# --- peers that are not there, and what is there already ---


def test_a_peer_that_is_down_is_named_and_followed_when_the_same_command_finds_it(lost):
    lost.county.wire.lose("23.example")
    found = lost.rebuild()
    assert (found.size, found.followed) == (len(lost.held), ("财政局",))
    assert [line.split(" ")[0] for line in found.missing] == ["公安局"]
    lost.recovered()
    lost.county.wire.find("23.example")
    lost.node = lost.county.civil
    found = lost.rebuild()
    assert (found.followed, found.missing) == (("公安局", "财政局"), ())
    with reading(lost.county.civil.engine) as connection:
        assert len(read_peers(connection)) == 2


def test_with_nobody_there_nothing_is_written(lost):
    for host in ("22.example", "23.example"):
        lost.county.wire.lose(host)
    with pytest.raises(PeerUnreachable, match=r"nothing was written: of 2 departments nobody answered"):
        lost.rebuild()
    lost.check_nothing_written()


def test_with_empty_mirrors_nothing_is_written(lost):
    for host in ("22.example", "23.example"):
        lost.county.wire.tamper(host, "/mirror/", status(404))
        lost.county.wire.tamper(host, "/witness/", status(404))
    with pytest.raises(PeerUnreachable, match="nobody shows a head of"):
        lost.rebuild()
    lost.check_nothing_written()


def test_a_database_that_holds_anything_is_never_overwritten(lost):
    lost.url = str(lost.node.engine.url)
    with pytest.raises(Misconfigured, match="never overwritten"):
        lost.rebuild()
    assert lost.mark.is_missing()


def test_our_own_address_is_nobodys_word(lost):
    lost.county.serve(lost.county.finance)
    lost.county.wire.lose("22.example")
    lost.county.wire.lose("23.example")
    with pytest.raises(PeerUnreachable, match="nothing was written"):
        lost.rebuild(["https://21.example"])
    lost.check_nothing_written()


def test_each_round_keeps_beside_the_keys_where_the_others_are(worked):
    book = AddressBook.beside(worked.civil.settings.key_file)
    assert book.read() == {"22.example/log": URLS[0], "23.example/log": URLS[1]}
    before = book.path.stat().st_mtime_ns
    worked.round()
    assert book.path.stat().st_mtime_ns == before  # nothing new
    remove_peer(worked.civil, "公安局")
    worked.round()
    assert book.read() == {"22.example/log": URLS[0]}
    book.path.write_text("{")
    worked.round()
    assert book.read() == {"22.example/log": URLS[0]}
    # Who was not followed again when a node was rebuilt is still asked when it is tried once more.
    book.keep({"22.example/log": URLS[0], "24.example/log": "https://24.example"})
    worked.round()
    assert book.read() == {"22.example/log": URLS[0], "24.example/log": "https://24.example"}


def test_it_says_how_far_it_has_come(lost):
    said = []
    back = rebuild(
        lost.settings, [lost.node.keys], URLS, lost.node.client, lost.node.now, lambda *far: said.append(far)
    )
    assert said[-1] == (back.size, back.size)
    assert [done for done, _ in said] == sorted({done for done, _ in said})
