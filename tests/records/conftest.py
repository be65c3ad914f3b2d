"""Records of every kind, made from the table of kinds."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from ledger.records import base64url
from ledger.records import claims as shape
from ledger.records.kinds import BY_NAME
from ledger.records.statement import Statement, sign, thumbprint

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
KID = thumbprint(PUBLIC)
ISS = "minzheng.example/log"


def b64(raw):
    """Base64url by the standard library alone."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sized(size):
    return st.binary(min_size=size, max_size=size).map(b64)


JTI = b64(bytes(16))
GENESIS = b64(bytes(32))
VKEY = "a.example/log+0123abcd+AQID"
JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(PUBLIC)}

GOOD = {
    shape.signatures.words: st.lists(sized(64) | sized(2420), min_size=1, max_size=4),
    shape.ended_log.words: st.fixed_dictionaries(
        {
            "log": st.just("a.example/log"),
            "size": st.integers(1, 2**53 - 1),
            "root": st.binary(min_size=32, max_size=32).map(bytes.hex),
        }
    ),
    shape.handle.words: sized(16),
    shape.leaf.words: sized(32),
    shape.sha256_hex.words: st.binary(min_size=32, max_size=32).map(bytes.hex),
    shape.code.words: st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}", fullmatch=True),
    shape.origin.words: st.just("caizheng.example/log"),
    shape.month.words: st.just("2026-11"),
    shape.prefix.words: st.just("21"),
    shape.department.words: st.sampled_from(["民政局", "青禾县财政局（本级）"]),
    shape.day.words: st.dates().map(lambda day: f"{day:%Y}".zfill(4) + f"{day:-%m-%d}"),
    shape.count.words: st.integers(0, 2**53 - 1),
    shape.amount_fen.words: st.integers(1, 10**13),
    shape.reference.words: sized(16).map(lambda sub: {"log": "a.example/log", "sub": sub}),
    shape.vkeys.words: st.lists(st.just(VKEY), min_size=1, max_size=4),
    shape.finding.words: st.from_regex(r"[0-9A-HJKMNP-TV-Z]{8}", fullmatch=True),
    shape.rule.words: st.integers(0, 99).map(lambda number: f"R{number:02}"),
    shape.leaves.words: st.sets(sized(32), min_size=1, max_size=4).map(sorted),
    shape.members.words: st.sets(st.sampled_from(["a.example/log", "b.example/log", "c.example/log"]), min_size=2).map(
        lambda origins: [{"log": origin, "genesis": GENESIS} for origin in sorted(origins)]
    ),
    shape.epoch.words: st.integers(2, 2**53 - 1),
    shape.positive.words: st.integers(1, 2**53 - 1),
    shape.introduction.words: sized(64).map(
        lambda signature: {
            "url": "https://caizheng.example",
            "number_prefix": "21",
            "desk_key": GENESIS,
            "genesis": GENESIS,
            "signature": signature,
        }
    ),
    shape.jwk.words: st.just(JWK),
    shape.roles.words: st.sets(st.sampled_from(shape.ROLES), min_size=1).map(
        lambda chosen: [role for role in shape.ROLES if role in chosen]
    ),
}


def good_value(fits):
    if fits.words.startswith("one of "):
        return st.sampled_from(fits.words.removeprefix("one of ").split(", "))
    return GOOD[fits.words]


# What people type, and what programs must not stumble over: no lone surrogate, which is no text.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def statements(draw, names=tuple(BY_NAME)):
    """A statement of any kind, with any of the claims it may have."""
    kind = BY_NAME[draw(st.sampled_from(names))]
    clear = {name: draw(good_value(fits)) for name, fits in kind.clear.items()}
    clear |= {name: draw(good_value(fits)) for name, fits in kind.maybe.items() if draw(st.booleans())}
    private = {name: draw(VALUES) for name in kind.private if draw(st.booleans())}
    return Statement(kind.name, draw(sized(16)), clear, private)


def sign_it(statement, *, jti=JTI, iat=1_790_000_000, prev=None, salts=None, iss=ISS):
    count = BY_NAME[statement.kind].digests
    return sign(
        statement,
        iss=iss,
        jti=jti,
        iat=iat,
        prev=prev,
        kid=KID,
        salts=[bytes([number]) * 16 for number in range(count)] if salts is None else salts,
        signer=KEY.sign,
    )


def seal(header, payload, key=KEY):
    """A compact JWS of any bytes, signed well: what a hostile officer with a good key could log."""
    signing_input = f"{base64url.encode(header)}.{base64url.encode(payload)}".encode()
    return signing_input + b"." + base64url.encode(key.sign(signing_input)).encode()


@pytest.fixture
def record():
    return sign_it(Statement("case-completed", b64(bytes(16)), {"step": 0}, {"note": "家访已做"}))
