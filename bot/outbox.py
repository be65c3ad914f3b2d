"""Brings notices to people: stored first, sent when WeChat lets us, shown at the head of their next answer when not.

A notice is `waiting` until WeChat took it (`sent`); when no way is open, or none worked for a day, it becomes a `head`
and the person reads it above their next answer (`shown`, once that answer is stored). Meanwhile it stands on the call
list; one that nobody has to telephone about is merely `kept` for that answer. A crash in the middle of sending may send
it twice, so its text carries its record number; it can not lose it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine, TextClause, text

from bot.errors import ApiUnreachable, NotSent
from bot.replies import TEXT_BYTES_MAX, shorten
from bot.sessions import parse_session

WINDOW_SECONDS = 48 * 3600.0 - 300.0  # WeChat's 48 h, less what its clock and ours may differ
GIVE_UP_SECONDS = 24 * 3600.0
FIRST_WAIT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 3600.0
SENDING_SECONDS = 60.0  # while one process sends, the others leave the row alone; longer than any API timeout
BEYOND_SECONDS = 2 * LONGEST_WAIT_SECONDS  # a next try further ahead comes from a clock that has been put right since
BATCH_MAX = 50
KEPT_SECONDS = 30 * 86_400.0  # long after whoever fills the outbox has moved on, so that no key comes twice
HEAD_BYTES_MAX = 700
QUIET = "quiet"  # why a notice is kept that was never to be sent

# WeChat's errcodes, from its table 全局返回码.
TOO_LONG = 45002
SILENT_FOR_48_HOURS = 45015
TOO_MANY_MESSAGES = 45047
NOT_FOLLOWING = 43004
NOT_SUBSCRIBED = 43101
NOT_ALLOWED = 48001
BAD_OPENID = 40003
WINDOW_IS_CLOSED = frozenset({SILENT_FOR_48_HOURS, TOO_MANY_MESSAGES})  # until the person writes again
WAY_IS_CLOSED = frozenset({SILENT_FOR_48_HOURS, TOO_MANY_MESSAGES, NOT_ALLOWED, NOT_SUBSCRIBED, TOO_LONG})
PERSON_IS_GONE = frozenset({NOT_FOLLOWING, BAD_OPENID})
# All others (45009 quota, 40001 token, -1 busy, …) may work later: waited for, with growing pauses.

_PUT = text(
    "INSERT INTO bot_outbox (key, openid, text, record, state, created_at, next_at, tries, reason, done_at)"
    " VALUES (:key, :openid, :text, :record, 'waiting', :now, :now, 0, '', 0) ON CONFLICT (key) DO NOTHING"
)
_DUE = text(
    "SELECT id FROM bot_outbox WHERE state = 'waiting' AND (next_at <= :now OR next_at > :beyond)"
    " ORDER BY next_at LIMIT :batch_max"
)
_TAKE = text(
    "UPDATE bot_outbox SET next_at = :until"
    " WHERE id = :id AND state = 'waiting' AND (next_at <= :now OR next_at > :beyond)"
    " RETURNING id, key, openid, text, record, created_at, tries"
)
_PERSON = text("SELECT last_message_at, followed, subscribed FROM bot_sessions WHERE openid = :openid")
_SUBSCRIBED = text("SELECT subscribed FROM bot_sessions WHERE openid = :openid")
_DIALOGUE = text("SELECT data FROM bot_sessions WHERE openid = :openid")
_SENT = text("UPDATE bot_outbox SET state = 'sent', text = '', reason = '', done_at = :now WHERE id = :id")
_WAIT = text("UPDATE bot_outbox SET next_at = :next_at, tries = tries + 1, reason = :reason WHERE id = :id")
_HEAD = text(
    "UPDATE bot_outbox SET state = 'head', reason = :reason, text = :text WHERE id = :id AND state = 'waiting'"
)
_KEEP = text(
    "INSERT INTO bot_outbox (key, openid, text, record, state, created_at, next_at, tries, reason, done_at)"
    " VALUES (:key, :openid, :text, :record, 'kept', :now, :now, 0, :reason, 0) ON CONFLICT (key) DO NOTHING"
)
_ONE_MORE_HEAD = text(
    "INSERT INTO bot_sessions (openid, data, fence, lease_until, last_message_at, followed, subscribed, heads)"
    " VALUES (:openid, '{}', 0, 0, 0, 0, 0, 1) ON CONFLICT (openid) DO UPDATE SET heads = bot_sessions.heads + 1"
)
_LEFT = text("UPDATE bot_sessions SET followed = 0 WHERE openid = :openid")
# A subscription is for one notice, or for all that come: WeChat tells us which only when we send the next.
_PERHAPS_SPENT = text("UPDATE bot_sessions SET subscribed = 2 WHERE openid = :openid AND subscribed = 1")
_UNSUBSCRIBED = text("UPDATE bot_sessions SET subscribed = 0 WHERE openid = :openid")
# Only what was seen is undone: a message that came meanwhile has opened the window again.
_CLOSED = text("UPDATE bot_sessions SET last_message_at = 0 WHERE openid = :openid AND last_message_at = :seen")
_UNDELIVERED = text(
    "SELECT newest.id, newest.key, newest.openid, newest.record, a_person.since, newest.reason, a_person.news"
    " FROM (SELECT max(id) AS newest, min(id) AS oldest, min(created_at) AS since, count(*) AS news"
    "  FROM bot_outbox WHERE state = 'head' GROUP BY openid) AS a_person"
    " JOIN bot_outbox AS newest ON newest.id = a_person.newest ORDER BY a_person.oldest LIMIT :limit OFFSET :offset"
)
_COUNT_UNDELIVERED = text("SELECT count(DISTINCT openid) FROM bot_outbox WHERE state = 'head'")
# All that the list showed of this person, and nothing that came since.
_CALLED = text(
    "UPDATE bot_outbox SET state = 'kept', reason = :reason WHERE state = 'head' AND id <= :id"
    " AND openid = (SELECT openid FROM bot_outbox WHERE id = :id)"
)
_NOT_CALLED = text("UPDATE bot_outbox SET state = 'head' WHERE state = 'kept' AND reason = :reason")
_PRUNE = text("DELETE FROM bot_outbox WHERE state IN ('sent', 'shown') AND done_at < :before")


class Sender(Protocol):
    """What of WeChat's API the outbox needs; raises `NotSent` or `ApiUnreachable`."""

    def send_text(self, openid: str, content: str) -> None:
        """Send a customer-service message."""

    def send_notice(self, openid: str, template_id: str, data: Mapping[str, str]) -> None:
        """Send a subscription notice."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is being sent."""

    id: int
    key: str  # by which it was put, for whoever fills a template's fields
    openid: str
    text: str
    record: str
    created_at: float
    tries: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A person whom no way reached, with the newest of the notices for them: for the office's call list."""

    id: int
    key: str
    openid: str
    record: str
    since: float  # of the oldest
    reason: str
    news: int  # how many


NoticeData = Callable[[Waiting], Mapping[str, str]]  # the fields of the account's own template


@dataclass(frozen=True, slots=True)
class Subscription:
    """The account's subscription notice: its template, and what it is filled with."""

    template_id: str
    data: NoticeData


class Outbox:
    """The notices that wait, and how each came to its person."""

    def __init__(
        self,
        engine: Engine,
        sender: Sender,
        now: Callable[[], float],
        subscription: Subscription | None = None,
        mark: str = "",
    ) -> None:
        """`subscription` is None for an account that has no such template. `mark` ends every notice."""
        self._engine = engine
        self._sender = sender
        self._now = now
        self._subscription = subscription
        self._mark = mark

    def put(self, key: str, openid: str, content: str, record: str) -> None:
        """Store a notice to be sent; a key that is known already changes nothing."""
        fitted = self._fitted(content, TEXT_BYTES_MAX)
        values = {"key": key, "openid": openid, "text": fitted, "record": record, "now": self._now()}
        with self._engine.begin() as connection:
            connection.execute(_PUT, values)

    def keep(self, key: str, openid: str, content: str, record: str) -> None:
        """Store a notice for the person's next answer only: they want none to be sent."""
        values = {"key": key, "openid": openid, "text": self._fitted(content, HEAD_BYTES_MAX), "record": record}
        with self._engine.begin() as connection:
            if connection.execute(_KEEP, values | {"now": self._now(), "reason": QUIET}).rowcount:
                connection.execute(_ONE_MORE_HEAD, {"openid": openid})

    def _fitted(self, content: str, bytes_max: int) -> str:
        return shorten(content, bytes_max - len(self._mark.encode())) + self._mark

    def send_due(self) -> int:
        """Try to send what is due; how many WeChat took."""
        now = self._now()
        with self._engine.connect() as connection:
            values = {"now": now, "beyond": now + BEYOND_SECONDS, "batch_max": BATCH_MAX}
            due = connection.execute(_DUE, values).scalars().all()
        return sum(self._send_one(id_) for id_ in due)

    def _send_one(self, id_: int) -> bool:
        notice = self._take(id_)
        if notice is None:
            return False  # another process was faster
        reason = "no way open"
        heard_at, ways = self._ways(notice.openid)
        for way in ways:
            try:
                way(notice)
            except NotSent as error:
                reason = f"errcode {error.code}"
                if error.code not in WAY_IS_CLOSED | PERSON_IS_GONE:
                    return self._wait(notice, reason)
                self._note_refusal(notice.openid, error.code, heard_at)
            except ApiUnreachable:
                return self._wait(notice, "unreachable")
            else:
                self._run(_SENT, id=notice.id, now=self._now())
                return True
        return self._make_head(notice, reason)

    def _take(self, id_: int) -> Waiting | None:
        now = self._now()
        with self._engine.begin() as connection:
            values = {"id": id_, "now": now, "until": now + SENDING_SECONDS, "beyond": now + BEYOND_SECONDS}
            row = connection.execute(_TAKE, values).first()
        return None if row is None else Waiting(*row)

    def _ways(self, openid: str) -> tuple[float, list[Callable[[Waiting], None]]]:
        """When the person wrote last, and the ways that are open to them now: the one that costs them nothing first."""
        with self._engine.connect() as connection:
            row = connection.execute(_PERSON, {"openid": openid}).first()
        if row is None:
            return 0.0, []
        last_message_at, followed, subscribed = tuple(row)
        ways: list[Callable[[Waiting], None]] = []
        if followed and self._now() - last_message_at < WINDOW_SECONDS:
            ways.append(self._send_text)
        if subscribed and self._subscription is not None:
            ways.append(self._send_notice)
        return last_message_at, ways

    def _send_text(self, notice: Waiting) -> None:
        self._sender.send_text(notice.openid, notice.text)

    def _send_notice(self, notice: Waiting) -> None:
        assert self._subscription is not None  # or this way would not be open
        self._sender.send_notice(notice.openid, self._subscription.template_id, self._subscription.data(notice))
        self._run(_PERHAPS_SPENT, openid=notice.openid)

    def _note_refusal(self, openid: str, code: int, heard_at: float) -> None:
        if code in WINDOW_IS_CLOSED:
            self._run(_CLOSED, openid=openid, seen=heard_at)
        elif code in PERSON_IS_GONE:
            self._run(_LEFT, openid=openid)
        elif code == NOT_SUBSCRIBED:
            self._run(_UNSUBSCRIBED, openid=openid)

    def _wait(self, notice: Waiting, reason: str) -> bool:
        now = self._now()
        if now - notice.created_at >= GIVE_UP_SECONDS:
            return self._make_head(notice, reason)
        pause = min(FIRST_WAIT_SECONDS * 2.0 ** min(notice.tries, 20), LONGEST_WAIT_SECONDS)
        self._run(_WAIT, id=notice.id, next_at=now + pause, reason=reason)
        return False

    def _make_head(self, notice: Waiting, reason: str) -> bool:
        """Keep it for the person's next answer; row and counter together, or it would never be looked for."""
        values = {"id": notice.id, "reason": reason, "text": shorten(notice.text, HEAD_BYTES_MAX)}
        with self._engine.begin() as connection:
            if connection.execute(_HEAD, values).rowcount:
                connection.execute(_ONE_MORE_HEAD, {"openid": notice.openid})
        return False

    def _run(self, statement: TextClause, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement, values)

    def language_of(self, openid: str) -> str:
        """The language that this person chose, "" when they chose none or never wrote."""
        with self._engine.connect() as connection:
            stored = connection.execute(_DIALOGUE, {"openid": openid}).scalar()
        return "" if stored is None else parse_session(stored).language

    def is_quiet(self, openid: str) -> bool:
        """Whether this person wants no notices sent."""
        with self._engine.connect() as connection:
            stored = connection.execute(_DIALOGUE, {"openid": openid}).scalar()
        return stored is not None and parse_session(stored).quiet

    @property
    def has_subscription(self) -> bool:
        """Whether people can subscribe at this account."""
        return self._subscription is not None

    def is_ours(self, template_id: str) -> bool:
        """Whether that is the template of our notices."""
        return self._subscription is not None and self._subscription.template_id == template_id

    def is_subscribed(self, openid: str) -> bool:
        """Whether a subscription of this person is certainly left: tapped for, and nothing was sent by it yet."""
        with self._engine.connect() as connection:
            return connection.execute(_SUBSCRIBED, {"openid": openid}).scalar() == 1

    # --- the call list ---

    def undelivered(self, limit: int = 100, offset: int = 0) -> list[Undelivered]:
        """People whom no way has reached yet, who waits longest first: somebody may telephone."""
        with self._engine.connect() as connection:
            found = connection.execute(_UNDELIVERED, {"limit": limit, "offset": offset})
            return [Undelivered(*row) for row in found]

    def count_undelivered(self) -> int:
        """How many people stand on the call list."""
        with self._engine.connect() as connection:
            return int(connection.execute(_COUNT_UNDELIVERED).scalar_one())

    def note_called(self, id_: int) -> bool:
        """Somebody has telephoned: off the list. The person still reads it above their next answer."""
        return self._changed(_CALLED, id=id_, reason=f"called {id_}")

    def note_not_called(self, id_: int) -> bool:
        """It was a mistake: back onto the list."""
        return self._changed(_NOT_CALLED, reason=f"called {id_}")

    def _changed(self, statement: TextClause, **values: object) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(statement, values).rowcount > 0

    def prune(self) -> None:
        """Forget what has long arrived."""
        self._run(_PRUNE, before=self._now() - KEPT_SECONDS)
