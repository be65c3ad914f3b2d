"""Answers each delivery once: a repeat gets the first answer, and one person's messages are handled one after another.

Each answer raises the person's fence, and is stored with dialogue and arrival only where the fence stands as it was
found: of two at once, one begins again and finds what the other left. That is enough for a question. What acts takes a
lease first, so that nobody begins meanwhile: a repeat waits for it, and then finds the answer. The lease of a worker
that died runs out before WeChat's second repeat.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from bot.errors import Busy, Overtaken
from bot.messages import OPENS_48_HOURS, Message, SubscribeChanged, SubscribePopup, Unsubscribed
from bot.replies import SILENCE, NewsReply, Reply, TextReply
from bot.sessions import Session, parse_session, print_session
from bot.storage import Database, Transaction

LEASE_SECONDS = 4.0  # WeChat repeats after five
POLL_SECONDS = 0.002  # looking costs little, and the other process needs no longer
POLL_SECONDS_MAX = 0.02
ANSWER_KEPT_SECONDS = 600.0  # WeChat's last repeat comes after 15 s, and nothing older than 300 s is let in
KEY_KEPT_SECONDS = 86_400.0

# The write comes first in each transaction: SQLite cannot turn a reader that has seen an older state into a writer.
# The answer is looked for in a statement of its own, after the lease: PostgreSQL shows a statement what was committed
# before it began, and an answer that came while we waited for the row must be seen.
_LEASE = (
    "INSERT INTO bot_sessions (openid, data, fence, lease_until, last_message_at, followed, subscribed, heads)"
    " VALUES (:openid, '{}', 1, :until, 0, 0, 0, 0)"
    " ON CONFLICT (openid) DO UPDATE SET fence = bot_sessions.fence + 1, lease_until = :until"
    " WHERE bot_sessions.lease_until <= :now OR bot_sessions.lease_until > :beyond"
    " RETURNING fence, data, heads"
)
_LEASED = (
    "SELECT lease_until FROM bot_sessions WHERE openid = :openid AND lease_until > :now AND lease_until <= :beyond"
)
# One statement, so that fence, dialogue and answer are of one moment, without a transaction.
_LOOK = (
    "SELECT fence, data, heads, lease_until, (SELECT answer FROM bot_inbox WHERE delivery_key = :key)"
    " FROM bot_sessions WHERE openid = :openid"
)
_ANSWER = "SELECT answer FROM bot_inbox WHERE delivery_key = :key"
_HEADS = (
    "SELECT id, text FROM bot_outbox WHERE openid = :openid AND state IN ('head', 'kept') ORDER BY id LIMIT :heads_max"
)
_STORE = "INSERT INTO bot_inbox (delivery_key, openid, received_at, answer) VALUES (:key, :openid, :now, :answer)"
_RELEASE = (
    "UPDATE bot_sessions SET data = :data, fence = fence + 1, lease_until = 0, heads = heads - :taken,"
    " followed = COALESCE(:followed, followed),"
    " last_message_at = COALESCE(:heard_at, last_message_at), subscribed = COALESCE(:subscribed, subscribed)"
    " WHERE openid = :openid AND fence = :fence"
)
_GIVE_BACK = "UPDATE bot_sessions SET lease_until = 0 WHERE openid = :openid AND fence = :fence"
_SHOWN = "UPDATE bot_outbox SET state = 'shown', text = '', done_at = :now WHERE id = :id AND state IN ('head', 'kept')"
_FOLLOWER = (
    "INSERT INTO bot_sessions (openid, data, fence, lease_until, last_message_at, followed, subscribed, heads)"
    " VALUES (:openid, '{}', 0, 0, :now, 1, 0, 0)"
    " ON CONFLICT (openid) DO UPDATE SET followed = 1, last_message_at = :now"
)
_FORGET_ANSWERS = "UPDATE bot_inbox SET answer = '' WHERE received_at < :before AND answer <> ''"
_FORGET_KEYS = "DELETE FROM bot_inbox WHERE received_at < :before"
HEADS_MAX = 5


@dataclass(frozen=True, slots=True)
class Head:
    """A notice that could not be sent and waits to open the person's next answer."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's message, to be answered as of this fence."""

    message: Message
    fence: int
    session: Session
    heads: tuple[Head, ...]
    held: bool = True  # under a lease: nobody else answers this person meanwhile


@dataclass(frozen=True, slots=True)
class Answered:
    """The delivery is a repeat, and this was the first answer."""

    reply: Reply


class Inbox:
    """The deliveries that were answered, and the leases of those that are being answered.

    Everything here raises `DatabaseBusy` when the database lets nothing be done.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], float],
        template_id: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database = Database(engine)
        self._now = now
        self._template_id = template_id
        self._sleep = sleep
        # What each delivery runs, what one runs that acts or waits, and the one of those that carry notices.
        self._look = database.compile(_LOOK)
        self._lease = database.compile(_LEASE)
        self._leased = database.compile(_LEASED)
        self._answer = database.compile(_ANSWER)
        self._release = database.compile(_RELEASE)
        self._store = database.compile(_STORE)
        self._heads = database.compile(_HEADS)

    def claim(self, message: Message, give_up: Callable[[], bool], *, hold: bool = True) -> Claim | Answered:
        """Claim this person's message, or find the first answer; waits for a lease of another until `give_up` says so.

        `hold`: under a lease, as whatever acts must. Raises `Busy` after waiting; nothing has been done or stored.
        """
        attempt = self._try_lease if hold else self._try_look
        while (claimed := attempt(message)) is None:
            self._wait_for_lease(message.sender, give_up)
        return claimed

    def _wait_for_lease(self, openid: str, give_up: Callable[[], bool]) -> None:
        pause = POLL_SECONDS
        while True:
            if give_up():
                raise Busy("another message of the same person is still being answered")
            self._sleep(pause)
            if not self._is_leased(openid):
                return
            pause = min(pause * 1.2, POLL_SECONDS_MAX)

    def _is_leased(self, openid: str) -> bool:
        """Only a look: whoever waits must not take the writer's place from whoever answers."""
        now = self._now()
        values = {"openid": openid, "now": now, "beyond": now + 2 * LEASE_SECONDS}
        with self._database.transaction() as transaction:
            return transaction.run(self._leased, values).fetchone() is not None

    def _try_look(self, message: Message) -> Claim | Answered | None:
        now = self._now()
        with self._database.transaction() as transaction:
            values = {"openid": message.sender, "key": message.delivery_key}
            found = transaction.run(self._look, values).fetchone()
            if found is not None:
                fence, data, waiting, leased_until, answered = found
                if answered is not None:
                    return Answered(parse_answer(answered))
                if now < leased_until <= now + 2 * LEASE_SECONDS:
                    return None
                heads = self._read_heads(transaction, message.sender) if waiting > 0 else ()
                return Claim(message, fence, parse_session(data), heads, held=False)
        return self._try_lease(message)  # the first message of this person: the lease makes the row

    def _try_lease(self, message: Message) -> Claim | Answered | None:
        now = self._now()
        values = {
            "openid": message.sender,
            "until": now + LEASE_SECONDS,
            "now": now,
            # A lease further ahead than any lease can be comes from a clock that has been put right since.
            "beyond": now + 2 * LEASE_SECONDS,
        }
        with self._database.writing() as transaction:
            leased = transaction.run(self._lease, values).fetchone()
            if leased is None:
                return None
            fence, data, waiting = leased
            answered = transaction.run(self._answer, {"key": message.delivery_key}).fetchone()
            if answered is not None:
                return Answered(parse_answer(answered[0]))  # without a commit: the lease was never taken
            heads = self._read_heads(transaction, message.sender) if waiting > 0 else ()
            transaction.commit()
        return Claim(message, fence, parse_session(data), heads)

    def _read_heads(self, transaction: Transaction, openid: str) -> tuple[Head, ...]:
        rows = transaction.run(self._heads, {"openid": openid, "heads_max": HEADS_MAX}).fetchall()
        return tuple(Head(id_, content) for id_, content in rows)

    def finish(self, claim: Claim, reply: Reply, shown: Sequence[Head] = ()) -> None:
        """Store answer and dialogue and give a lease back, all or nothing; `Overtaken` when another was quicker."""
        now, message = self._now(), claim.message
        spoke = isinstance(message, OPENS_48_HOURS)
        values = {
            "openid": message.sender,
            "fence": claim.fence,
            "data": print_session(claim.session),
            "taken": len(shown),
            "followed": 1 if spoke else 0 if isinstance(message, Unsubscribed) else None,
            "heard_at": now if spoke else None,
            "subscribed": self._subscribed(message),
        }
        stored = {"key": message.delivery_key, "openid": message.sender, "now": now, "answer": print_answer(reply)}
        with self._database.writing() as transaction:
            if transaction.run(self._release, values).rowcount != 1:
                raise Overtaken(f"fence {claim.fence} has been passed")
            transaction.run(self._store, stored)
            for head in shown:
                transaction.run(self._database.compile(_SHOWN), {"id": head.id, "now": now})
            transaction.commit()

    def give_back(self, claim: Claim) -> None:
        """Let the person's next message in without an answer to this one: the handler failed, and nothing is stored."""
        if claim.held:
            self._run(_GIVE_BACK, openid=claim.message.sender, fence=claim.fence)

    def note_follower(self, openid: str) -> None:
        """Remember a person who followed and wrote just now, though not through this program."""
        self._run(_FOLLOWER, openid=openid, now=self._now())

    def prune(self) -> None:
        """Forget answers that no repeat can ask for any more, and keys that WeChat cannot send again."""
        self._run(_FORGET_ANSWERS, before=self._now() - ANSWER_KEPT_SECONDS)
        self._run(_FORGET_KEYS, before=self._now() - KEY_KEPT_SECONDS)

    def _run(self, sql: str, **values: object) -> None:
        with self._database.writing() as transaction:
            transaction.run(self._database.compile(sql), values)
            transaction.commit()

    def _subscribed(self, message: Message) -> int | None:
        """What an event says about our notice template; None when it says nothing."""
        if not isinstance(message, SubscribePopup | SubscribeChanged):
            return None
        said = [choice.accepted for choice in message.choices if choice.template_id == self._template_id]
        return int(said[-1]) if said else None


def print_answer(reply: Reply) -> str:
    """Write an answer down for a repeat."""
    match reply:
        case TextReply(content=content):
            return json.dumps(content, ensure_ascii=False)
        case NewsReply():
            return json.dumps([reply.title, reply.description, reply.url, reply.picture_url], ensure_ascii=False)
        case _:
            return ""


def parse_answer(stored: str) -> Reply:
    """Read an answer back; one that was emptied, or never there, is silence."""
    if not stored:
        return SILENCE
    value = json.loads(stored)
    return TextReply(value) if isinstance(value, str) else NewsReply(*value)
