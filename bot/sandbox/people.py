"""The people with telephones: who each is, what they want, which slips they hold, and the codes on an officer's."""

import binascii
import re
from base64 import b32decode
from dataclasses import dataclass, field

from bot.sandbox.errors import ConfigRefused
from bot.sandbox.reading import Reader, Said

OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
CITIZEN, OFFICER = "citizen", "officer"
SIDES = (CITIZEN, OFFICER)  # on which of the two telephones of the page a person is seen


@dataclass(frozen=True, slots=True)
class Slip:
    """A paper slip with a QR code, handed out at a counter."""

    node: str  # the account that its code opens
    scene: str  # what the account is told
    label: Said = field(default_factory=Said)

    @classmethod
    def read(cls, given: Reader) -> "Slip":
        """Read one from the configuration."""
        return cls(given.text("node"), given.text("scene"), given.said("label", ""))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a telephone."""

    openid: str
    name: Said
    who: Said = field(default_factory=Said)
    wants: Said = field(default_factory=Said)
    node: str = ""  # the account that is open first; empty: the first one
    side: str = CITIZEN
    slips: tuple[Slip, ...] = ()
    totp_secret: str = field(default="", repr=False)  # base32; of an officer's second factor

    def __post_init__(self) -> None:
        if not OPENID.fullmatch(self.openid):
            raise ConfigRefused(f"people: openid {self.openid!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if self.side not in SIDES:
            raise ConfigRefused(f"people: side of {self.openid!r} must be one of {', '.join(SIDES)}")
        try:
            b32decode(self.totp_secret + "=" * (-len(self.totp_secret) % 8))
        except (binascii.Error, ValueError) as error:
            raise ConfigRefused(f"people: totp_secret of {self.openid!r} is not base32") from error

    @classmethod
    def read(cls, given: Reader) -> "Person":
        """Read one from the configuration."""
        return cls(
            given.text("openid"),
            given.said("name"),
            given.said("who", ""),
            given.said("wants", ""),
            given.text("node", ""),
            given.text("side", CITIZEN),
            given.each("slips", Slip.read),
            given.text("totp_secret", ""),
        )
