"""Carries deliveries to the accounts: each chat in order, five seconds a try, the same message up to three times."""

import logging
import secrets
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from bot.sandbox.answers import read_answer
from bot.sandbox.envelope import PREFIX_BYTES, Sealed, seal_delivery
from bot.sandbox.errors import AnswerMalformed, AnswerTooLong
from bot.sandbox.world import ChatKey, Delivery, Kind, World

ANSWER_BYTES_MAX = 65_536
COURIERS_MAX = 32
TRIES_MAX = 3
KEEPALIVE_SECONDS = 1.0  # below any server's own, or a reused connection may die under a message
UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """WeChat's patience, in seconds."""

    answer_seconds: float = 5.0  # for one try
    pause_seconds: float = 1.0  # after a try that failed at once


class Courier:
    """Delivers what waits. Closing it ends its threads after the try they are in."""

    def __init__(self, world: World, pace: Pace) -> None:
        self._world = world
        self._pace = pace
        self._closing = threading.Event()
        self._threads = ThreadPoolExecutor(COURIERS_MAX, thread_name_prefix="courier")
        limits = httpx.Limits(max_connections=COURIERS_MAX, keepalive_expiry=KEEPALIVE_SECONDS)
        # trust_env: a proxy of this machine must not see what goes to a node beside us.
        self._http = httpx.Client(timeout=pace.answer_seconds, limits=limits, trust_env=False)

    def wake(self, openid: str, node: str) -> None:
        """Begin a round for a chat that has something waiting and nobody carrying it."""
        self._threads.submit(self._round, (openid, node)).add_done_callback(_tell_breakdown)

    def close(self) -> None:
        """Stop. What waits is forgotten with the rest of the world."""
        self._closing.set()
        self._threads.shutdown(cancel_futures=True)
        self._http.close()

    def _round(self, key: ChatKey) -> None:
        try:
            while not self._closing.is_set() and (delivery := self._world.take(key)):
                self._deliver(key, delivery)
        except BaseException:
            self._world.release(key)
            raise

    def _deliver(self, key: ChatKey, delivery: Delivery) -> None:
        """Try until there is an answer; show it, or say that the account is out of service."""
        for attempt in range(1, TRIES_MAX + 1):
            body = self._try(delivery, attempt)
            if body is not None:
                self._show(key, delivery, body)
                return
            if self._closing.is_set():
                return
        self._world.show(key, UNAVAILABLE, Kind.EVENT)

    def _try(self, delivery: Delivery, attempt: int) -> bytes | None:
        """One try; None when it was late or failed. No content goes to the log."""
        try:
            return self._post(delivery.account.webhook, self._seal(delivery))
        except httpx.TimeoutException:
            self._tell(delivery, attempt, "late")
        except httpx.HTTPStatusError as error:
            self._fail(delivery, attempt, f"answered {error.response.status_code}")
        except (httpx.HTTPError, AnswerTooLong) as error:
            self._fail(delivery, attempt, f"failed: {type(error).__name__}")
        return None

    def _fail(self, delivery: Delivery, attempt: int, what: str) -> None:
        """Tell it, and leave the account a moment before the next try."""
        self._tell(delivery, attempt, what)
        if attempt < TRIES_MAX:
            self._closing.wait(self._pace.pause_seconds)

    def _seal(self, delivery: Delivery) -> Sealed:
        """A new nonce and timestamp for each try; the message inside stays the same to the byte."""
        return seal_delivery(
            delivery.account,
            delivery.openid,
            delivery.xml,
            timestamp=int(self._world.clock().timestamp()),
            nonce=str(secrets.randbelow(10**10)),
            prefix=secrets.token_hex(PREFIX_BYTES // 2).encode(),
        )

    def _post(self, url: str, sealed: Sealed) -> bytes:
        """Post one try. The deadline holds for the whole answer: httpx alone would count each piece anew."""
        deadline = time.monotonic() + self._pace.answer_seconds
        headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Accept-Encoding": "identity"}
        with self._http.stream("POST", url, params=sealed.query, content=sealed.body, headers=headers) as response:
            response.raise_for_status()
            body = bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise AnswerTooLong(ANSWER_BYTES_MAX)
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer came in pieces beyond the deadline")
        return bytes(body)

    def _show(self, key: ChatKey, delivery: Delivery, body: bytes) -> None:
        try:
            answer = read_answer(delivery, body)
        except AnswerMalformed as error:
            log.warning("%s: delivery %d: %s", delivery.account.name, delivery.msg_id, error)
            self._world.show(key, UNAVAILABLE, Kind.EVENT)
            return
        if answer is not None:
            self._world.show(key, answer.text, answer.kind)

    @staticmethod
    def _tell(delivery: Delivery, attempt: int, what: str) -> None:
        log.warning("%s: delivery %d, try %d %s", delivery.account.name, delivery.msg_id, attempt, what)


def _tell_breakdown(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()):
        log.error("a courier broke down", exc_info=error)
