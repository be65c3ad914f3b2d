"""One of the processes that look at entries: a task comes in, what is good of it goes out, until nobody asks any more.

It is started with nothing of whoever starts it: no database, no keys but public ones, no open files.
"""

import gc
import pickle
import signal
import struct
import sys
from typing import IO, Any

from ledger.examining.examine import examine

_LENGTH = struct.Struct(">I")


def send(stream: IO[bytes], value: Any) -> None:
    """Write one value to a process of our own; raises BrokenPipeError when it has gone."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one value from a process of our own; raises EOFError when it has gone."""
    data = stream.read(_LENGTH.unpack(_exactly(stream, _LENGTH.size))[0])
    return pickle.loads(data)  # noqa: S301  from the process that we started, or that has started us


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
            new_keys, task = receive(tasks)
        except EOFError:
            return
        keys.update(new_keys)
        send(answers, examine(task, keys))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us: then the tasks end
    gc.disable()  # a task's records hold no circles, and go with it
    serve(sys.stdin.buffer, sys.stdout.buffer)
