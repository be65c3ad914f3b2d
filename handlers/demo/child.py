"""Becomes another program that ends when the demo ends: `python child.py PARENT PROGRAM ARGUMENT…`.

Run as a file, with nothing of ours imported: it must cost no time.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def main() -> None:
    """Ask the kernel for a signal when our parent dies, then turn into the program."""
    parent, program, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execv(program, arguments)  # noqa: S606  # the demo's own command line


if __name__ == "__main__":
    main()
