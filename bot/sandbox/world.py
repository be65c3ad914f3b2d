"""The pretended WeChat's memory: who follows whom, what stands in each chat, what waits to be delivered.

Everything is in memory, behind one lock, and bounded. A chat line and its delivery are put down in the same moment,
so that the ids of a chat and the order of its deliveries cannot differ.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TypeAlias

from bot.sandbox.accounts import Account
from bot.sandbox.acts import CLICK, POPUP, SCAN, SUBSCRIBE, UNSUBSCRIBE, Act, Did, Posted, Wrote
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.codes import Code, CodeBook
from bot.sandbox.errors import ApiRefused, PostRefused
from bot.sandbox.grants import AFTER_MESSAGE, AFTER_TAP, NEVER, Grant
from bot.sandbox.quotas import DailyQuota
from bot.sandbox.tokens import TokenLine
from bot.sandbox.wire import Field, build_xml

LINES_A_CHAT_MAX = 2_000
CHATS_MAX = 5_000
WAITING_A_CHAT_MAX = 1_000
UNREAD_MAX = 20  # of one chat: more are shown as so many
SUBSCRIPTIONS_MAX = 20  # of one template, for one person

Clock: TypeAlias = Callable[[], datetime]
ChatKey: TypeAlias = tuple[str, str]  # openid, node


class Kind(StrEnum):
    """How a line looks."""

    TEXT = "text"
    NEWS = "news"
    NOTICE = "notice"  # pushed through the API
    EVENT = "event"  # no bubble: something happened


class Follow(StrEnum):
    """Whether a person follows an account. Nobody starts as `LEFT`: a stranger follows by their first act."""

    FOLLOWING = "following"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chat, as the person sees it."""

    id: int
    sender: str  # "me" or the account's name
    text: str
    time: datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or event for one account; every try of it carries this same XML."""

    account: Account
    openid: str
    xml: bytes
    msg_id: int


@dataclass(slots=True)
class Chat:
    """One person's chat with one account."""

    follow: Follow = Follow.FOLLOWING
    since: datetime = NEVER
    grant: Grant = field(default_factory=Grant)
    subscriptions: Counter[str] = field(default_factory=Counter)
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES_A_CHAT_MAX))
    waiting: deque[Delivery] = field(default_factory=deque)
    busy: bool = False  # somebody is delivering from `waiting`


@dataclass(slots=True)
class AccountState:
    """What Tencent keeps for one account."""

    tokens: TokenLine = field(default_factory=TokenLine)
    quota: DailyQuota = field(default_factory=DailyQuota)
    menu: list[dict[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The id of the new line, and whether a courier must be sent for it."""

    id: int
    wake: bool


class World:
    """All of it. `clock` returns the time, with its zone."""

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.lock = threading.RLock()
        self.accounts = {account.name: account for account in config.accounts}
        self.states = {account.app_id: AccountState() for account in config.accounts}
        self.codes = CodeBook()
        self.slips: dict[str, list[Code]] = {
            person.openid: [self.codes.add(slip.node, slip.scene, on_paper=True) for slip in person.slips]
            for person in config.people
        }
        self._chats: dict[ChatKey, Chat] = {}
        self._last_line_id = 0
        # MsgIds must not come again after a restart of the sandbox alone: nodes remember them.
        self._last_msg_id = int(clock().timestamp() * 1_000_000)
        self.begin()

    def begin(self) -> None:
        """Nobody has written anything yet, and everyone listed may be written to. Ids go on where they were."""
        with self.lock:
            self.codes.begin()
            # Somebody may be on the way with a message: its chat is emptied, not taken away.
            for chat in self._chats.values():
                chat.lines.clear()
                chat.waiting.clear()
            for person in self.config.people:
                for account in self.config.accounts:
                    key = (person.openid, account.name)
                    chat = self._chats.get(key) or self._open_chat(key)
                    chat.follow, chat.grant = Follow.FOLLOWING, Grant().renewed(AFTER_MESSAGE, self.clock())
                    chat.subscriptions.clear()

    # The person's side.

    def send(self, posted: Posted) -> Sent:
        """Put down what a person did, and queue its delivery."""
        with self.lock:
            account = self.account(posted.node)
            key = (posted.openid, posted.node)
            done = self._with_ticket(posted.node, posted.act)
            chat = self._chats.get(key) or self._stranger(key, done)
            if len(chat.waiting) >= WAITING_A_CHAT_MAX:
                raise PostRefused("too many messages of this person wait for the account; try again later", 429)
            act = self._apply(chat, done)
            line_id = self._write(chat, "me", act.shown, Kind.TEXT if isinstance(act, Wrote) else Kind.EVENT)
            return Sent(line_id, self._queue(chat, account, posted.openid, act.fields()))

    def account(self, node: str) -> Account:
        """The account of that name."""
        try:
            return self.accounts[node]
        except KeyError as error:
            raise PostRefused(f"'node' is unknown; it must be one of {', '.join(self.accounts)}") from error

    def lines(self, openid: str, node: str, after: int) -> list[Line]:
        """What a person sees in one chat after a line id."""
        with self.lock:
            self.account(node)
            chat = self._chats.get((openid, node))
            return [line for line in chat.lines if line.id > after] if chat else []

    def is_following(self, openid: str, node: str) -> bool:
        """Whether the person follows the account now."""
        with self.lock:
            chat = self._chats.get((openid, node))
            return chat is not None and chat.follow is Follow.FOLLOWING

    def is_answering(self, openid: str, node: str) -> bool:
        """Whether the account still owes an answer: the three dots."""
        with self.lock:
            chat = self._chats.get((openid, node))
            return chat is not None and chat.busy

    def newest_lines(self, openid: str) -> dict[str, list[Line]]:
        """By account, the last lines of each of a person's chats, oldest first."""
        with self.lock:
            chats = {node: chat for node in self.accounts if (chat := self._chats.get((openid, node)))}
            return {node: list(islice(reversed(chat.lines), UNREAD_MAX))[::-1] for node, chat in chats.items()}

    # The courier's side.

    def take(self, key: ChatKey) -> Delivery | None:
        """The next delivery of a chat; None ends the courier's round."""
        with self.lock:
            chat = self._chats[key]
            chat.busy = bool(chat.waiting)
            return chat.waiting.popleft() if chat.waiting else None

    def release(self, key: ChatKey) -> None:
        """A courier broke down: let the next message send another."""
        with self.lock:
            self._chats[key].busy = False

    def show(self, key: ChatKey, text: str, kind: Kind) -> None:
        """Show an account's answer, unless the person has left."""
        with self.lock:
            chat = self._chats[key]
            if chat.follow is Follow.FOLLOWING:
                self._write(chat, key[1], text, kind)

    # Tencent's side.

    def follower(self, account: Account, openid: str) -> Chat:
        """The chat of a follower; 40003 for a stranger, 43004 for one who left."""
        chat = self._chats.get((openid, account.name))
        if chat is None:
            raise ApiRefused(40003, "invalid openid")
        if chat.follow is not Follow.FOLLOWING:
            raise ApiRefused(43004, "require subscribe")
        return chat

    def push_customer(self, account: Account, openid: str, text: str) -> None:
        """Show a customer-service message, within the grant that the person's last act opened."""
        with self.lock:
            chat = self.follower(account, openid)
            chat.grant = chat.grant.spent(self.clock())
            self._write(chat, account.name, text, Kind.NOTICE)

    def push_subscription(self, account: Account, openid: str, template_id: str, text: str) -> Sent:
        """Show a subscription notice the person agreed to, and tell the account that it was sent."""
        with self.lock:
            chat = self.follower(account, openid)
            if chat.subscriptions[template_id] <= 0:
                raise ApiRefused(43101, "user refuse to accept the msg")
            chat.subscriptions[template_id] -= 1
            line_id = self._write(chat, account.name, text, Kind.NOTICE)
            return Sent(line_id, self._queue(chat, account, openid, _sent_event(template_id, line_id)))

    # Under the lock.

    def _with_ticket(self, node: str, act: Act) -> Act:
        """A scan tells the ticket of the code that was scanned; an ended one cannot be scanned."""
        if isinstance(act, Did) and act.event == SCAN:
            return replace(act, ticket=self.codes.scanned(node, act.key, self.clock()))
        return act

    def _stranger(self, key: ChatKey, act: Act) -> Chat:
        """Somebody new. Real people follow before they write; the sandbox spares them the tap, and the welcome."""
        if len(self._chats) >= CHATS_MAX:
            raise PostRefused(f"the sandbox holds {CHATS_MAX} chats; start it again", 429)
        chat = self._open_chat(key)
        if isinstance(act, Did):  # the first event may be the follow itself, as a scan is
            chat.follow = Follow.LEFT if act.event in {SUBSCRIBE, SCAN, UNSUBSCRIBE} else Follow.FOLLOWING
        return chat

    def _open_chat(self, key: ChatKey) -> Chat:
        chat = self._chats[key] = Chat(since=self.clock())
        return chat

    def _apply(self, chat: Chat, act: Act) -> Act:
        """Change what the act changes; returns the act that WeChat tells the account."""
        if isinstance(act, Wrote):
            _require_following(chat)
            chat.grant = chat.grant.renewed(AFTER_MESSAGE, self.clock())
            return act
        if act.event == UNSUBSCRIBE:
            chat.follow, chat.grant = Follow.LEFT, Grant()
            chat.subscriptions.clear()
            return act
        if act.event == SUBSCRIBE or (act.event == SCAN and chat.follow is Follow.LEFT):
            # Whoever scans without following is told to the account as a new follower.
            chat.follow, chat.since = Follow.FOLLOWING, self.clock()
            act = Did(SUBSCRIBE, act.key, act.ticket)
        _require_following(chat)
        if act.event == POPUP:
            chat.subscriptions[act.key] = min(chat.subscriptions[act.key] + 1, SUBSCRIPTIONS_MAX)
        if act.event in {SUBSCRIBE, SCAN, CLICK}:
            chat.grant = chat.grant.renewed(AFTER_TAP, self.clock())
        return act

    def _queue(self, chat: Chat, account: Account, openid: str, own: list[Field]) -> bool:
        self._last_msg_id += 1
        envelope: list[Field] = [
            ("ToUserName", account.original_id),
            ("FromUserName", openid),
            ("CreateTime", int(self.clock().timestamp())),
            *own,
        ]
        if own[0] != ("MsgType", "event"):  # events have no MsgId
            envelope.append(("MsgId", self._last_msg_id))
        chat.waiting.append(Delivery(account, openid, build_xml(envelope), self._last_msg_id))
        wake, chat.busy = not chat.busy, True
        return wake

    def _write(self, chat: Chat, sender: str, text: str, kind: Kind) -> int:
        self._last_line_id += 1
        chat.lines.append(Line(self._last_line_id, sender, text, self.clock(), kind))
        return self._last_line_id


def _require_following(chat: Chat) -> None:
    if chat.follow is Follow.LEFT:
        raise PostRefused("this person left the account; post the event 'subscribe' first")


def _sent_event(template_id: str, line_id: int) -> list[Field]:
    item: list[Field] = [
        ("TemplateId", template_id),
        ("MsgID", line_id),
        ("ErrorCode", 0),
        ("ErrorStatus", "success"),
    ]
    event = "subscribe_msg_sent_event"
    return [("MsgType", "event"), ("Event", event), ("SubscribeMsgSentEvent", [("List", item)])]
