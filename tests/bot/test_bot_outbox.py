"""A notice reaches its person by the way that is open, waits when none is, and is never lost silently."""

from itertools import pairwise

import pytest
from sqlalchemy import text as sql

from bot.bot import Bot, plain_heads
from bot.errors import ApiUnreachable, NotSent
from bot.inbox import Inbox
from bot.messages import Consent, SubscribeChanged, SubscribePopup, Unsubscribed
from bot.outbox import GIVE_UP_SECONDS, KEPT_SECONDS, SENDING_SECONDS, WINDOW_SECONDS, Outbox, Subscription
from bot.replies import SILENCE, text
from bot.routing import Router, on_command
from tests.bot.conftest import ROUTES, Deeds, busy, is_number, message

NEVER = lambda: False  # noqa: E731 - a word, not a function


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


class Phone:
    """WeChat's API as the outbox sees it: remembers what arrived, fails as it is told."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []
        self.before_failure = lambda: None

    def _take(self, way, openid, content):
        if self.failures:
            self.before_failure()
            raise self.failures.pop(0)
        self.arrived.append((way, openid, content))

    def send_text(self, openid, content):
        self._take("text", openid, content)

    def send_notice(self, openid, template_id, data):
        assert template_id == "T"
        self._take("notice", openid, data["thing1"])


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def phone():
    return Phone()


@pytest.fixture
def inbox(any_engine, clock):
    return Inbox(any_engine, clock, template_id="T")


@pytest.fixture
def outbox(any_engine, clock, phone):
    return Outbox(any_engine, phone, clock, Subscription("T", lambda notice: {"thing1": notice.text}))


def write(inbox, content="x"):
    """The person writes something and is answered."""
    lease = inbox.claim(message(f"{content}{inbox._now()}"), NEVER)
    inbox.finish(lease, SILENCE, lease.heads)
    return [head.text for head in lease.heads]


def reasons(outbox):
    """Why each notice is not sent, also where several are one person's."""
    with outbox._engine.connect() as connection:
        found = connection.execute(sql("SELECT reason FROM bot_outbox WHERE state = 'head' ORDER BY id"))
        return found.scalars().all()


def consent(inbox, accepted, kind=SubscribePopup, template="T"):
    event = kind(
        sender="citizen",
        account="g",
        created=0,
        delivery_key=f"{inbox._now()}{accepted}",
        choices=(Consent(template_id=template, accepted=accepted),),
    )
    inbox.finish(inbox.claim(event, NEVER), SILENCE)


def test_within_48_hours_a_message_is_sent_once(inbox, outbox, phone, clock):
    write(inbox)
    outbox.put("k", "citizen", "钱到了", "R1")
    outbox.put("k", "citizen", "钱到了", "R1")
    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    assert phone.arrived == [("text", "citizen", "钱到了")]
    assert outbox.undelivered() == []


def test_what_has_arrived_is_not_kept(inbox, outbox, any_engine):
    write(inbox)
    outbox.put("k", "citizen", "私事", "R1")
    outbox.send_due()
    with any_engine.connect() as connection:
        assert "私事" not in repr(connection.execute(sql("SELECT * FROM bot_outbox")).all())


@pytest.mark.parametrize(("silent_for", "ways"), [(WINDOW_SECONDS - 1, 1), (WINDOW_SECONDS, 0)])
def test_the_window_closes(inbox, outbox, clock, silent_for, ways):
    write(inbox)
    clock.time += silent_for
    outbox.put("k", "citizen", "钱到了", "R1")
    assert outbox.send_due() == ways


def test_after_48_hours_a_subscription_is_used_and_without_one_the_next_answer(inbox, outbox, phone, clock):
    write(inbox)
    consent(inbox, accepted=True)
    consent(inbox, accepted=False, template="another")
    clock.time += WINDOW_SECONDS
    outbox.put("a", "citizen", "一", "R1")
    outbox.send_due()
    assert phone.arrived == [("notice", "citizen", "一")]
    consent(inbox, accepted=False, kind=SubscribeChanged)
    outbox.put("b", "citizen", "二", "R2")
    outbox.send_due()
    assert len(phone.arrived) == 1
    [left] = outbox.undelivered()
    assert (left.openid, left.key, left.record) == ("citizen", "b", "R2")
    assert (left.since, left.reason) == (clock.time, "no way open")
    assert write(inbox) == ["二"]
    assert outbox.undelivered() == []
    assert write(inbox, "y") == []


def test_somebody_who_never_wrote_reads_it_when_they_do(inbox, outbox, phone):
    outbox.put("a", "citizen", "一", "R1")
    assert outbox.send_due() == 0
    assert phone.arrived == []
    assert write(inbox) == ["一"]


def test_somebody_who_left_is_not_written_to(inbox, outbox, phone):
    write(inbox)
    inbox.finish(inbox.claim(Unsubscribed(sender="citizen", account="g", created=0, delivery_key="u"), NEVER), SILENCE)
    outbox.put("a", "citizen", "一", "R1")
    outbox.send_due()
    assert phone.arrived == []


@pytest.mark.parametrize("code", [45015, 45047, 48001, 45002, 43004, 40003])
def test_a_closed_way_gives_way_to_the_next_answer(inbox, outbox, phone, code):
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")
    phone.failures = [NotSent(code, "send")]
    outbox.send_due()
    assert [notice.reason for notice in outbox.undelivered()] == [f"errcode {code}"]
    assert write(inbox, "y") == ["一"]


@pytest.mark.parametrize("code", [45015, 45047, 48001])
def test_a_closed_way_gives_way_to_the_subscription_first(inbox, outbox, phone, code):
    write(inbox)
    consent(inbox, accepted=True)
    outbox.put("a", "citizen", "一", "R1")
    phone.failures = [NotSent(code, "send")]
    assert outbox.send_due() == 1
    assert phone.arrived == [("notice", "citizen", "一")]


def test_a_used_up_subscription_is_noted(inbox, outbox, phone, clock):
    write(inbox)
    consent(inbox, accepted=True)
    clock.time += WINDOW_SECONDS
    phone.failures = [NotSent(43101, "bizsend")]
    for key in "ab":
        outbox.put(key, "citizen", key, key)
        outbox.send_due()
    assert phone.arrived == []  # the second was not even tried
    assert reasons(outbox) == ["errcode 43101", "no way open"]


@pytest.mark.parametrize("code", [45015, 45047])
def test_a_window_that_wechat_closed_is_not_tried_again_before_the_person_writes(inbox, outbox, phone, clock, code):
    write(inbox)
    phone.failures = [NotSent(code, "send")]
    for key in "ab":
        outbox.put(key, "citizen", key, key)
        outbox.send_due()
    assert phone.arrived == []
    assert reasons(outbox) == [f"errcode {code}", "no way open"]
    clock.time += 1
    assert write(inbox, "y") == ["a", "b"]
    outbox.put("c", "citizen", "c", "c")
    assert outbox.send_due() == 1


def test_a_message_that_comes_while_wechat_refuses_keeps_the_window_open(inbox, outbox, phone, clock):
    write(inbox)
    outbox.put("a", "citizen", "a", "a")

    def meanwhile():
        clock.time += 1
        write(inbox, "meanwhile")

    phone.failures, phone.before_failure = [NotSent(45047, "send")], meanwhile
    outbox.send_due()
    outbox.put("b", "citizen", "b", "b")
    assert outbox.send_due() == 1


def test_a_subscription_that_was_used_may_be_spent_and_is_tried_all_the_same(inbox, outbox, phone, clock):
    write(inbox)
    assert not outbox.is_subscribed("citizen")
    consent(inbox, accepted=True)
    assert outbox.is_subscribed("citizen")
    clock.time += WINDOW_SECONDS
    outbox.put("a", "citizen", "一", "R1")
    outbox.send_due()
    assert not outbox.is_subscribed("citizen")  # perhaps: nobody is told that it still holds
    outbox.put("b", "citizen", "二", "R2")  # of the long-term kind it does
    assert outbox.send_due() == 1
    clock.time += 1
    consent(inbox, accepted=True)
    assert outbox.is_subscribed("citizen")
    assert not outbox.is_subscribed("nobody")


def test_without_a_template_no_subscription_is_tried(inbox, any_engine, phone, clock):
    box = Outbox(any_engine, phone, clock)
    consent(inbox, accepted=True)
    box.put("a", "citizen", "一", "R1")
    assert box.send_due() == 0
    assert phone.arrived == []
    assert not box.has_subscription


# --- for the next answer only, and the call list ---


def test_what_is_kept_for_the_next_answer_is_not_sent_and_nobody_telephones(inbox, outbox, phone):
    write(inbox)
    outbox.keep("a", "citizen", "一", "R1")
    outbox.keep("a", "citizen", "一", "R1")
    assert outbox.send_due() == 0
    assert phone.arrived == outbox.undelivered() == []
    assert write(inbox, "y") == ["一"]
    assert write(inbox, "z") == []


def test_each_person_stands_once_on_the_list_with_the_newest_of_their_news(outbox, clock):
    for key, openid in (("a", "citizen"), ("b", "another"), ("c", "citizen")):
        outbox.put(key, openid, key, f"R{key}")
        clock.time += 100
    outbox.send_due()
    assert outbox.count_undelivered() == 2
    first, second = outbox.undelivered()
    assert (first.openid, first.key, first.news, first.since) == ("citizen", "c", 2, clock.time - 300)
    assert (second.openid, second.news) == ("another", 1)


def test_somebody_who_was_telephoned_is_off_the_list_and_reads_it_all_the_same(inbox, outbox):
    for key in "ab":
        outbox.put(key, "citizen", key, key)
    outbox.send_due()
    [waits] = outbox.undelivered()
    outbox.put("c", "citizen", "c", "c")  # it came while the officer was telephoning
    outbox.send_due()
    assert outbox.note_called(waits.id)
    assert not outbox.note_called(waits.id)  # twice is once
    [left] = outbox.undelivered()
    assert (left.key, left.news) == ("c", 1)
    assert outbox.note_not_called(waits.id)
    assert outbox.undelivered()[0].news == 3
    assert outbox.note_called(waits.id)
    assert write(inbox) == ["a", "b", "c"]
    assert outbox.count_undelivered() == 0
    assert not outbox.note_called(left.id)  # they have read it
    assert not outbox.note_not_called(waits.id)
    assert not outbox.note_called(10**17)


def test_what_its_person_wanted_quiet_is_put_onto_no_list_by_mistake(outbox):
    outbox.keep("a", "citizen", "一", "R1")
    assert not any(outbox.note_not_called(id_) for id_ in range(1, 5))
    assert outbox.count_undelivered() == 0


def test_the_list_has_pages(outbox):
    for at in range(5):
        outbox.put(f"{at}", f"citizen-{at}", "x", f"R{at}")
    outbox.send_due()
    assert [one.record for one in outbox.undelivered(2, 2)] == ["R2", "R3"]


def test_the_outbox_knows_who_wants_quiet(inbox, outbox):
    lease = inbox.claim(message("x"), NEVER)
    assert not outbox.is_quiet("citizen")
    lease.session.quiet = True
    inbox.finish(lease, SILENCE)
    assert outbox.is_quiet("citizen")
    assert not outbox.is_quiet("nobody")


@pytest.mark.parametrize(
    "failure", [ApiUnreachable("x"), NotSent(45009, "x"), NotSent(40001, "x"), NotSent(99999, "x")]
)
def test_what_may_work_later_is_tried_later(inbox, outbox, phone, clock, failure):
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")
    phone.failures = [failure]
    assert outbox.send_due() == 0
    assert outbox.send_due() == 0  # not at once
    assert phone.failures == []
    assert outbox.undelivered() == []
    clock.time += 10
    assert outbox.send_due() == 1


def test_pauses_grow(inbox, outbox, phone, clock):
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")
    tries = []
    phone.before_failure = lambda: tries.append(clock.time)
    for _ in range(200):
        phone.failures = [ApiUnreachable("x")]
        outbox.send_due()
        clock.time += 1
    assert [later - earlier for earlier, later in pairwise(tries)] == [10, 20, 40, 80]


def test_a_clock_that_ran_ahead_holds_up_no_notice_for_long(inbox, outbox, phone, clock):
    write(inbox)
    clock.time += 365 * 86_400
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")
    phone.failures = [ApiUnreachable("x")]
    assert outbox.send_due() == 0
    clock.time -= 365 * 86_400
    assert outbox.send_due() == 1


def test_after_a_day_it_waits_for_the_person_and_stands_on_the_call_list(inbox, outbox, phone, clock):
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")
    phone.failures = [ApiUnreachable("x")] * 1000
    for _ in range(30):
        outbox.send_due()
        clock.time += 3600
    assert [notice.record for notice in outbox.undelivered()] == ["R1"]
    assert GIVE_UP_SECONDS == 86_400
    assert write(inbox, "y") == ["一"]


def test_a_crash_in_the_middle_of_sending_may_repeat_but_never_loses(inbox, outbox, phone, clock):
    write(inbox)
    outbox.put("a", "citizen", "一", "R1")

    class Crash(BaseException):
        pass

    def crash():
        phone.arrived.append(("text", "citizen", "一"))  # WeChat took it, and we died before we heard so
        raise Crash

    phone.failures, phone.before_failure = [ApiUnreachable("x")], crash
    with pytest.raises(Crash):
        outbox.send_due()
    phone.failures = []
    assert outbox.send_due() == 0  # perhaps the other process is still at it
    clock.time += SENDING_SECONDS
    assert outbox.send_due() == 1
    assert len(phone.arrived) == 2


def test_two_schedulers_send_it_once(inbox, any_engine, phone, clock):
    write(inbox)
    boxes = [Outbox(any_engine, phone, clock) for _ in range(2)]
    boxes[0].put("a", "citizen", "一", "R1")

    def send_in_the_middle():
        assert boxes[1].send_due() == 0

    phone.failures, phone.before_failure = [ApiUnreachable("x")], send_in_the_middle
    boxes[0].send_due()
    assert phone.arrived == []


def test_a_long_notice_is_cut_to_what_wechat_takes(inbox, outbox, phone):
    write(inbox)
    outbox.put("a", "citizen", "办" * 2000, "R1")
    outbox.send_due()
    assert len(phone.arrived[0][2].encode()) <= 2048


def test_what_has_long_arrived_is_forgotten_and_what_has_not_is_kept(inbox, outbox, clock, any_engine):
    outbox.put("head", "another", "二", "R2")
    write(inbox)
    outbox.put("sent", "citizen", "一", "R1")
    outbox.send_due()
    clock.time += KEPT_SECONDS + 1
    outbox.prune()
    with any_engine.connect() as connection:
        assert connection.execute(sql("SELECT key FROM bot_outbox")).scalars().all() == ["head"]


@pytest.fixture
def bot(config, any_engine, clock):
    router = Router([*ROUTES[:-1], on_command("长", lambda request, _: text("办" * 650))], Deeds(), is_number)
    return Bot(
        config,
        router,
        any_engine,
        busy=busy,
        now=clock,
        heads=lambda notices, session: f"您有{len(notices)}条新消息\n{plain_heads(notices, session)}",
    )


def test_the_next_answer_opens_with_what_could_not_be_sent_and_a_repeat_says_the_same(bot, outbox):
    outbox.put("a", "citizen", "一", "R1")
    outbox.put("b", "citizen", "二", "R2")
    outbox.put("c", "another", "三", "R3")
    outbox.send_due()
    first = bot.answer(message("帮助"), sealed=True)
    assert first == text("您有2条新消息\n一\n\n二\n\nhelp|")
    assert bot.answer(message("帮助"), sealed=True) == first
    assert bot.answer(message("菜单"), sealed=True) == text("menu|")
    assert [notice.record for notice in outbox.undelivered()] == ["R3"]


def test_a_notice_counts_as_read_only_when_the_answer_was_stored(bot, outbox, inbox):
    outbox.put("a", "citizen", "一", "R1")
    outbox.send_due()
    lease = inbox.claim(message("菜单"), NEVER)
    assert [head.text for head in lease.heads] == ["一"]
    inbox.give_back(lease)
    assert len(outbox.undelivered()) == 1
    assert bot.answer(message("帮助"), sealed=True).content.startswith("您有1条")


def test_an_answer_is_never_cut_for_a_notice(bot, outbox):
    outbox.put("a", "citizen", "一" * 100, "R1")
    outbox.send_due()
    assert bot.answer(message("长"), sealed=True) == text("办" * 650)
    assert "一一一" in bot.answer(message("帮助"), sealed=True).content


def test_silence_carries_no_notice(bot, outbox):
    outbox.put("a", "citizen", "一", "R1")
    outbox.send_due()
    event = Unsubscribed(sender="citizen", account="g", created=0, delivery_key="u")
    assert bot.answer(event, sealed=True) == SILENCE
    assert len(outbox.undelivered()) == 1


def test_many_notices_come_a_few_at_a_time(bot, outbox):
    for n in range(12):
        outbox.put(f"{n}", "citizen", f"消息{n}。", f"R{n}")
    outbox.send_due()
    seen = "".join(bot.answer(message("帮助", key=f"{n}"), sealed=True).content for n in range(4))
    assert all(f"消息{n}。" in seen for n in range(12))
    assert outbox.undelivered() == []


def test_a_mark_ends_every_notice_and_is_never_cut(any_engine, phone, clock):
    marked = Outbox(any_engine, phone, clock, mark="\n【测试】")
    Inbox(any_engine, clock).note_follower("o-1")
    marked.put("a", "o-1", "到账了", "r")
    marked.put("b", "o-1", "长" * 2_000, "r")
    assert marked.send_due() == 2
    short, long = (content for _way, _openid, content in phone.arrived)
    assert short == "到账了\n【测试】"
    assert long.endswith("\n【测试】")
    assert len(long.encode()) <= 2048
