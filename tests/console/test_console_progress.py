"""A long work shows how far it is to whoever watches, and to nobody else."""

import io
import sys

import pytest

from handlers.console.context import showing_progress


class Watched(io.StringIO):
    def isatty(self) -> bool:
        return True


def look_at(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setattr(sys, "stderr", screen)  # in the test itself: pytest sets its own one between the phases
    return screen


def test_a_watched_work_is_seen_to_its_end(monkeypatch):
    screen = look_at(Watched(), monkeypatch)
    with showing_progress("entries") as progress:
        progress(128, 512)
        assert "25%" in screen.getvalue()
        progress(512, 512)
    assert "entries" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_where_nothing_is_to_be_done_nothing_is_shown(monkeypatch):
    screen = look_at(Watched(), monkeypatch)
    with showing_progress("entries"):
        pass
    assert screen.getvalue() == ""


def test_what_is_for_programs_shows_none(monkeypatch):
    screen = look_at(Watched(), monkeypatch)
    with showing_progress("entries", hidden=True) as progress:
        progress(1, 1)
    assert screen.getvalue() == ""


def test_what_nobody_watches_shows_none(monkeypatch):
    screen = look_at(io.StringIO(), monkeypatch)
    with showing_progress("rows") as progress:
        progress(1, 2)
    assert screen.getvalue() == ""
