"""One of the processes that look at entries: a task comes in, what is good of it goes out, until nobody asks any more.

It is started with nothing of whoever starts it: no database, no keys but public ones, no open files.
"""

import gc
import marshal
import os
import signal
import struct
import sys
from typing import IO, Any

from ledger.examining.examine import Examined, Task, examine
from ledger.records.proven import EACH

NICE = 10  # whoever folds waits for no processor, nor does the desk: what is looked at ahead can wait

_LENGTH = struct.Struct(">I")


def ask(stream: IO[bytes], keys: list[tuple[str, bytes]], task: Task) -> None:
    """Give a process of our own a task, and the keys that are new since the last; raises BrokenPipeError."""
    _send(stream, (keys, *task))


def answer(stream: IO[bytes]) -> Examined:
    """Read what it has found; raises EOFError when it has gone."""
    records, proven, root = _receive(stream)
    return Examined(records, [EACH[both] for both in proven], root)


def _send(stream: IO[bytes], value: Any) -> None:
    # Tuples, texts and numbers: the two processes are one program, of one interpreter.
    data = marshal.dumps(value)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    data = _exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0])
    return marshal.loads(data)  # noqa: S302  from the process that we started, or that has started us


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def serve(tasks: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until the tasks end."""
    keys: dict[str, bytes] = {}
    while True:
        try:
            new_keys, *task = _receive(tasks)
        except EOFError:
            return
        keys.update(new_keys)
        found = examine(Task(*task), keys)
        _send(answers, (found.records, [tuple(each) for each in found.proven], found.root))


if __name__ == "__main__":
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us: then the tasks end
    gc.disable()  # a task's records hold no circles, and go with it
    serve(sys.stdin.buffer, sys.stdout.buffer)
