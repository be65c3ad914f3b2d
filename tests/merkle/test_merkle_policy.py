from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.errors import MalformedPolicy
from ledger.merkle.note import SignatureKind, Verifier, format_vkey, parse_vkey
from ledger.merkle.policy import (
    POLICY_BYTES_MAX,
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    format_policy,
    parse_policy,
    quorum,
)
from tests.merkle.oracle import literal_vectors
from tests.merkle.people import LOG, LOG_MLDSA, WITNESS_MLDSA

CASES = literal_vectors()["tlog_policy"]


def key(number: int, kind: SignatureKind = SignatureKind.COSIGNATURE_V1) -> Verifier:
    return Verifier(f"w{number}.example/witness", kind, bytes([number]) * 32)


def witness(number: int) -> str:
    return f"witness w{number} {format_vkey(key(number))}\n"


def policy(*lines: str) -> Policy:
    return parse_policy("".join(lines).encode())


W = [witness(number) for number in range(8)]
LOG_LINE = f"log {format_vkey(LOG.verifier)}\n"
NESTED = [
    LOG_LINE, *W[:6], "group X 2 w0 w1 w2\n", "group Y any w3 w4 w5\n", "group X-and-Y all X Y\n", "quorum X-and-Y\n",
]  # fmt: skip


def test_the_nested_example_of_the_specification_counts_as_it_says():
    nested = policy(*NESTED)
    for size in range(7):
        for chosen in combinations(range(6), size):
            expected = len({0, 1, 2} & set(chosen)) >= 2 and bool({3, 4, 5} & set(chosen))
            assert nested.is_met({key(number).ref for number in chosen}) == expected


def test_a_witness_counts_by_its_key_and_not_by_its_name_in_the_file():
    one = policy(W[0], "quorum w0\n")
    assert one.is_met({key(0).ref})
    assert not one.is_met({("w0", key(0).key_id)})
    assert not one.is_met({(key(0).name, key(1).key_id)})
    assert not one.is_met({key(1).ref})
    assert not one.is_met(set())


def test_quorum_none_needs_nobody():
    assert policy("quorum none\n").is_met(set())


@pytest.mark.parametrize("case", CASES["valid"])
def test_the_valid_policy_of_transparency_dev_reads_once_its_keys_are_cosigners(case):
    """Its witnesses have plain Ed25519 vkeys, which "use a signature type appropriate" to no witness: refused as they are."""
    text = case["policy"]
    with pytest.raises(MalformedPolicy):
        parse_policy(text.encode())
    for line in text.splitlines():
        if line.startswith("witness "):
            plain = parse_vkey(line.split()[2])
            cosigner = Verifier(plain.name, SignatureKind.COSIGNATURE_V1, plain.public_key)
            text = text.replace(format_vkey(plain), format_vkey(cosigner))
    read = parse_policy(text.encode())
    assert len(read.witnesses) == case["n"]
    assert read.is_met({verifier.ref for verifier in read.witness_verifiers})
    assert not read.is_met({read.witness_verifiers[0].ref})


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: case["why"])
def test_the_invalid_policies_of_transparency_dev_are_refused(case):
    for ending in ("", "\n"):
        with pytest.raises(MalformedPolicy):
            parse_policy(f"{case['policy']}{ending}".encode())


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        [W[0]],
        [W[0], "quorum w0"],
        [W[0], "quorum w0\n", "quorum w0\n"],
        [W[0], "quorum w0 w0\n"],
        [W[0], "quorum\n"],
        [W[0], "quorum w1\n"],
        ["quorum w0\n", W[0]],
        [W[0], "Quorum w0\n"],
        [W[0], "quorum w0 # comment\n"],
        [W[0], "quorum w0\r\n"],
        [W[0], "quorum\u00a0w0\n"],
        [W[0], "quorum w0\n", "unknown\n"],
        [W[0], W[0], "quorum w0\n"],
        [W[0], W[1].replace("w1 ", "w0 "), "quorum w0\n"],
        [W[0], W[0].replace("w0 ", "w1 "), "quorum w0\n"],
        [
            W[0],
            f"witness w1 {format_vkey(Verifier('other', SignatureKind.COSIGNATURE_V1, key(0).public_key))}\n",
            "quorum w0\n",
        ],
        [LOG_LINE, LOG_LINE, "quorum none\n"],
        ["log\n", "quorum none\n"],
        [LOG_LINE.replace("\n", " https://a b\n"), "quorum none\n"],
        ["log nonsense\n", "quorum none\n"],
        [f"log {format_vkey(key(0))}\n", "quorum none\n"],
        [f"witness a {format_vkey(LOG.verifier)}\n", "quorum a\n"],
        ["witness a\n", "quorum a\n"],
        [W[0].replace("w0 ", "none "), "quorum none\n"],
        [W[0].replace("w0 ", "any "), "quorum any\n"],
        [W[0], "group g all\n", "quorum g\n"],
        [W[0], "group g\n", "quorum g\n"],
        [W[0], "group none all w0\n", "quorum none\n"],
        [W[0], "group g 0 w0\n", "quorum g\n"],
        [W[0], "group g 2 w0\n", "quorum g\n"],
        [W[0], "group g 01 w0\n", "quorum g\n"],
        [W[0], "group g -1 w0\n", "quorum g\n"],
        [W[0], "group g most w0\n", "quorum g\n"],
        [W[0], "group g all none\n", "quorum g\n"],
        [W[0], "group g all w0 w0\n", "quorum g\n"],
        [W[0], "group g all w1\n", W[1], "quorum g\n"],
        [W[0], "group g all g\n", "quorum g\n"],
        [W[0], "group w0 all w0\n", "quorum w0\n"],
        [W[0], "group g all w0\n", "group h all w0\n", "quorum g\n"],
        [W[0], "group g all w0\n", "group h all w0 g\n", "quorum h\n"],
        [W[0], "group g all w0\n", "group g all w0\n", "quorum g\n"],
        [W[0], "group g all h\n", "group h all g\n", "quorum g\n"],
    ],
)
def test_such_a_policy_is_refused(lines):
    with pytest.raises(MalformedPolicy):
        policy(*lines)


@pytest.mark.parametrize("byte", [*range(9), *range(11, 32), 127])
def test_no_control_character_but_tab_and_newline_stands_in_a_policy(byte):
    with pytest.raises(MalformedPolicy):
        parse_policy(b"# comment" + bytes([byte]) + b"\nquorum none\n")


def test_spaces_tabs_empty_lines_and_comments_do_not_count():
    loose = "# comment\n\n \t\n\t# indented, 中文\n" + W[0].replace(" ", " \t ") + "  quorum\tw0 \n\n"
    assert policy(loose) == policy(W[0], "quorum w0\n")


def test_the_refusal_names_the_line():
    with pytest.raises(MalformedPolicy, match=r"^line 3: "):
        policy(W[0], "# comment\n", "quorum w9\n")


def test_names_are_opaque_bytes():
    kelvin = W[0].replace("w0 ", "\u212a ").encode()
    with pytest.raises(MalformedPolicy):
        parse_policy(kelvin + b"quorum K\n")
    raw = W[0].encode().replace(b"w0 ", b"\xff\xfe ") + b"quorum \xff\xfe\n"
    assert format_policy(parse_policy(raw)) == raw


def test_32_logs_witnesses_and_groups_are_read():
    logs = [f"log {format_vkey(key(number, SignatureKind.ED25519))}\n" for number in range(32)]
    groups = [f"group g{number} all w{number}\n" for number in range(32)]
    read = policy(*logs, *(witness(number) for number in range(32)), *groups, "quorum g31\n")
    assert (len(read.logs), len(read.witnesses), len(read.groups)) == (32, 32, 32)


def test_too_much_is_refused():
    with pytest.raises(MalformedPolicy):
        parse_policy(b"#" * POLICY_BYTES_MAX + b"\nquorum none\n")
    keys = [Verifier("a", SignatureKind.ED25519, number.to_bytes(32, "big")) for number in range(257)]
    with pytest.raises(MalformedPolicy):
        policy(*(f"log {format_vkey(one)}\n" for one in keys), "quorum none\n")


def test_ml_dsa_keys_stand_in_a_policy():
    ours = Policy(
        (PolicyLog(LOG.verifier, "https://minzheng.example/log/"), PolicyLog(LOG_MLDSA.verifier)),
        (PolicyWitness("caizheng", WITNESS_MLDSA.verifier, "https://caizheng.example/witness/"),),
        (PolicyGroup("quorum-1", 1, ("caizheng",)),),
        "quorum-1",
    )
    assert parse_policy(format_policy(ours)) == ours
    assert ours.log_verifiers == (LOG.verifier, LOG_MLDSA.verifier)


def test_a_key_may_be_log_and_witness_at_once():
    """The specification forbids the same key twice among logs, and twice among witnesses."""
    policy(
        f"log {format_vkey(WITNESS_MLDSA.verifier)}\n",
        f"witness w {format_vkey(WITNESS_MLDSA.verifier)}\n",
        "quorum w\n",
    )


@st.composite
def policies(draw):
    count = draw(st.integers(1, 8))
    free = [f"w{number}" for number in range(count)]
    groups = []
    for number in range(draw(st.integers(0, 4))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, max_size=len(free), unique=True))
        groups.append(PolicyGroup(f"g{number}", draw(st.integers(1, len(members))), tuple(members)))
        free = [*(name for name in free if name not in members), f"g{number}"]
    witnesses = tuple(PolicyWitness(f"w{number}", key(number)) for number in range(count))
    names = [*(one.name for one in witnesses), *(one.name for one in groups), "none"]
    return Policy((PolicyLog(LOG.verifier),), witnesses, tuple(groups), draw(st.sampled_from(names)))


@given(policies())
def test_a_policy_is_read_back(one):
    assert parse_policy(format_policy(one)) == one


@given(policies(), st.sets(st.integers(0, 7)), st.integers(0, 7))
def test_one_more_cosignature_never_breaks_a_quorum(one, chosen, more):
    refs = {key(number).ref for number in chosen}
    if one.is_met(refs):
        assert one.is_met(refs | {key(more).ref})


@given(policies(), st.sets(st.integers(0, 7)))
def test_a_quorum_is_counted_as_the_tree_of_groups_says(one, chosen):
    groups = {group.name: group for group in one.groups}

    def witnessed(name: str) -> bool:
        if name in groups:
            return bool(sum(map(witnessed, groups[name].members)) >= groups[name].threshold)
        return name == "none" or int(name[1:]) in chosen

    assert one.is_met({key(number).ref for number in chosen}) == witnessed(one.quorum)


@pytest.mark.parametrize(("members", "expected"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_the_quorum_of_n_departments(members, expected):
    assert quorum(members) == expected


@given(st.integers(1, 10_000))
def test_two_quorums_share_an_honest_witness_and_the_honest_alone_are_one(members):
    liars, needed = (members - 1) // 3, quorum(members)
    assert 2 * needed - members > liars
    assert needed <= members - liars


def test_there_is_no_quorum_of_nobody():
    with pytest.raises(MalformedPolicy):
        quorum(0)


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a\n", "none", "all", "any"])
def test_such_a_name_is_never_written(name):
    with pytest.raises(MalformedPolicy):
        PolicyWitness(name, key(0))
    with pytest.raises(MalformedPolicy):
        PolicyGroup(name, 1, ("w0",))


def test_a_line_cannot_be_smuggled_in_through_a_url():
    with pytest.raises(MalformedPolicy):
        PolicyLog(LOG.verifier, "https://a\nquorum none")


@pytest.mark.parametrize(
    ("witnesses", "groups", "chosen"),
    [
        ((), (PolicyGroup("g", 1, ("w0",)),), "g"),
        ((PolicyWitness("w0", key(0)),), (), "w1"),
        ((PolicyWitness("w0", key(0)),), (PolicyGroup("g", 1, ("h",)), PolicyGroup("h", 1, ("w0",))), "g"),
    ],
)
def test_a_policy_built_by_hand_is_held_to_the_same_rules(witnesses, groups, chosen):
    with pytest.raises(MalformedPolicy):
        Policy((), witnesses, groups, chosen)
