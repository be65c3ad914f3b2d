"""A process that believes to be the publisher: signs whatever there is, as fast as it can, and says what it signed.

python -m tests.recovery.publisher '{"url": …, "key_file": …, "origin": …, "seeds": …, "rounds": 40}'
"""

import json
import sys

from ledger.errors import Unavailable
from ledger.peers.publish import publish_round
from tests.crash.deeds import open_described


def main(told):
    node = open_described(told)
    for number in range(told["rounds"]):
        try:
            node.desk.enrol("某人", ("clerk",), f"id-{told['name']}-{number}")
            publish_round(node)
        except Unavailable:
            continue  # the other one had its turn
        note = node.log.published_checkpoint()
        sys.stdout.write(json.dumps((note or b"").decode()) + "\n")
    node.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
