"""One seed's world: its clock, its network and its accidents, all of them drawn from one seeded source."""

from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random
from typing import Any

from ledger.merkle.cosignature import CosignedCheckpoint, open_cosigned, parse_checkpoint_unverified
from ledger.merkle.vkeys import Verifier
from ledger.peers.evidence import Head
from ledger.peers.growth import as_head
from tests.simulator.answering import Answering, Ask, Copy
from tests.simulator.department import Department, Round
from tests.simulator.judge import Judge
from tests.simulator.liars import Liar, Lie

ROUND_MILLISECONDS = 60_000
LATE_ROUNDS_MAX = 20  # by which a message may be late
DOWN_ROUNDS_MAX = 12
BEGAN_SECONDS = 1_780_000_000
DRIFT_SECONDS_MAX = 2  # by which a clock goes wrong in a round
ODD_HOURS_MAX = 6  # by which a clock may be wrong


@dataclass(frozen=True, slots=True)
class Weather:
    """How often what goes wrong; shares of the messages, of the stores and of the rounds."""

    lost: float = 0.0
    unanswered: float = 0.0  # it arrived, and the answer is lost
    doubled: float = 0.0
    late: float = 0.0  # it arrives when nobody waits for the answer any more
    stale: float = 0.0  # an answer from earlier comes in the place of this one
    tiles_lost: float = 0.0
    dies: float = 0.0  # at a store
    parted: float = 0.0  # of the rounds: a partition begins or ends
    clock_jumps: float = 0.0


CALM = Weather()
STORM = Weather(0.04, 0.03, 0.04, 0.04, 0.04, 0.01, 0.004, 0.004, 0.01)


class Died(Exception):
    """The machine stops, with what is stored."""


class World:
    """Some departments, and all that is between them."""

    def __init__(
        self, seed: int, lies: dict[int, frozenset[Lie]], *, departments: int = 7, weather: Weather = STORM
    ) -> None:
        self.random = Random(seed)
        self.weather = weather
        self.milliseconds = 0
        self.rounds = 0
        self.growth = 0.15
        self.departments: list[Department] = [
            Liar(self, number, lies[number]) if number in lies else Department(self, number)
            for number in range(departments)
        ]
        for one in self.departments:
            one.copies = {other.origin: Copy() for other in self.departments}
        self.judge = Judge(self.departments)
        self.side = [0] * departments  # of a partition, by number
        self._trace = blake2b(digest_size=16)
        self._queue: list[tuple[int, int, int, int, Ask | None]] = []
        self._order = 0
        self._life = [0] * departments  # how often each has died: what was on its way to an earlier life is void
        self._down = [False] * departments
        self._rounds: list[Round | None] = [None] * departments
        self._answered: list[set[int]] = [set() for _ in range(departments)]
        self._stale: dict[tuple[int, int, str, tuple[Any, ...]], Any] = {}
        self._opened: dict[bytes, tuple[CosignedCheckpoint, Head]] = {}
        for one in self.departments:
            one.grow(1)  # every log begins with its department
            self._at(self.random.randrange(ROUND_MILLISECONDS), one, None)

    # --- what departments see of it ---

    def seconds(self) -> int:
        return BEGAN_SECONDS + self.milliseconds // 1000

    def verifiers(self, origin: str) -> tuple[Verifier, ...]:
        return self.judge.verifiers[origin]

    def open(self, signed: bytes) -> CosignedCheckpoint:
        return self._open(signed)[0]

    def head(self, signed: bytes) -> Head:
        return self._open(signed)[1]

    def _open(self, signed: bytes) -> tuple[CosignedCheckpoint, Head]:
        if signed not in self._opened:
            opened = open_cosigned(signed, self.verifiers(parse_checkpoint_unverified(signed).origin))
            self._opened[signed] = opened, as_head(opened)
        return self._opened[signed]

    def chance_to_die(self, who: Answering) -> None:
        if self.weather.dies and who.honest and self.random.random() < self.weather.dies:
            raise Died(who.number)

    # --- the network ---

    def ask_now(self, asker: Answering, ask: Ask) -> Any:
        """A tile or some entries: immutable, so that only their absence is of interest."""
        if not self._reaches(asker, ask.asked) or self.random.random() < self.weather.tiles_lost:
            self._answered[asker.number].discard(ask.asked.number)
            return None
        return getattr(ask.asked, ask.question)(asker, *ask.given)

    def _reaches(self, asker: Answering, asked: Answering) -> bool:
        return self.side[asker.number] == self.side[asked.number] and not self._down[asked.number]

    def _carry(self, asker: Answering, ask: Ask) -> Any:
        """Bring a question there and the answer back, with whatever happens on the way."""
        if not self._reaches(asker, ask.asked):
            self._answered[asker.number].discard(ask.asked.number)
            return None
        weather, chance = self.weather, self.random.random()
        key = asker.number, ask.asked.number, ask.question, ask.given
        for share, accident in (
            (weather.lost, self._lose),
            (weather.late, self._delay),
            (weather.unanswered, self._leave_unanswered),
            (weather.stale, self._answer_stale),
            (weather.doubled, self._double),
        ):
            chance -= share
            if chance < 0:
                self._answered[asker.number].discard(ask.asked.number)
                return accident(asker, ask, key)
        answer = self._handle(asker, ask)
        if ask.question == "log_head" and answer is not None:  # whoever has published nothing is followed by nobody
            self._answered[asker.number].add(ask.asked.number)
        return answer

    def _lose(self, _asker: Answering, _ask: Ask, _key: Any) -> None:
        return None

    def _delay(self, asker: Answering, ask: Ask, _key: Any) -> None:
        self._at(self.random.randrange(LATE_ROUNDS_MAX * ROUND_MILLISECONDS), asker, ask, alone=True)

    def _leave_unanswered(self, asker: Answering, ask: Ask, key: Any) -> None:
        self._stale[key] = self._handle(asker, ask)  # on its way all the same, for whoever asks the same again

    def _answer_stale(self, asker: Answering, ask: Ask, key: Any) -> Any:
        answer = self._handle(asker, ask)
        old, self._stale[key] = self._stale.get(key, answer), answer
        return old

    def _double(self, asker: Answering, ask: Ask, _key: Any) -> Any:
        first = self._handle(asker, ask)
        second = self._handle(asker, ask)
        return self.random.choice((first, second))

    def _handle(self, asker: Answering, ask: Ask) -> Any:
        if self._down[ask.asked.number]:
            return None
        try:
            return getattr(ask.asked, ask.question)(asker, *ask.given)
        except Died:
            self._die(ask.asked)
            return None

    # --- time ---

    def run(self, rounds: int) -> None:
        """Let this many rounds of departments go by."""
        until = self.rounds + rounds
        while self.rounds < until:
            self.milliseconds, _order, number, life, ask = heappop(self._queue)
            if life == -1 and ask is not None:
                self._handle(self.departments[number], ask)
            elif life == self._life[number]:
                self._step(self.departments[number], ask)

    def calm_down(self) -> None:
        """Nothing goes wrong any more but what liars do, and no honest log grows: what must follow has time to."""
        self.weather, self.side, self.growth = CALM, [0] * len(self.side), 0.0

    def trace(self) -> str:
        """What all that has happened comes to."""
        return self._trace.hexdigest()

    def _at(self, wait: int, who: Answering, ask: Ask | None, *, alone: bool = False) -> None:
        self._order += 1
        life = -1 if alone else self._life[who.number]
        heappush(self._queue, (self.milliseconds + wait, self._order, who.number, life, ask))

    def _step(self, who: Department, ask: Ask | None) -> None:
        """Bring what was on its way, and let the round go on to its next question."""
        number = who.number
        try:
            if ask is None:
                self._begin(who)
                answer = None
            else:
                answer = self._carry(who, ask)
            running = self._rounds[number]
            assert running is not None
            following = running.send(answer)
        except Died:
            self._die(who)
        except StopIteration:
            self._end(who)
        else:
            self._at(self.random.randrange(20, 400), who, following)

    def _begin(self, who: Department) -> None:
        self._down[who.number] = False
        self._answered[who.number].clear()
        if self.random.random() < self.growth:
            who.grow(self.random.randint(1, 3))
        if isinstance(who, Liar):
            who.scheme()
        who.clock_ahead += self.random.randint(-DRIFT_SECONDS_MAX, DRIFT_SECONDS_MAX)
        if self.random.random() < self.weather.clock_jumps:
            who.clock_ahead = self.random.randint(-ODD_HOURS_MAX * 3600, ODD_HOURS_MAX * 3600)
        if self.random.random() < self.weather.parted:
            self.side = [0] * len(self.side) if any(self.side) else [self.random.randrange(2) for _ in self.side]
        self._rounds[who.number] = who.round()

    def _end(self, who: Department) -> None:
        self.rounds += 1
        self._trace.update(
            repr((self.milliseconds, who.number, [one.seen.root for one in who.copies.values()])).encode()
        )
        self.judge.round_done(who, self._answered[who.number])
        self._at(self.random.randrange(ROUND_MILLISECONDS * 9 // 10, ROUND_MILLISECONDS * 11 // 10), who, None)

    def _die(self, who: Answering) -> None:
        """It comes back with what was stored, and nothing else."""
        self._life[who.number] += 1
        self._down[who.number] = True
        self._rounds[who.number] = None
        who.said.clear()
        self.judge.forget(who)
        self._at(self.random.randrange(DOWN_ROUNDS_MAX * ROUND_MILLISECONDS), who, None)
