"""The page of #收件: from the link to the slip, once, with everything that was typed kept and everything wrong said."""

import pytest
import segno

from handlers.locale import TEXTS
from ledger.desk import Purpose
from ledger.errors import Busy
from ledger.tickets import OPEN_SECONDS, SHOWN_SECONDS
from tests.pages.counter import GRANT, OLD_AGE, PERSON, PRIVATE, RESIDENCE, number_on, words_of

GONE = "这个页面打不开了"


def test_an_application_becomes_a_case_with_its_slip(counter):
    link, size = counter.link(), counter.size()
    response = counter.send(link, papers=["0", "1"])
    assert response.status_code == 200
    number = number_on(response)
    assert counter.size() == size + 1
    case = counter.case(number)
    assert (case.applicant, case.state.matter, case.state.status) == ("何秀英", OLD_AGE, "SUBMITTED")
    kept = {name: counter.private(number, name) for name in ("id_number", "phone", "payee", "account", "place")}
    assert kept == {
        "id_number": "330199194401200022",
        "phone": "16000000005",
        "payee": "何秀英",
        "account": "6299990000000073308",
        "place": "柳树镇便民服务中心2号窗口",
    }


def test_the_slip_says_what_happens_next_and_by_when_and_whom_to_ask(counter):
    told = words_of(counter.send(counter.link(), papers=["0", "1"]))
    for each in (
        "青禾县民政局 收件小票",
        "事项：高龄津贴",
        "11月23日收到您的申请",
        "11月30日前告诉您是不是受理",
        "您现在不用做什么",
        "有事找人：柳树镇便民服务中心2号窗口",
        "电话：0571-00002101",
        "#受理",
    ):
        assert each in told
    assert "还缺" not in told


def test_missing_papers_may_be_taken_in_without_and_are_told_at_once(counter):
    told = words_of(counter.send(counter.link(GRANT), papers=["0"]))
    number = told.split("编号 ")[1][:14]
    assert f"#补正 {number} 医疗费用票据或遭遇急难的证明" in told
    assert "还缺：医疗费用票据或遭遇急难的证明。请交到柳树镇便民服务中心2号窗口" in told
    assert "户口登记信息" not in told


def test_a_paper_that_another_department_has_is_shown_as_taken_and_never_asked_for(counter):
    page = counter.look(counter.link(GRANT))
    assert "户口登记信息：向公安局取，不用本人交" in words_of(page)
    assert page.text.count('name="papers"') == 2


def test_a_matter_without_money_asks_for_no_account(counter):
    link = counter.link(RESIDENCE)
    assert 'name="account"' not in counter.look(link).text
    number = number_on(counter.send(link, {name: PERSON[name] for name in ("applicant", "id_number", "phone")}))
    assert counter.private(number, "account") is None
    assert counter.private(number, "payee") is None


def test_an_account_typed_for_a_matter_without_money_is_not_kept(counter):
    number = number_on(counter.send(counter.link(RESIDENCE), payee="王桂兰", relation="child"))
    assert [counter.private(number, name) for name in ("account", "payee", "relation")] == [None, None, None]


def test_somebody_else_may_be_paid_and_must_belong_to_the_applicant(counter):
    link = counter.link()
    refused = counter.send(link, payee="王小明")
    assert "请选他是申请人的什么人" in words_of(refused)
    number = number_on(counter.send(link, payee="王小明", relation="child"))
    assert counter.private(number, "payee") == "王小明"
    assert counter.private(number, "relation") == "child"


def test_the_applicant_named_as_payee_is_no_other_person(counter):
    number = number_on(counter.send(counter.link(), payee=" 何秀英 ", relation="child"))
    assert counter.private(number, "payee") == "何秀英"
    assert counter.private(number, "relation") is None


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("applicant", "", "请填姓名"),
        ("applicant", "王2", "姓名里只能有文字"),
        ("id_number", "330199194401200023", "多半是有一位看错了"),
        ("id_number", "33019919440120002", "现在填了17位"),
        ("phone", "12345", "手机号是11位"),
        ("account", "6299990000000073309", "这个卡号对不上"),
        ("payee", "<b>", "姓名里只能有文字"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_taken_in_or_lost(counter, field, typed, told):
    link, size = counter.link(), counter.size()
    page = counter.send(link, **{field: typed, "papers": ["1"]})
    assert told in words_of(page)
    assert f'id="e-{field}"' in page.text.split(told)[0]
    assert f'<li><a href="#f-{field}">' in page.text
    for name, value in (PERSON | {field: typed}).items():
        assert f'name="{name}"' in page.text
        assert value.replace("<", "&lt;").replace(">", "&gt;") in page.text
    assert 'value="1" checked' in page.text
    assert counter.size() == size
    assert number_on(counter.send(link))


def test_all_that_is_wrong_is_said_at_once(counter):
    page = counter.send(counter.link(), {})
    for told in ("请填姓名", "请填身份证号", "请填电话", "请填卡号"):
        assert words_of(page).count(told) == 1


@pytest.mark.parametrize("language", TEXTS)
def test_both_languages_all_the_way(counter, language):
    link = counter.link(GRANT)
    say = TEXTS[language]
    form = counter.look(f"{link}?lang={language}")
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in form.text
    assert say["case-form.send"] in words_of(form)
    assert say["form.wrong"] in words_of(counter.send(f"{link}?lang={language}", {}))
    done = words_of(counter.send(f"{link}?lang={language}"))
    assert say["slip.done.title"] in done
    again = counter.look(f"{link}/slip?lang={language}")
    assert say["slip.done.title"] in words_of(again)


def test_the_switch_keeps_what_was_typed_and_sends_nothing(counter):
    link, size = counter.link(), counter.size()
    page = counter.send(link, switch="en", papers=["1"])
    assert "Name of the applicant" in words_of(page)
    assert "Please mend" not in words_of(page)
    assert all(f'value="{value}"' in page.text for value in PERSON.values())
    assert 'value="1" checked' in page.text
    assert counter.size() == size
    assert counter.look(link).status_code == 200


# --- once ---


def test_looking_changes_nothing_however_often(counter):
    link, size = counter.link(), counter.size()
    pages = {counter.look(link).text for _ in range(5)}
    counter.client.head(link)
    counter.client.options(link)
    assert len(pages) == 1
    assert counter.size() == size
    assert counter.qr.made == []
    assert number_on(counter.send(link))


def test_a_second_send_of_the_same_form_shows_the_same_slip(counter):
    link = counter.link(GRANT)
    first = counter.send(link, papers=["0"])
    size = counter.size()
    second = counter.send(link, papers=["0"])
    third = counter.send(link, {"applicant": "另一个人"})
    assert first.text == second.text == third.text
    assert counter.size() == size
    assert len(counter.qr.made) == 1
    assert len(counter.outbox.sent) == 1


def test_used_ended_and_unknown_links_get_one_and_the_same_page(counter):
    used, ended = counter.link(), counter.link()
    counter.send(used)
    pages = [counter.look(used), counter.look("/intake/" + "A" * 32), counter.look("/intake/x")]
    counter.town.clock.wait(OPEN_SECONDS)
    pages += [counter.look(ended), counter.send(ended)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    told = words_of(pages[0])
    assert GONE in told
    assert "再发一次 #收件" in told


def test_the_slip_is_shown_again_for_a_while_and_only_to_whoever_holds_the_link(counter):
    link, other = counter.link(), counter.link()
    number = number_on(counter.send(link))
    assert number in counter.look(f"{link}/slip").text
    assert number in counter.look(f"{link}/slip.svg").text
    for path in (f"{other}/slip", f"{other}/slip.svg", "/intake/x/slip", "/intake/x/slip.svg"):
        assert GONE in words_of(counter.look(path))
    counter.town.clock.wait(SHOWN_SECONDS)
    for path in (f"{link}/slip", f"{link}/slip.svg"):
        assert GONE in words_of(counter.look(path))
    assert GONE in words_of(counter.send(link))


def test_the_used_link_shows_the_slip_again_in_the_browser_that_sent_the_form_and_in_no_other(counter):
    link, browser = counter.link(GRANT), counter.client
    number, size = number_on(browser.post(link, data=PERSON)), counter.size()
    assert number_on(browser.get(link)) == number
    assert browser.get(f"{link}?lang=en").text != browser.get(link).text
    assert counter.size() == size
    stranger = counter.client
    for cookie in ("", "x", "é", "0" * 64):
        stranger.set_cookie("sent-here", cookie, path=link)
        assert GONE in words_of(stranger.get(link))
    counter.town.clock.wait(SHOWN_SECONDS)
    assert GONE in words_of(browser.get(link))


def test_the_mark_of_one_form_opens_no_other_link_and_a_form_that_was_not_taken_leaves_none(counter):
    link, other, browser = counter.link(), counter.link(), counter.client
    refused = browser.post(link, data=PERSON | {"id_number": "1"})
    assert "Set-Cookie" not in refused.headers
    sent = browser.post(link, data=PERSON)
    [mark] = sent.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", f"Path={link}"} <= set(mark.split("; "))
    counter.send(other)
    browser.set_cookie("sent-here", mark.partition("=")[2].partition(";")[0], path=other)
    assert GONE in words_of(browser.get(other))


def test_a_crash_between_the_deed_and_its_slip_loses_nothing(counter, monkeypatch):
    link, size = counter.link(), counter.size()
    with monkeypatch.context() as broken:
        broken.setattr(counter.outbox, "lost", True)
        failed = counter.send(link)
    assert failed.status_code == 500
    assert "同一张表只会收一次" in words_of(failed)
    assert counter.size() == size + 1
    assert number_on(counter.look(f"{link}/slip"))
    assert number_on(counter.send(link))
    assert counter.size() == size + 1


def test_a_busy_database_keeps_what_was_typed(counter, monkeypatch):
    link, size = counter.link(), counter.size()

    def busy(*_args, **_more):
        raise Busy("locked")

    with monkeypatch.context() as locked:
        locked.setattr(counter.desk, "open_case", busy)
        page = counter.send(link)
    assert page.status_code == 503
    assert "填的都还在" in words_of(page)
    assert all(f'value="{value}"' in page.text for value in PERSON.values())
    assert counter.size() == size
    with monkeypatch.context() as locked:
        locked.setattr(counter.desk, "ticket", busy)
        assert counter.look(link).status_code == 503
    assert number_on(counter.send(link))


def test_a_database_that_is_busy_after_the_deed_says_nothing_untrue(counter, monkeypatch):
    link, size = counter.link(), counter.size()

    def busy(*_args, **_more):
        raise Busy("locked")

    with monkeypatch.context() as locked:
        locked.setattr(counter.desk, "keep_slip", busy)
        page = counter.send(link)
    assert page.status_code == 503
    assert "同一张表只会收一次" in words_of(page)
    assert "没有收进来" not in words_of(page)
    assert counter.size() == size + 1
    assert number_on(counter.send(link))
    assert counter.size() == size + 1


# --- the same person ---


def test_the_same_id_number_joins_the_same_citizen(counter):
    first = counter.case(number_on(counter.send(counter.link())))
    second = counter.case(number_on(counter.send(counter.link(GRANT))))
    assert first.citizen == second.citizen


def test_another_name_for_a_known_id_number_is_asked_about_before_anything_joins(counter):
    first = counter.case(number_on(counter.send(counter.link())))
    link, size = counter.link(GRANT), counter.size()
    asked = counter.send(link, applicant="何秀应")
    assert "登记的是另一个姓名" in words_of(asked)
    assert "何秀英" not in asked.text
    assert 'name="same_person"' in asked.text
    assert counter.size() == size
    second = counter.case(number_on(counter.send(link, applicant="何秀应", same_person="1")))
    assert second.citizen == first.citizen


def test_an_unknown_id_number_asks_nothing(counter):
    page = counter.send(counter.link(), phone="1")
    assert "same_person" not in page.text


# --- what the chat learns ---


def test_the_officer_is_told_in_the_chat_with_what_to_do_next_and_nothing_personal(counter):
    number = number_on(counter.send(counter.link()))
    [told] = counter.outbox.texts("o-林芳")
    assert told.startswith(f"已收件：高龄津贴 何*英，编号 {number}")
    assert "＃受理" in told
    for secret in (*PRIVATE, counter.private(number, "query_code")):
        assert secret not in told


def test_an_officer_without_a_chat_account_gets_the_slip_all_the_same(counter):
    link = counter.link()
    counter.desk.unbind("o-林芳")
    assert number_on(counter.send(link))
    assert counter.outbox.sent == {}


def test_the_qr_code_on_the_slip_opens_the_case_in_wechat(counter):
    number = number_on(counter.send(counter.link()))
    code = counter.private(number, "query_code")
    assert counter.qr.made == [(f"slip_{number}_{code}", 30 * 86_400)]


def test_without_wechat_the_qr_code_holds_the_words_to_send(counter, monkeypatch):
    counter.qr.fail()
    says, make = [], segno.make

    def noting(text: str, **how):
        says.append(text)
        return make(text, **how)

    monkeypatch.setattr("handlers.pages.slip.segno.make", noting)
    response = counter.send(counter.link())
    number = number_on(response)
    assert says == [f"进度 {number} {counter.private(number, 'query_code')}"]
    assert "扫二维码会出来要发的那句话" in words_of(response)


def test_a_matter_whose_file_was_taken_away_opens_nothing(counter):
    assert GONE in words_of(counter.look(counter.link("05GONE0001")))


def test_pages_are_kept_nowhere_and_say_where_a_form_came_from_without_the_token(counter):
    link = counter.link()
    for response in (
        counter.look(link),
        counter.send(link, {}),
        counter.look(f"{link}/slip.svg"),
        counter.look("/intake/x"),
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "strict-origin"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in response.headers
    taken = counter.send(link).headers
    assert (taken["Cache-Control"], taken["Referrer-Policy"]) == ("no-store", "strict-origin")


def test_a_page_loads_nothing_from_anywhere_else(counter):
    for purpose, about in ((Purpose.CASE, GRANT),):
        text = counter.look(counter.link(about, purpose)).text
        assert "http:" not in text
        assert "https:" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text
