"""Checks a tlog-proof against a tlog-policy, written from the C2SP texts alone: it shares no code with the ledger.

Read: c2sp.org/tlog-proof, tlog-policy, tlog-checkpoint, signed-note, tlog-cosignature; RFC 6962 section 2.1.
"""

import base64
import hashlib

from tests.demo.c2sp import Key


class Wrong(Exception):
    """The proof does not hold."""


def check(proof: bytes, policy: bytes, leaf: bytes) -> dict[str, int]:
    """The witnesses that count, with their times; raises Wrong."""
    head, _, checkpoint = proof.decode().partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("header")
    if lines[0].startswith("extra "):
        lines.pop(0)
    index = int(lines.pop(0).removeprefix("index "))
    siblings = [base64.b64decode(line, validate=True) for line in lines]

    logs, witnesses, groups, quorum = _policy(policy.decode())
    text, _, signatures = checkpoint.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    made = {}
    for line in signatures.splitlines():
        dash, name, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        if dash != "—":
            raise Wrong("signature line")
        made[name, raw[:4]] = raw[4:]

    if not any(key.name == origin and _holds(key, text, made) for key in logs):
        raise Wrong("log")
    seen = {name: _time(key, made) for name, key in witnesses.items() if _holds(key, text, made)}
    counted = set(seen)
    for name, threshold, members in groups:
        if sum(member in counted for member in members) >= threshold:
            counted.add(name)
    if quorum != "none" and quorum not in counted:
        raise Wrong("quorum")
    if _climb(index, int(size), leaf, siblings) != base64.b64decode(root, validate=True):
        raise Wrong("inclusion")
    return seen


def _policy(text: str):
    logs: list[Key] = []
    witnesses: dict[str, Key] = {}
    groups: list[tuple[str, int, list[str]]] = []
    quorum = ""
    for line in text.splitlines():
        word, *rest = line.split() if line.strip() and not line.startswith("#") else [""]
        if word == "log":
            logs.append(Key.parse(rest[0]))
        elif word == "witness":
            witnesses[rest[0]] = Key.parse(rest[1])
        elif word == "group":
            name, threshold, *members = rest
            groups.append((name, {"all": len(members), "any": 1}.get(threshold) or int(threshold), members))
        elif word == "quorum":
            quorum = rest[0]
    return logs, witnesses, groups, quorum


def _holds(key: Key, text: str, made: dict[tuple[str, bytes], bytes]) -> bool:
    blob = made.get((key.name, key.id))
    if blob is None:
        return False
    if not key.holds(text, blob):
        raise Wrong("a known key's line is bad")
    return True


def _time(key: Key, made: dict[tuple[str, bytes], bytes]) -> int:
    return int.from_bytes(made[key.name, key.id][:8], "big")


def _climb(index: int, size: int, leaf: bytes, siblings: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2, which says the same as RFC 6962 and gives the steps."""
    if index >= size:
        raise Wrong("index")
    fn, sn, r = index, size - 1, leaf
    for p in siblings:
        if sn == 0:
            raise Wrong("too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise Wrong("too short")
    return r
