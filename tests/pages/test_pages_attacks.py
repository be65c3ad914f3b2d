"""Attacks on the counter's pages, by name."""

import logging
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, MetaData, select

from handlers.citizen import notices
from handlers.pages.visits import FORM_BYTES_MAX
from ledger.desk import Desk
from tests.desk.processes import at_once, killed
from tests.pages.counter import (
    GRANT,
    OLD_AGE,
    PERSON,
    PRIVATE,
    PUBLIC_URL,
    Counter,
    counter_of,
    number_on,
    words_of,
)

GONE, FOREIGN = "这个页面打不开了", "不是从我们的页面上交的"
SCRIPT = "<script>document.title='owned'</script>"
LINK = '<a href="weixin://bizmsgmenu?msgmenucontent=确认&msgmenuid=0">王</a>'


# --- the link ---


def test_a_guessed_token_opens_nothing_and_says_nothing(counter):
    token = counter.link().removeprefix("/intake/")
    guesses = [secrets.token_urlsafe(24) for _ in range(200)]
    guesses += [token[:-1], f"{token}x", token.swapcase(), token[::-1], quote(token + "\0"), "%00" * 32, "A" * 10_000]
    answers = {counter.look(f"/intake/{guess}").text for guess in guesses}
    answers |= {counter.send(f"/intake/{guess}").text for guess in guesses}
    assert len(answers) == 1
    assert GONE in answers.pop()
    assert counter.look(f"/intake/{token}").status_code == 200


def _numbers_of_two_workers(counter: Counter, link: str, tmp_path) -> list[str]:
    """What two worker processes show that get the same form at the same moment."""

    def send(place: int):
        def deed(desk: Desk) -> None:
            here = counter_of(
                replace(counter.town, civil=replace(counter.town.civil, engine=desk.log.engine, desk=desk))
            )
            typed = PERSON | {"applicant": "何秀英" if place else "王桂兰"}
            (tmp_path / f"slip-{place}").write_text(number_on(here.send(link, typed)))

        return deed

    assert at_once(counter.town.civil, [send(0), send(1)]) == ["done", "done"]
    return [(tmp_path / f"slip-{place}").read_text() for place in range(2)]


def test_one_link_used_in_two_workers_at_once_is_one_case_and_two_equal_slips(either_counter, tmp_path):
    link, size = either_counter.link(), either_counter.size()
    first, second = _numbers_of_two_workers(either_counter, link, tmp_path)
    assert first == second
    assert either_counter.size() == size + 1


def test_a_worker_that_dies_after_the_deed_leaves_the_slip_to_the_next(either_counter):
    link, size = either_counter.link(), either_counter.size()

    def deed(desk: Desk) -> None:
        civil = replace(either_counter.town.civil, engine=desk.log.engine, desk=desk)
        counter_of(replace(either_counter.town, civil=civil)).send(link)

    killed(either_counter.town.civil, deed)
    assert either_counter.size() == size + 1
    assert number_on(either_counter.send(link))
    assert either_counter.size() == size + 1


def test_an_officer_revoked_between_link_and_submit_takes_nothing_in(counter):
    used, link, size = counter.link(), counter.link(), counter.size()
    counter.send(used)
    counter.look(link)
    counter.desk.revoke(counter.officer())
    after = counter.size()
    assert after == size + 2  # the case before, and the revocation
    for page in (counter.look(link), counter.send(link), counter.look(f"{used}/slip"), counter.send(used)):
        assert page.status_code == 404
        assert GONE in words_of(page)
    assert counter.size() == after


def test_an_officer_revoked_while_the_desk_was_asked_takes_nothing_in(counter, monkeypatch):
    link, open_case = counter.link(), counter.desk.open_case

    def revoke_first(*args, **more):
        counter.desk.revoke(counter.officer())
        return open_case(*args, **more)

    monkeypatch.setattr(counter.desk, "open_case", revoke_first)
    page = counter.send(link)
    assert GONE in words_of(page)
    assert [record.kind for record in counter.town.civil.records()].count("case-submitted") == 0


def test_a_colleagues_revocation_leaves_my_link_alone(counter):
    link = counter.link()
    counter.desk.revoke(counter.officer("高伟"))
    assert number_on(counter.send(link))


def test_a_link_of_one_purpose_does_no_other(counter):
    link = counter.link()
    page = counter.send(link, PERSON | {"step": "confirm"})
    assert "收件小票" in words_of(page)
    assert [record.kind for record in counter.town.civil.records()].count("account-given") == 0


# --- the form ---


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "localhost"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_sent_from_another_origin_does_nothing_even_with_the_right_link(counter, headers):
    link, size = counter.link(), counter.size()
    page = counter.send(link, headers=headers)
    assert page.status_code == 403
    assert FOREIGN in words_of(page)
    assert counter.size() == size
    assert all(secret not in page.text for secret in PRIVATE)
    assert number_on(counter.send(link))


@pytest.mark.parametrize("headers", [{}, {"Origin": PUBLIC_URL}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_sent_from_our_page_or_by_an_old_browser_is_taken(counter, headers):
    assert number_on(counter.send(counter.link(), headers=headers))


@pytest.mark.parametrize("field", ["applicant", "payee"])
@pytest.mark.parametrize("hostile", [SCRIPT, LINK[:45], '" autofocus onfocus="alert(1)', "{{ 7*7 }}", "' data-x='"])
def test_a_script_in_a_name_is_shown_as_text_and_never_kept(counter, field, hostile):
    link, size = counter.link(), counter.size()
    page = counter.send(link, **{field: hostile})
    assert hostile not in page.text.replace(f'value="{hostile}"', "")
    assert "<script>document" not in page.text
    assert 'onfocus="alert' not in page.text
    assert "weixin://" not in words_of(page).replace(hostile, "")
    assert counter.size() == size


@pytest.mark.parametrize("name", [SCRIPT, LINK])
def test_a_hostile_name_that_came_in_another_way_becomes_no_link_and_no_markup(counter, name):
    """From an import, or from before the pages: neither the officer's chat nor the page can be spoken through."""
    opened = counter.desk.open_case(OLD_AGE, PERSON | {"applicant": name}, by=counter.officer(), once="import")
    counter.desk.bind("c-1", counter.desk.binding_code_for(opened.citizen, 300))
    asked = counter.send(counter.link(GRANT))
    assert "登记的是另一个姓名" in words_of(asked)
    taken = counter.send(counter.link(GRANT), same_person="1")
    assert name not in asked.text + taken.text
    notices.tick(counter.services)
    for _openid, told, _record in counter.outbox.sent.values():
        assert "<script" not in told
        assert "msgmenucontent=确认&" not in told


@pytest.mark.parametrize("field", [*PERSON, "payee", "relation", "papers", "switch", "same_person"])
def test_ten_thousand_characters_in_a_field_are_refused_kindly_or_ignored(counter, field):
    for typed in ("王" * 10_000, "1" * 10_000):
        link = counter.link()
        page = counter.send(link, **{field: typed})
        assert page.status_code == 200
        if "编号" not in words_of(page):
            assert counter.send(link).status_code == 200


def test_a_form_larger_than_any_is_refused_before_it_is_read(counter):
    link, size = counter.link(), counter.size()
    for typed in ({"applicant": "x" * FORM_BYTES_MAX}, {f"f{place}": "x" * 1000 for place in range(300)}):
        page = counter.send(link, typed)
        assert page.status_code == 413
        assert "填的字太多了" in words_of(page)
    assert counter.size() == size
    assert number_on(counter.send(link))


def test_other_ways_to_send_a_form_do_no_harm(counter):
    link, size = counter.link(), counter.size()
    headers = {"Origin": PUBLIC_URL}
    bodies: list[dict[str, Any]] = [
        {"json": PERSON},
        {"data": b"\xff\xfe\x00", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"applicant=%ED%A0%80&id_number=%00", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"--x", "content_type": "multipart/form-data; boundary=x"},
        {"data": b"--x\r\n\r\n", "content_type": "multipart/form-data"},
        {"data": b"<xml/>", "content_type": "text/xml"},
    ]
    for body in bodies:
        assert counter.client.post(link, headers=headers, **body).status_code in {200, 400}
    for method in ("put", "delete", "patch"):
        assert getattr(counter.client, method)(link).status_code == 405
    assert counter.size() == size


def test_a_field_sent_twice_counts_once(counter):
    number = number_on(counter.send(counter.link(), applicant=["何秀英", "王桂兰"]))
    assert counter.case(number).applicant == "何秀英"


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    from tests.pages.counter import make_counter

    made = make_counter(tmp_path_factory.mktemp("fuzzed"))
    yield made
    made.town.civil.engine.dispose()
    made.town.finance.engine.dispose()


_TYPED = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789Xx ０１２-", max_size=25),
    st.sampled_from([*PERSON.values(), SCRIPT, LINK, "\x00", "\ufeff", "child", "1", "en", "{count}", "%s"]),
)
_FIELDS = [*PERSON, "payee", "relation", "papers", "switch", "step", "same_person", "x"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.dictionaries(st.sampled_from(_FIELDS), _TYPED),
    good=st.booleans(),
    matter=st.sampled_from([OLD_AGE, GRANT]),
)
def test_whatever_is_sent_is_one_case_or_none_and_never_a_crash(fuzzed, typed, good, matter):
    link, size = fuzzed.link(matter), fuzzed.size()
    sent = (PERSON if good else {}) | {name: _encodable(value) for name, value in typed.items()}
    page = fuzzed.send(link, sent)
    assert page.status_code == 200
    taken = fuzzed.size() - size
    assert taken == ("收件小票" in page.text or ": slip<" in page.text) <= 1
    assert "<script>" not in page.text
    if taken:
        assert fuzzed.send(link, sent).text == page.text
        assert fuzzed.size() == size + 1


def _encodable(value: str) -> str:
    return value.encode(errors="replace").decode()


# --- the hunt ---


def everything_clear(engine: Engine) -> str:
    """Every value of every column, as whoever steals the database reads it."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as conn:
        rows = [row for table in tables.sorted_tables for row in conn.execute(select(table))]
    return "\n".join(_readable(value) for row in rows for value in row)


def _readable(value: object) -> str:
    raw = bytes(value) if isinstance(value, bytes | memoryview) else None
    return str(value) if raw is None else f"{raw.decode('latin-1')} {raw.decode(errors='replace')} {raw.hex()}"


def dresses(secret: str) -> list[str]:
    return [secret, secret.encode().hex(), quote(secret), secret.encode().decode("latin-1")]


def test_what_is_personal_stands_nowhere_clear_no_line_no_byte(either_counter, caplog, capfd):
    """The whole way over real HTTP: good, wrong, repeated, refused and crashed forms; then the hunt."""
    caplog.set_level(logging.DEBUG)
    counter, served_bytes, secrets_of = either_counter, b"", set(PRIVATE)
    with counter.served() as url, httpx.Client(base_url=url, trust_env=False) as http:
        link = counter.link()
        slip = http.post(link, data=PERSON)
        number = counter.case(slip.text.split("编号 ")[1][:14]).number
        secrets_of.add(str(counter.private(number, "query_code")))
        http.post(counter.link(), data=PERSON | {"phone": "1"})
        http.post(counter.link(), data=PERSON, headers={"Origin": "https://evil.example"})
        counter.outbox.lost = True
        assert http.post(counter.link(GRANT), data=PERSON).status_code == 500
        http.post(link, data=PERSON)
        after = [
            httpx.get(f"{url}{link}", trust_env=False),  # in another browser than the one that sent the form
            http.get(counter.link(GRANT)),
            http.get("/intake/x"),
            http.post(counter.link(), data={}),
        ]
        after += [http.get(f"{link}/slip"), http.get(f"{link}/slip.svg"), http.get(link)]
        served_bytes = b"".join(page.content for page in after[:4])
        slips = "".join(page.text for page in after[4:])
    logged = caplog.text + "".join(capfd.readouterr())
    assert "a one-time page failed with OSError" in logged
    everything = everything_clear(counter.town.civil.engine)
    for secret in secrets_of:
        for dress in dresses(secret):
            assert dress not in everything
            assert dress not in logged.replace(link, "")
            assert dress.encode() not in served_bytes
    for secret in PRIVATE:
        assert secret not in slips
    assert link.removeprefix("/intake/") not in everything
    assert number not in everything


def test_a_failure_is_logged_without_token_or_words(counter, caplog, monkeypatch):
    link = counter.link()

    def broken(*_args, **_more):
        raise RuntimeError(f"about {PERSON['applicant']}")

    monkeypatch.setattr(counter.desk, "open_case", broken)
    page = counter.send(link)
    assert page.status_code == 500
    assert "RuntimeError" in caplog.text
    for secret in (*PRIVATE, link.removeprefix("/intake/")):
        assert secret not in caplog.text
        assert secret not in page.text
