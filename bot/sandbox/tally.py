"""Ticks off what was tried by what really stands in the chats, whoever wrote it and however."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.sandbox.steps import LEVER, Step, Tap
from bot.sandbox.world import ChatKey, World


@dataclass(slots=True)
class Tally:
    """Which taps are done; each line of a chat is looked at once."""

    steps: Sequence[Step]
    world: World
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: set[tuple[int, int]] = field(default_factory=set)
    _read: dict[ChatKey, int] = field(default_factory=dict)

    def look(self, levers_done: Iterable[str] = ()) -> list[list[bool]]:
        """Step by step and tap by tap, whether it is done."""
        pulled = set(levers_done)
        with self._lock:
            said = {chat: self._new_lines(chat) for chat in {tap.phones[tap.by] for _, tap in self._each()}}
            for place, tap in self._each():
                if tap.act.get(LEVER) in pulled or (tap.seen and any(map(tap.seen.search, said[tap.phones[tap.by]]))):
                    self._done.add(place)
            return [[(at, to) in self._done for to in range(len(step.taps))] for at, step in enumerate(self.steps)]

    def begin(self) -> None:
        """Nothing has been done yet."""
        with self._lock:
            self._done.clear()

    def _each(self) -> Iterable[tuple[tuple[int, int], Tap]]:
        return [((at, to), tap) for at, step in enumerate(self.steps) for to, tap in enumerate(step.taps)]

    def _new_lines(self, chat: ChatKey) -> list[str]:
        """What the account has said since we looked."""
        lines = self.world.lines(*chat, self._read.get(chat, 0))
        if lines:
            self._read[chat] = lines[-1].id
        return [line.text for line in lines if line.sender != "me"]
