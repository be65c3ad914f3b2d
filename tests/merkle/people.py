"""The keys of a small network, made once from fixed seeds, and a checkpoint that they sign."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import Ed25519Cosigner, MldsaCosigner, TimedSigner
from ledger.merkle.hashing import root_of
from ledger.merkle.note import Ed25519Signer, Signer, sign_note
from tests.merkle.oracle import Nodes

ORIGIN = "minzheng.example/log"
NOW = 1_767_225_600
SIZE = 23
NODES = Nodes(SIZE)


def seed(number: int) -> bytes:
    return bytes([number]) * 32


LOG = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed(1)))
LOG_MLDSA = MldsaCosigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(seed(2)))
WITNESS = Ed25519Cosigner("caizheng.example/witness", Ed25519PrivateKey.from_private_bytes(seed(3)))
WITNESS_MLDSA = MldsaCosigner("caizheng.example/witness", MLDSA44PrivateKey.from_seed_bytes(seed(4)))
MIRROR_MLDSA = MldsaCosigner("caizheng.example/mirror", MLDSA44PrivateKey.from_seed_bytes(seed(5)))
STRANGER = Ed25519Signer("stranger.example/log", Ed25519PrivateKey.from_private_bytes(seed(6)))

CHECKPOINT = Checkpoint(ORIGIN, SIZE, root_of(NODES.levels[0]))
TEXT = CHECKPOINT.text()
SIGNERS: list[Signer] = [
    LOG,
    TimedSigner(LOG_MLDSA, NOW),
    TimedSigner(WITNESS_MLDSA, NOW + 1),
    TimedSigner(WITNESS, NOW + 2),
    TimedSigner(MIRROR_MLDSA, NOW + 3),
]
SIGNED = sign_note(TEXT, SIGNERS)
LOGS = [LOG.verifier, LOG_MLDSA.verifier]
COSIGNERS = [WITNESS.verifier, WITNESS_MLDSA.verifier, MIRROR_MLDSA.verifier]
