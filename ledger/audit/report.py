"""What a verification says at its end: whatever does not hold, named exactly, and what it could not look at."""

from dataclasses import dataclass, field

FAULTS_KEPT_MAX = 1_000  # the rest are counted: a log that is wrong everywhere needs no longer list


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold."""

    part: str  # log, checkpoint, tile, entry, object, signer, feed, vault
    at: str  # which one: an index, a tile's path, a handle
    reason: str

    def __str__(self) -> str:
        return f"{self.part} {self.at}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified, and what did not hold."""

    origin: str
    size: int  # entries looked at
    faults: tuple[Fault, ...]  # the first FAULTS_KEPT_MAX
    found: int  # how many there were
    notes: tuple[str, ...]  # slugs of the message catalogue: what was not looked at, and what the keys rest on
    unknown_kinds: int = 0  # records of kinds that nobody here knows: verified, and not counted as checked

    @property
    def ok(self) -> bool:
        """Whether everything held."""
        return self.found == 0


@dataclass(slots=True)
class Faults:
    """Collects what does not hold while the verification goes on to the end."""

    kept: list[Fault] = field(default_factory=list)
    found: int = 0

    def add(self, part: str, at: object, reason: str) -> None:
        """Note one more."""
        self.found += 1
        if len(self.kept) < FAULTS_KEPT_MAX:
            self.kept.append(Fault(part, str(at), reason))
