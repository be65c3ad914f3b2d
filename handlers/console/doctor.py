"""Looks over what a department can get wrong; each line is good, or says how to mend it."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import disk_usage

from sqlalchemy.engine import make_url

from handlers.console.context import Console
from handlers.console.doctor_network import examine_network
from handlers.console.keys import key_rows, readable_by_others
from handlers.doctor_lines import PERIODS_BEHIND_MAX, Line
from handlers.matters import MatterWrong
from handlers.settings import Settings, SettingWrong
from ledger.backup.writing import last_backup
from ledger.bindings import NODE_WRONG_MAX, wrong_at_node
from ledger.errors import LedgerError
from ledger.keyring import Keyring
from ledger.node import Node
from ledger.peers.hearsay import ask_all
from ledger.peers.recovery import look
from ledger.storage import leases
from ledger.storage.engine import reading, transaction
from ledger.storage.upgrade import current_revision

DISK_BYTES_MIN = 1_000_000_000
BACKUP_HOURS_MAX = 24


def examine(console: Console) -> Iterator[Line]:
    """Look at everything that can be looked at; what depends on something broken is left out."""
    try:
        chosen = console.settings()
    except SettingWrong as error:
        yield Line("settings", good=False, found=str(error), mend=f"set {error.name}")
        return
    yield from _examine_machine(chosen, console.check_matters)
    try:
        node = console.open_node()
    except (LedgerError, SettingWrong) as error:
        yield Line("node", good=False, found=str(error), mend="mend that first; what follows needs it")
        return
    yield from _examine_node(chosen, node)


def examine_running(chosen: Settings, check_matters: Callable[[], object], node: Node) -> Iterator[Line]:
    """The same of a node that runs in this process, with the settings that it was started with."""
    yield from _examine_machine(chosen, check_matters)
    yield from _examine_node(chosen, node)


def _examine_machine(chosen: Settings, check_matters: Callable[[], object]) -> Iterator[Line]:
    yield Line("settings", good=True, found="complete")
    yield _account(chosen)
    yield _contact(chosen)
    yield _matters(check_matters)
    yield _disk(chosen)
    yield _passphrase(chosen)


def _examine_node(chosen: Settings, node: Node) -> Iterator[Line]:
    yield Line("fingerprint", good=True, found=node.keys.fingerprint)
    yield from _keys(chosen, node)
    yield _files(chosen, node)
    yield _writable(node)
    yield _current(node)
    yield _backup(node)
    yield _scheduler(node)
    yield _guesses(node)
    yield from examine_network(node)


def _account(chosen: Settings) -> Line:
    return Line(
        "WeChat account",
        kind="account",
        good=chosen.wechat is not None,
        found="set" if chosen.wechat is not None else "not set: this node answers no chat",
        mend="set WECHAT_TOKEN, WECHAT_ENCODING_AES_KEY, WECHAT_APP_ID and WECHAT_APP_SECRET",
    )


def _contact(chosen: Settings) -> Line:
    told = chosen.contact
    complete = bool(told.window and told.hours and told.phone)
    return Line(
        "人工",
        kind="contact",
        good=complete,
        found="window, hours and telephone are set" if complete else "people who ask for a person are told too little",
        mend="set ONETRIP_CONTACT_WINDOW, ONETRIP_CONTACT_HOURS and ONETRIP_CONTACT_PHONE",
    )


def _matters(check: Callable[[], object]) -> Line:
    try:
        check()
    except MatterWrong as error:
        return Line("matters", good=False, found=str(error), mend="put the TOML file right, or back as it was")
    return Line("matters", good=True, found="matters and programmes can be read")


def _disk(chosen: Settings) -> Line:
    """Where the database lies, and where the high-water mark does: nothing is signed when it cannot be written."""
    folders = [file.parent for file in (_database_file(chosen), chosen.key_file) if file is not None]
    gone = [folder for folder in folders if not folder.is_dir()]
    if gone:
        return Line(
            "disk", good=False, found=f"there is no {gone[0]}", mend="set ONETRIP_DATABASE_URL, ONETRIP_KEY_FILE"
        )
    free = min(disk_usage(folder).free for folder in folders)
    return Line("disk", good=free >= DISK_BYTES_MIN, found=f"{free // 1_000_000} MB free", mend="make room")


def _database_file(chosen: Settings) -> Path | None:
    url = make_url(chosen.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _passphrase(chosen: Settings) -> Line:
    """Where the passphrase comes from, and who else may read what holds secrets."""
    open_files = [file for file in chosen.secret_files if file.is_file() and readable_by_others(file)]
    if chosen.passphrase is None:
        mend = "set ONETRIP_KEY_PASSPHRASE_FILE to a file that holds it, for its owner alone"
        return Line("passphrase", good=False, found="not set: the keys cannot be opened", mend=mend)
    return Line(
        "passphrase",
        good=not open_files,
        found=f"from {chosen.passphrase_source}"
        + "".join(f"; others on this machine may read {file}" for file in open_files),
        mend="; ".join(f"chmod 600 {file}" for file in open_files),
    )


def _files(chosen: Settings, node: Node) -> Line:
    """Nobody else may write what the node remembers by."""
    files = [file for file in (_database_file(chosen), node.high_water.path) if file is not None and file.is_file()]
    written = [file for file in files if file.stat().st_mode & _OTHERS_WRITE]
    return Line(
        "files",
        good=not written,
        found="; ".join(f"others on this machine may write {file}" for file in written) or "nobody else may write them",
        mend="; ".join(f"chmod go-w {file}" for file in written),
    )


_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def _keys(chosen: Settings, node: Node) -> Iterator[Line]:
    """The file that holds them, and the fingerprint of each that counts."""
    private = not readable_by_others(chosen.key_file)
    yield Line(
        "key file",
        kind="key-file",
        good=private,
        found=f"{chosen.key_file}: " + ("for its owner alone" if private else "others on this machine may open it"),
        mend=f"chmod 600 {chosen.key_file}; if others have been there, rotate the keys (docs/keys.md)",
    )
    interrupted = isinstance(node.keys, Keyring) and node.keys.file.sealed.coming
    if interrupted:
        role = interrupted.role
        yield Line("keys", good=False, found=f"a rotation of {role} is not complete", mend=f"keys rotate {role}")
    told: dict[str, list[str]] = {}
    for row in key_rows(node):
        if row["counts"]:
            told.setdefault(str(row["role"]), []).append(str(row["fingerprint"]))
    for role, fingerprints in told.items():
        yield Line(f"{role} key", good=True, found=", ".join(fingerprints), kind="key")


def _writable(node: Node) -> Line:
    try:
        with transaction(node.engine) as connection:
            version = current_revision(connection)
    except LedgerError as error:
        return Line("database", good=False, found=str(error), mend="see whether it is full, locked or read-only")
    return Line("database", good=True, found=f"writable, version {version}")


def _current(node: Node) -> Line:
    try:
        strange = node.high_water.strange_heads()
        behind = node.log.behind()
        retiring = node.high_water.is_retiring()
    except LedgerError as error:
        return Line("history", good=False, found=str(error), mend=_MARK_LOST)
    if behind is not None:
        standing = look(node, ask_all(node), behind)
        found = f"NOTHING IS SIGNED: {behind}"
        if standing.needed:
            found += f"; {standing.said} of {standing.needed} departments have said what they hold"
        return Line("history", good=False, found=found, mend=_BEYOND if standing.is_beyond_all else _BEHIND)
    if strange:
        found = f"our signature stands under size {max(strange)[0]}, which was not signed here"
        return Line("history", good=False, found=found, mend=_STOLEN)
    if retiring:
        return Line("history", good=False, found="witness and mirror wait for new keys", mend=_BEHIND)
    return Line("history", good=True, found="holds all that was ever signed")


_MARK_LOST = (
    "the file beside the keys is gone or damaged. If the node has just moved, put that file where it belongs; else"
    " delete what is left of it and start the node: it asks the other departments"
)
_BEHIND = "leave scheduler and network running: the node asks the other departments, and goes on by itself"
_BEYOND = (
    "our signature stands under more than anybody who answers can show: see that every department is reached; if the"
    " log's key may be stolen, see docs/backup.md"
)
_STOLEN = "somebody else may have the log's key: see docs/backup.md"


def _backup(node: Node) -> Line:
    with reading(node.engine) as connection:
        at = last_backup(connection)
    mend = "every night: python app.py backup FILE (docs/backup.md)"
    if at is None:
        return Line("backup", good=False, found="never made", mend=mend)
    hours = max(0, node.now() - at) // 3_600
    return Line("backup", good=hours < BACKUP_HOURS_MAX, found=f"{hours} h old", mend=mend)


def _scheduler(node: Node) -> Line:
    with reading(node.engine) as connection:
        seen = leases.last_beat(connection, leases.SCHEDULER)
    age = None if seen is None else node.now() - seen
    good = age is not None and age <= PERIODS_BEHIND_MAX * leases.BEAT_SECONDS
    return Line(
        "scheduler",
        good=good,
        found="never seen" if age is None else f"seen {age} s ago",
        mend="start it: python app.py schedule",
    )


def _guesses(node: Node) -> Line:
    with reading(node.engine) as connection:
        wrong = wrong_at_node(connection, node.keys.lookup_key, node.now())
    return Line(
        "query codes",
        kind="codes",
        good=wrong < NODE_WRONG_MAX,
        found=f"{wrong} wrong ones within the hour",
        mend="somebody may be guessing; each sender is stopped after five an hour, and no case is locked",
    )
