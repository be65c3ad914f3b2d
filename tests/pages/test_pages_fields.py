"""What may stand in a field: one case that just passes and one that just fails, and nothing that makes it crash."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import ric

from handlers.demo.county import CITIZENS, OFFICERS
from handlers.locale import TEXTS
from handlers.pages import fields
from handlers.pages.fields import RELATIONS, Wrong

TODAY = date(2026, 11, 23)


def why(check, *typed) -> str:
    with pytest.raises(Wrong) as caught:
        check(*typed)
    return caught.value.key.removeprefix("field.")


def id_of(body: str) -> str:
    return body + ric.calc_check_digit(body + "0")


# --- names ---


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王桂兰", "王桂兰"),
        ("  王  桂兰 ", "王 桂兰"),
        ("王\u200b桂\ufeff兰", "王桂兰"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("〇一", "〇一"),
        ("O’Brien, Jr"[:7], "O’Brien"),
        ("Jean-Luc d'Arc", "Jean-Luc d'Arc"),
        ("𠮷田", "𠮷田"),
        ("é" * 50, "é" * 50),
    ],
)
def test_names_of_all_kinds_are_kept_as_people_write_them(typed, kept):
    assert fields.name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "name.missing"),
        ("   ", "name.missing"),
        ("\u200b\u2800", "name.missing"),
        ("王" * 51, "name.long"),
        ("王" * 10_000, "name.long"),
        ("王桂兰2", "name.characters"),
        ("...", "name.characters"),
        ("<script>alert(1)</script>", "name.characters"),
        ('<a href="weixin://bizmsgmenu?msgmenucontent=1">王</a>', "name.long"),
        ('<a href="weixin://bizmsgmenu?x=1">王</a>', "name.characters"),
        ("王=桂", "name.characters"),
        ("王\ufffd", "name.characters"),
        ("王\ue000", "name.characters"),
        ("\ud800王", "name.characters"),
    ],
)
def test_what_is_no_name_is_said_to_be_none(typed, reason):
    assert why(fields.name, typed) == reason


# --- ID numbers ---


@pytest.mark.parametrize("person", [*CITIZENS, *OFFICERS])
def test_the_people_of_the_story_have_ids_that_hold(person):
    assert fields.id_number(person.id_number, TODAY) == person.id_number


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("330199194401200022", "330199194401200022"),
        ("330199 19440120 0022", "330199194401200022"),
        ("３３０１９９１９４４０１２０００２２", "330199194401200022"),
        ("330199-19440120-0022", "330199194401200022"),
        ("11010519491231002x", "11010519491231002X"),
        (id_of("990199" + "20240229" + "001"), id_of("990199" + "20240229" + "001")),
        (id_of("81000019900101001"), id_of("81000019900101001")),
        (id_of("33019920261123001"), id_of("33019920261123001")),
    ],
)
def test_an_id_is_taken_however_it_is_grouped_and_wherever_it_was_given(typed, kept):
    assert fields.id_number(typed, TODAY) == kept


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "id.missing"),
        ("330199440120002", "id.old"),
        ("33019919440120002", "id.length"),
        ("3301991944012000222", "id.length"),
        ("33019919440120002Y", "id.characters"),
        ("3301991944012000X2", "id.characters"),
        ("33019919440120002２ａ", "id.characters"),
        ("٣30199194401200022", "id.characters"),
        ("330199194401200023", "id.check"),
        ("330199194401200202", "id.check"),
        (id_of("33019919440230002"), "id.date"),
        (id_of("33019919001300001"), "id.date"),
        (id_of("33019920261124001"), "id.date"),
        (id_of("33019918791231001"), "id.date"),
        ("0" * 10_000, "id.length"),
    ],
)
def test_a_wrong_id_says_what_is_wrong_with_it(typed, reason):
    assert why(fields.id_number, typed, TODAY) == reason


@given(place=st.integers(0, 17), digit=st.integers(0, 9))
def test_one_wrong_digit_in_an_id_is_always_found(place, digit):
    good = "330199194401200022"
    bad = good[:place] + str(digit) + good[place + 1 :]
    if bad != good:
        why(fields.id_number, bad, TODAY)


@given(place=st.integers(0, 15))
def test_two_digits_of_an_id_that_changed_places_are_found(place):
    good = "330199198710090048"
    bad = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
    if bad != good:
        why(fields.id_number, bad, TODAY)


# --- telephones and cards ---


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800000000", "13800000000"),
        ("+86 138-0000-0000", "13800000000"),
        ("0086 13800000000", "13800000000"),
        ("１３８００００００００", "13800000000"),
        ("0571-00002101", "057100002101"),
        ("010 12345678", "01012345678"),
    ],
)
def test_telephones_of_the_mainland(typed, kept):
    assert fields.phone(typed) == kept


@pytest.mark.parametrize(
    "typed", ["12800000000", "1380000000", "138000000000", "00571123", "110", "abc", "+1 5551234567"]
)
def test_what_nobody_can_call_from_here_is_refused(typed):
    assert why(fields.phone, typed) == "phone.form"


@pytest.mark.parametrize("person", CITIZENS)
def test_the_cards_of_the_story_hold(person):
    assert fields.card(f"{person.account[:4]} {person.account[4:]}") == person.account


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "card.missing"),
        ("6299990000000073309", "card.check"),
        ("6299990000000037308", "card.check"),
        ("629999000007", "card.length"),
        ("62999900000000733080", "card.length"),
        ("6299990000000O73308", "card.characters"),
        ("0" * 10_000, "card.length"),
    ],
)
def test_a_wrong_card_says_what_is_wrong_with_it(typed, reason):
    assert why(fields.card, typed) == reason


@given(place=st.integers(0, 18), digit=st.integers(0, 9))
def test_one_wrong_digit_in_a_card_is_always_found(place, digit):
    good = "6299990000000073308"
    bad = good[:place] + str(digit) + good[place + 1 :]
    if bad != good:
        why(fields.card, bad)


# --- anything at all ---

CHECKS = [
    fields.name,
    lambda typed: fields.id_number(typed, TODAY),
    fields.phone,
    fields.card,
    fields.relation,
]


@pytest.mark.parametrize("language", TEXTS)
@given(typed=st.text(max_size=300))
@example(typed="\x00")
@example(typed="\ud800")
@example(typed="ﷺ" * 200)
def test_whatever_is_typed_is_taken_or_refused_by_a_sentence_that_exists(language, typed):
    for check in CHECKS:
        try:
            kept = check(typed)
        except Wrong as wrong:
            TEXTS[language][wrong.key].format_map(wrong.values)
        else:
            assert check(kept) == kept
            assert kept == kept.strip() != ""
            assert kept.isprintable()


@pytest.mark.parametrize("language", TEXTS)
def test_each_relation_has_its_word(language):
    assert all(f"relation.{code}" in TEXTS[language] for code in RELATIONS)
