"""The bot put together: a message in, an answer out, once, within WeChat's five seconds."""

import logging
import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.crypto import Account
from bot.errors import AnswerNotStored, BadSetting, Busy, DatabaseBusy, Overtaken
from bot.inbox import Answered, Claim, Head, Inbox
from bot.messages import Message
from bot.replies import TEXT_BYTES_MAX, Reply, TextReply, shorten
from bot.routing import Handler, Request, Router
from bot.sessions import Session
from bot.turns import Turns
from bot.understanding import prepare
from bot.wechat_api import API_BASE_URL, api_root

S = TypeVar("S")

ANSWER_SECONDS_MAX = 4.5  # WeChat hangs up after five
STORE_POLL_SECONDS = 0.05
TOKEN_CHARACTERS_MIN, TOKEN_CHARACTERS_MAX = 3, 32
# Locked, full, read-only, gone, out of connections: what a person can only be asked to try again for.
DATABASE_IS_BUSY = (OperationalError, InternalError, PoolTimeout, DatabaseBusy)

_SHOWN_BY_WECHAT = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BotConfig:
    """One official account's settings; refused where it is built when they cannot work."""

    app_id: str
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    allow_plain: bool = False
    api_base_url: str = API_BASE_URL
    template_id: str = ""  # the subscription notice that people may tap for

    def __post_init__(self) -> None:
        _check_token(self.token)
        for name in ("app_id", "app_secret"):
            value = getattr(self, name)
            if _SHOWN_BY_WECHAT.fullmatch(value) is None:
                raise BadSetting(name, "must be the letters and digits that WeChat shows")
        api_root(self.api_base_url)
        Account(self.app_id, self.token, self.encoding_aes_key)


def _check_token(token: str) -> None:
    if not (token.isascii() and token.isalnum() and TOKEN_CHARACTERS_MIN <= len(token) <= TOKEN_CHARACTERS_MAX):
        raise BadSetting("token", f"must be {TOKEN_CHARACTERS_MIN} to {TOKEN_CHARACTERS_MAX} letters and digits")


HeadText = Callable[[Sequence[str], Session], str]


def plain_heads(notices: Sequence[str], _session: Session) -> str:
    """Notices above an answer, without a word of the bot's own."""
    return "\n\n".join(notices)


@dataclass(frozen=True, slots=True)
class Unstored:
    """An excuse instead of an answer: said once, and not to a repeat."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class MustHold:
    """What was meant may act: it is answered under a lease, or not at all."""


class Bot(Generic[S]):
    """Answers messages with a router's handlers; everything that reaches out of the process is passed in."""

    def __init__(
        self,
        config: BotConfig,
        router: Router[S],
        engine: Engine,
        *,
        busy: Handler[S],
        failed: Handler[S] | None = None,
        heads: HeadText = plain_heads,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Put it together; `now` is Unix seconds.

        `busy` answers when the database let nothing be done, `failed` when a handler broke, perhaps after its
        deed; neither may need the database.
        """
        prepare()
        self.config = config
        self.account = Account(config.app_id, config.token, config.encoding_aes_key)
        self.inbox = Inbox(engine, now, config.template_id, sleep)
        self.now = now
        self._turns = Turns()
        self._router = router
        self._busy = busy
        self._failed = failed or busy
        self._head_text = heads
        self._sleep = sleep
        self.answer_seconds = ANSWER_SECONDS_MAX

    def answer(self, message: Message, *, sealed: bool) -> Reply:
        """Answer one delivery. Raises `AnswerNotStored` when only a repeat of it can tell what holds."""
        deadline = time.monotonic() + self.answer_seconds
        try:
            with self._turns.of(message.sender, deadline):
                return self._answer_in_turn(message, deadline, sealed=sealed)
        except Busy as error:
            return self._try_again(message, error, sealed=sealed)

    def _answer_in_turn(self, message: Message, deadline: float, *, sealed: bool) -> Reply:
        hold = False
        while True:
            try:
                claimed = self.inbox.claim(message, lambda: time.monotonic() > deadline, hold=hold)
            except DatabaseBusy as error:
                return self._try_again(message, error, sealed=sealed)
            if isinstance(claimed, Answered):
                return claimed.reply
            reply = self._handle(claimed, self._request(message, claimed.session, sealed=sealed))
            if isinstance(reply, MustHold):
                hold = True
                continue
            if isinstance(reply, Unstored):
                return reply.reply
            reply, shown = self._with_heads(claimed, reply)
            if self._finished(claimed, reply, shown, deadline):
                return reply
            hold = True  # whoever was overtaken once is not overtaken again

    def _request(self, message: Message, session: Session, *, sealed: bool) -> Request:
        now = datetime.fromtimestamp(self.now(), UTC)
        return Request(message, message.sender, message.delivery_key, now, session, sealed)

    def _handle(self, claim: Claim, request: Request) -> Reply | Unstored | MustHold:
        """The handler's answer. What it failed with is logged without a word of what was said."""
        try:
            meant = self._router.find(request)
            return meant.handler(meant.request, self._router.services) if claim.held or meant.looks else MustHold()
        except DATABASE_IS_BUSY as error:
            log.warning("handler found the database busy: %s", type(error).__name__)
            excuse = self._busy
        except Exception as error:  # noqa: BLE001 - a bug in one answer must not make the account look dead
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("handler failed with %s\n%s", type(error).__name__, frames)  # noqa: TRY400 - see the docstring
            excuse = self._failed
        self._give_back(claim)
        return Unstored(excuse(request, self._router.services))

    def _give_back(self, claim: Claim) -> None:
        try:
            self.inbox.give_back(claim)
        except DatabaseBusy as error:
            log.warning("lease left to run out: %s", error)

    def _try_again(self, message: Message, error: Exception, *, sealed: bool) -> Reply:
        log.warning("delivery not begun: %s", error)
        return self._busy(self._request(message, Session(), sealed=sealed), self._router.services)

    def _with_heads(self, claim: Claim, reply: Reply) -> tuple[Reply, Sequence[Head]]:
        """Put the notices that could not be sent above the answer, as many as fit without cutting it."""
        if not isinstance(reply, TextReply):
            return reply, ()
        content = shorten(reply.content, TEXT_BYTES_MAX)
        for count in range(len(claim.heads), 0, -1):
            shown = claim.heads[:count]
            above = self._head_text([head.text for head in shown], claim.session)
            together = f"{above}\n\n{content}"
            if len(together.encode("utf-8", "replace")) <= TEXT_BYTES_MAX:
                return TextReply(together), shown
        return TextReply(content), ()

    def _finished(self, claim: Claim, reply: Reply, shown: Sequence[Head], deadline: float) -> bool:
        """Store the answer, trying hard: a handler may have acted. False when another was answered instead."""
        while True:
            try:
                self.inbox.finish(claim, reply, shown)
            except Overtaken:
                if claim.held:
                    log.warning("answer came after its lease: a repeat is answered instead")
                return False
            except DatabaseBusy as error:
                if time.monotonic() > deadline:
                    # To say "try again" might be untrue now, to say that it is done too: the repeat will find out.
                    raise AnswerNotStored(str(error)) from error
                self._sleep(STORE_POLL_SECONDS)
            else:
                return True
