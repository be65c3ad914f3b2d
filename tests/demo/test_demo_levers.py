"""The levers of the demo: one at a time, only for whoever knows the token, and what is put back is all of it."""

import json
import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.demo import levers as module
from handlers.demo.board import Board, Lever, Pull
from handlers.demo.control import PATH, create_control, listening
from handlers.demo.errors import LeverHeld, LeverUnknown
from handlers.demo.levers import Levers
from handlers.demo.processes import Processes
from handlers.demo.sites import Site, plan_sites
from handlers.demo.snapshot import Snapshot
from handlers.demo.steps import steps
from handlers.demo.words import both, pattern
from handlers.locale import TEXTS, words_in
from ledger.errors import Busy
from ledger.keys import HighWater
from tests.demo.network import until

DEPARTMENTS = ("民政局", "财政局", "公安局")


@pytest.fixture
def board() -> Board:
    return Board(DEPARTMENTS)


def enabled(board: Board) -> set[str]:
    return {one["name"] for one in board.state()["levers"] if one["enabled"]}


# --- the board ---


def test_at_the_beginning_there_is_nothing_to_restore_and_nobody_to_wake(board):
    assert enabled(board) == {"rewrite", "pause", "reset"}
    for lever in ("restore", "resume"):
        with pytest.raises(LeverHeld):
            board.pull(lever)


def test_a_lever_is_handed_to_whoever_works_once(board):
    board.pull("rewrite")
    assert board.next(0) == Pull(Lever.REWRITE)
    assert board.next(0) is None


def test_while_one_is_pulled_no_other_can_be(board):
    board.pull("rewrite")
    board.next(0)
    assert enabled(board) == set()
    for lever in ("rewrite", "restore", "reset", "resume"):
        with pytest.raises(LeverHeld):
            board.pull(lever)
    with pytest.raises(LeverHeld):
        board.pull("pause", "公安局")
    board.end("rewrite.done", department="财政局")
    assert enabled(board) == {"restore", "pause", "reset"}


def test_a_department_that_stands_still_can_be_woken_and_nothing_else(board):
    board.pull("pause", "公安局")
    assert board.next(0) == Pull(Lever.PAUSE, "公安局")
    assert enabled(board) == {"resume"}
    assert board.wanted_back(0) is False
    board.pull("resume")
    assert board.wanted_back(0) is True
    assert enabled(board) == set()
    board.end("pause.done", department="公安局")
    assert enabled(board) == {"rewrite", "pause", "reset"}


@pytest.mark.parametrize(("lever", "department"), [("", ""), ("explode", ""), ("pause", ""), ("pause", "教育局")])
def test_what_is_no_lever_or_no_department_is_said_and_changes_nothing(board, lever, department):
    with pytest.raises(LeverUnknown):
        board.pull(lever, department)
    assert board.state()["running"] is None


def test_a_lever_that_failed_says_why_in_both_languages_and_may_be_pulled_again(board):
    board.pull("rewrite")
    board.next(0)
    board.fail(both("lever.why.busy"), rewritten=False)
    state = board.state()
    assert state["failed"] is True
    assert state["says"] == {"zh": "没有成功：数据库正忙，请再按一次。", "en": state["says"]["en"]}
    assert "busy" in state["says"]["en"]
    assert "rewrite" in enabled(board)
    board.pull("rewrite")
    assert board.state()["failed"] is False


def test_books_that_were_rewritten_can_be_restored_also_when_what_followed_failed(board):
    board.pull("rewrite")
    board.next(0)
    board.fail(both("lever.why.busy"), rewritten=True)
    assert "restore" in enabled(board)


def test_beginning_again_forgets_what_was_done_and_counts_the_beginning(board):
    board.pull("rewrite")
    board.next(0)
    board.end("rewrite.done", department="财政局")
    assert board.state()["done"] == ["rewrite"]
    board.pull("reset")
    board.next(0)
    board.end("reset.done")
    assert (board.state()["done"], board.state()["beginnings"]) == ([], 2)
    assert "rewrite" in enabled(board)


def test_of_many_who_press_at_once_one_is_heard(board):
    heard, gate = [], threading.Barrier(8)

    def press() -> None:
        gate.wait()
        try:
            board.pull("rewrite")
            heard.append(1)
        except LeverHeld:
            pass

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 1


# --- the door ---


def test_the_door_is_on_loopback_and_opens_to_its_token_alone(board):
    with listening(board) as control, httpx.Client(trust_env=False) as http:
        assert control.url.startswith("http://127.0.0.1:")
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {control.token}x"},
            {"Authorization": "é"},
        ):
            raw: Any = {name: value.encode("utf-8") for name, value in headers.items()}
            assert http.get(control.url, headers=raw).status_code == 403
            assert http.post(control.url, headers=raw, json={"lever": "rewrite"}).status_code == 403
        assert board.next(0) is None
        good = {"Authorization": f"Bearer {control.token}"}
        assert http.get(control.url, headers=good).json()["running"] is None
        pulled = http.post(control.url, headers=good, json={"lever": "pause", "department": "公安局"})
        assert pulled.status_code == 202
        again = http.post(control.url, headers=good, json={"lever": "rewrite"})
        assert (again.status_code, again.headers["Content-Type"]) == (409, "application/problem+json")
        assert set(again.json()["says"]) == {"zh", "en"}
    assert board.next(0) == Pull(Lever.PAUSE, "公安局")
    assert control.token not in repr(control)
    with pytest.raises(httpx.TransportError):
        httpx.get(control.url, trust_env=False)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"lever": ["rewrite"]}', "application/json", 400),
        (b'{"lever": "rewrite"}', "text/plain", 415),
        (b'{"lever": "' + b"x" * 5_000 + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_request_is_refused_as_a_problem(board, body, kind, status):
    http = create_control(board, "t").test_client()
    answer = http.post(PATH, data=body, headers={"Authorization": "Bearer t", "Content-Type": kind})
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert board.next(0) is None


# --- all departments at one moment ---


@pytest.fixture
def sites(tmp_path: Path) -> tuple[Site, ...]:
    planned = plan_sites(tmp_path, 9_000)[:2]
    for site in planned:
        site.folder.mkdir()
        with closing(sqlite3.connect(site.folder / "node.db")) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("CREATE TABLE said (what TEXT)")
            db.execute("CREATE TABLE leases (name TEXT)")
            db.execute("INSERT INTO leases VALUES ('scheduler')")
            db.commit()
        write(site, "before")
        HighWater.beside(site.settings.key_file).path.write_text(json.dumps({"mark": "before"}))
    return planned


def write(site: Site, what: str) -> None:
    with closing(sqlite3.connect(site.folder / "node.db")) as db:
        db.execute("INSERT INTO said VALUES (?)", (what,))
        db.commit()


def said(site: Site) -> list[str]:
    with closing(sqlite3.connect(site.folder / "node.db")) as db:
        return [row[0] for row in db.execute("SELECT what FROM said")]


def mark(site: Site) -> Any:
    return json.loads(HighWater.beside(site.settings.key_file).path.read_text())["mark"]


def test_what_was_kept_is_put_back_under_whoever_has_it_open(sites, tmp_path):
    kept = Snapshot.take(sites, tmp_path / "kept")
    for site in sites:
        write(site, "after")
        HighWater.beside(site.settings.key_file).path.write_text(json.dumps({"mark": "after"}))
    with closing(sqlite3.connect(sites[0].folder / "node.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM said").fetchone() == (2,)
        kept.put_back()
        assert reader.execute("SELECT count(*) FROM said").fetchone() == (2,)  # as of its own moment
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM said").fetchone() == (1,)
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [said(site) for site in sites] == [["before"], ["before"]]
    assert [mark(site) for site in sites] == ["before", "before"]
    for site in sites:
        write(site, "goes on")
        assert said(site) == ["before", "goes on"]


def test_whoever_held_a_lease_then_holds_none_when_it_is_put_back(sites, tmp_path):
    Snapshot.take(sites, tmp_path / "kept").put_back()
    with closing(sqlite3.connect(sites[0].folder / "node.db")) as db:
        assert db.execute("SELECT count(*) FROM leases").fetchone() == (0,)


def test_it_can_be_put_back_more_than_once_and_then_be_forgotten(sites, tmp_path):
    kept = Snapshot.take(sites, tmp_path / "kept")
    for _ in range(2):
        write(sites[0], "after")
        kept.put_back()
        assert said(sites[0]) == ["before"]
    kept.forget()
    assert not (tmp_path / "kept").exists()


def test_nobody_writes_between_one_department_s_copy_and_another_s(sites, tmp_path, monkeypatch):
    """A writer that comes while the first is copied waits until the last one is."""
    order: list[str] = []
    copy = Snapshot.take.__globals__["_copy"]

    def slowly(source: Path, target: Path) -> None:
        copy(source, target)
        order.append("copied")
        if len(order) == 1:
            writer.start()
            time.sleep(0.2)

    def write_meanwhile() -> None:
        write(sites[1], "meanwhile")
        order.append("written")

    writer = threading.Thread(target=write_meanwhile)
    monkeypatch.setitem(Snapshot.take.__globals__, "_copy", slowly)
    kept = Snapshot.take(sites, tmp_path / "kept")
    writer.join()
    assert order == ["copied", "copied", "written"]
    monkeypatch.setitem(Snapshot.take.__globals__, "_copy", copy)
    kept.put_back()
    assert said(sites[1]) == ["before"]


# --- the hands ---


def hands(board: Board, work: Any) -> Levers:
    levers = cast("Levers", SimpleNamespace(board=board, _before=None))
    levers.work = lambda seconds: Levers.work(levers, seconds)  # type: ignore[method-assign]
    return levers


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Busy("locked"), "数据库正忙"),
        (OSError("no space left"), "no space left"),
        (ZeroDivisionError("bug"), "ZeroDivisionError"),
    ],
)
def test_whatever_goes_wrong_is_said_and_the_demo_goes_on(board, monkeypatch, error, says):
    def break_down(_levers: Levers, _pull: Pull) -> None:
        raise error

    monkeypatch.setitem(cast("dict[Lever, Any]", module._WORK), Lever.REWRITE, break_down)
    board.pull("rewrite")
    hands(board, None).work(0)
    state = board.state()
    assert (state["running"], state["failed"]) == (None, True)
    assert says in state["says"]["zh"]


def test_with_nothing_pulled_nothing_is_done(board):
    hands(board, None).work(0)
    assert board.state()["says"] is None


def test_a_stopped_process_is_started_again_as_it_was(tmp_path):
    log = tmp_path / "child.log"
    processes = Processes()
    processes.start("a", ["-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"], log=log)
    until(lambda: (log.exists() and log.read_text().count("\n") == 1) or None, 20, "it runs")
    processes.stop("a")
    processes.check_alive()  # it did not end by itself
    processes.start_again("a")
    until(lambda: log.read_text().count("\n") == 2 or None, 20, "it runs again")
    first, second = log.read_text().split()
    assert first != second
    processes.stop_all()
    assert not Path(f"/proc/{second}").exists()


# --- what is looked for in the chats ---


@pytest.mark.parametrize("language", TEXTS)
@given(name=st.text(max_size=20), number=st.text("0123456789", max_size=20))
def test_a_pattern_finds_its_sentence_in_either_language_whatever_is_filled_in(language, name, number):
    line = words_in(language)("line.brought", title=f"{number} {name}", note="")
    told = words_in(language)("draft.signed", line=line, record="AB", index=3)
    assert re.search(pattern("draft.signed", line=pattern("line.brought")), told)
    assert not re.search(pattern("draft.signed", line=pattern("line.accept")), told)


def test_every_step_names_people_and_words_that_are_there_and_speaks_both_languages():
    described = {
        "citizens": [
            {
                "name": name,
                "binding_code": "1234",
                "cases": [{"number": "21", "query_code": "12345678"}],
                "payments": [{"number": "22"}, {"number": "23"}],
            }
            for name in ("王桂兰", "陈志强", "孙丽", "周大山", "何秀英")
        ]
    }
    told = steps(described)
    assert len(told) == 6
    for step in told:
        assert step["taps"]
        for tap in step["taps"]:
            for words in (step["title"], step["why"], tap["label"], tap["act"].get("say", {"zh": "-", "en": "-"})):
                assert set(words) == {"zh", "en"}
                assert all(words.values())
            assert ("lever" in tap["act"]) != bool(tap["seen"])
            re.compile(tap["seen"])
