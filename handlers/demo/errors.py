"""Why a demo cannot start or go on."""

from pathlib import Path

from handlers.settings import SettingWrong
from ledger.errors import Unavailable


class PortTaken(SettingWrong):
    """A port that the demo needs is in use."""

    def __init__(self, port: int, others: int) -> None:
        """Say which, and how to choose others."""
        super().__init__("PORT", f"port {port} is in use; stop what uses it, or choose others, e.g. PORT={others}")


class PortUnusable(SettingWrong):
    """A base port that leaves no room for the demo."""

    def __init__(self, least: int, most: int) -> None:
        """Say which are possible."""
        super().__init__("PORT", f"is not a number from {least} to {most}; leave it out for the usual ports")


class DemoRunning(Unavailable):
    """Another demo runs from the same folder, and a new one would take its data away."""

    def __init__(self, folder: Path) -> None:
        """Name the folder."""
        super().__init__(f"a demo is running in {folder} already; stop it first, with Ctrl-C where it was started")


class ProcessDied(Unavailable):
    """A process of the demo ended by itself."""

    def __init__(self, name: str, log: Path) -> None:
        """Name it, and where it wrote why."""
        super().__init__(f"{name} stopped by itself; the end of {log} says why")


class NotReady(Unavailable):
    """Something was started and does not answer."""

    def __init__(self, url: str, seconds: float) -> None:
        """Name it, and how long it was waited for."""
        super().__init__(f"{url} was not ready after {seconds:.0f} seconds")


class LeverRefused(Exception):
    """A lever of the demo cannot be pulled; `detail` says why."""

    status = 400

    def __init__(self, detail: str | dict[str, str]) -> None:
        """Keep what whoever pulled it is told, in one language or by language."""
        super().__init__(str(detail))
        self.detail = detail


class LeverUnknown(LeverRefused):
    """There is no such lever, or no such department."""


class LeverHeld(LeverRefused):
    """Another lever is being pulled, or this one would change nothing now."""

    status = 409


class NotFound(Unavailable):
    """Some departments did not do in time what each of them should have done."""

    def __init__(self, what: str, seconds: float) -> None:
        """Name them, and how long they were waited for."""
        super().__init__(f"{what}: not within {seconds:.0f} seconds")
        self.what = what
        self.seconds = seconds
