"""Another process that writes to the same log: prints each index and entry once it has been told that it is durable.

    python -m tests.log.appender '{"url": …, "high_water": …, "origin": …, "seeds": …, "threads": 8, "each": 12}'

Each thread appends `each` records; without `each` they go on, signing and publishing in between, until they are killed.
"""

import itertools
import json
import sys
import threading
from pathlib import Path

from ledger import keys as node_keys
from ledger.errors import Busy
from ledger.keys import HighWater
from ledger.storage.engine import open_engine
from tests.log.conftest import make_record, open_log

_printing = threading.Lock()


def describe(log, keys, high_water, **how):
    """What another process must be told to write to this log."""
    seeds = {name: seed.hex() for name, seed in node_keys._to_seeds(keys).items()}
    url = log.engine.url.render_as_string(hide_password=False)
    return json.dumps({"url": url, "high_water": str(high_water), "origin": keys.origin, "seeds": seeds, **how})


def append_surely(log, record):
    """As a person would: again, when told that the database was busy and nothing was done."""
    while True:
        try:
            return log.add([record])
        except Busy:
            continue


def publish(log):
    try:
        head = log.sign_new_head()
        if head is not None:
            log.publish(head.size)
    except Busy:
        return  # the next one will


def append_some(log, keys, each, acknowledge):
    for _ in itertools.repeat(None) if each is None else range(each):
        record = make_record(keys)
        acknowledge(append_surely(log, record), record.entry)
        if each is None:
            publish(log)


def print_acknowledged(index, entry):
    with _printing:
        sys.stdout.write(f"{index} {entry.hex()}\n")
        sys.stdout.flush()


def main(told):
    keys = node_keys._from_seeds(told["origin"], {name: bytes.fromhex(seed) for name, seed in told["seeds"].items()})
    log = open_log(open_engine(told["url"]), keys, HighWater(Path(told["high_water"])))
    arguments = (log, keys, told.get("each"), print_acknowledged)
    threads = [threading.Thread(target=append_some, args=arguments) for _ in range(told["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
