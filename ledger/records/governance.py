"""Who a department is, who its members are, and whose keys count from which index on."""

from typing import Any, NamedTuple

from ledger.errors import IllegalStep, MalformedRecord
from ledger.records.introduction import Introduced, check_introduction
from ledger.records.rotation import DESK_ROLE, NOTE_ROLES, check_renewed_key, check_rotation, new_keys_of
from ledger.records.statement import Record


class DepartmentState(NamedTuple):
    """A department as a log names it: itself in its genesis, another in a membership record."""

    name: str
    origin: str
    member: bool
    log_keys: tuple[str, ...]  # vkeys
    witness_keys: tuple[str, ...]
    mirror_keys: tuple[str, ...]
    number_prefix: str | None = None
    desk_key: str | None = None  # base64url of the raw public key
    introduced: Introduced | None = None  # in a membership record: what the department says of itself


class OfficerState(NamedTuple):
    """An officer's enrolment."""

    key: str  # base64url of the raw public key
    roles: tuple[str, ...]
    custody: str
    person: str  # digest that shows two keys of one person, and says nothing else
    in_force: bool = True
    compromised_since: int | None = None  # an index: what the key signed from there on does not count


def apply_department(state: DepartmentState | None, record: Record) -> DepartmentState:
    """The department after one more record; raises IllegalStep."""
    clear = record.clear
    keys: dict[str, Any] = {
        name: tuple(clear[name]) for name in ("log_keys", "witness_keys", "mirror_keys") if name in clear
    }
    if record.kind == "genesis" and state is None:
        return DepartmentState(
            clear["department"],
            record.iss,
            member=True,
            number_prefix=clear["number_prefix"],
            desk_key=clear["desk_key"]["x"],
            **keys,
        )
    if record.kind == "rotation" and state is not None and state.desk_key is not None:
        return _rotate(state, record)
    if record.kind == "membership":
        return _change_members(state, record, keys)
    raise IllegalStep(record.kind, "none" if state is None else "named")


def _change_members(state: DepartmentState | None, record: Record, keys: dict[str, Any]) -> DepartmentState:
    clear = record.clear
    added, introduced = clear["change"] == "added", _introduced(record, keys)
    # Once more is something new when it says where it is reached now, and nothing new without.
    again = added and introduced is not None and (state is None or state.introduced != introduced)
    if state is not None and state.origin != clear["member"]:
        raise IllegalStep(record.kind, "member")
    if (state is not None and state.member) == added and not again:
        raise IllegalStep(record.kind, "none" if state is None else "member")
    return DepartmentState(clear["department"], clear["member"], member=added, introduced=introduced, **keys)


def _introduced(record: Record, keys: dict[str, Any]) -> Introduced | None:
    said = record.clear.get("introduction")
    if said is None:
        return None
    try:
        return check_introduction(record.clear["department"], record.clear["member"], keys, said)
    except MalformedRecord as error:
        raise IllegalStep(record.kind, "member", "not-introduced") from error


def _rotate(state: DepartmentState, record: Record) -> DepartmentState:
    """The department under its new keys; another department's, which a membership names, are not ours to change."""
    role = record.clear["role"]
    claim = NOTE_ROLES.get(role)
    check_rotation(record, getattr(state, claim) if claim is not None else ())
    if role == DESK_ROLE:
        return state._replace(desk_key=new_keys_of(record)[0])
    changed: dict[str, Any] = {} if claim is None else {claim: new_keys_of(record)}
    return state._replace(**changed)


def apply_officer(state: OfficerState | None, record: Record) -> OfficerState:
    """The officer after one more record; raises IllegalStep."""
    clear = record.clear
    if record.kind == "enrolment" and state is None:
        return OfficerState(clear["key"]["x"], tuple(clear["roles"]), clear["custody"], clear["person"])
    if state is not None and state.in_force and record.kind == "renewal":
        return _renew(state, record)
    if state is not None and state.in_force and record.kind == "revocation":
        return state._replace(in_force=False, compromised_since=clear.get("compromised_since"))
    raise IllegalStep(record.kind, "none" if state is None else "enrolled" if state.in_force else "revoked")


def _renew(state: OfficerState, record: Record) -> OfficerState:
    """The officer with a new key, or with a new second factor only; who they are and what they may stays as it was."""
    clear = record.clear
    if not clear:
        return state
    if "key" not in clear or (tuple(clear.get("roles", ())), clear.get("custody"), clear.get("person")) != (
        state.roles,
        state.custody,
        state.person,
    ):
        raise IllegalStep(record.kind, "enrolled", "another-officer")
    check_renewed_key(record, state.key)
    return state._replace(key=clear["key"]["x"])
