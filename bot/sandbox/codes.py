"""QR codes with a scene, as Tencent makes them: a ticket for each, good for as long as the account asked.

Tencent's 生成带参数的二维码: a temporary one lives for 30 days at the most and for 60 seconds unless asked otherwise; a
scene is a number of 32 bits or a text of 1 to 64 characters, and for a permanent one a number up to 100,000.
"""

import base64
import io
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import segno

from bot.sandbox.errors import ApiRefused, PostRefused
from bot.sandbox.wire import is_xml_text

SECONDS_MAX = 2_592_000
SECONDS_USUAL = 60
SCENE_CHARACTERS_MAX = 64
SCENE_ID_MAX = 2**32 - 1
LASTING_SCENE_ID_MAX = 100_000
CODES_MAX = 5_000  # kept here, the ended ones too: whoever scans one is told that it ended

NUMBERED = {"QR_SCENE": SCENE_ID_MAX, "QR_LIMIT_SCENE": LASTING_SCENE_ID_MAX}
NAMED = ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE")
LASTING = ("QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE")


@dataclass(frozen=True, slots=True)
class Code:
    """One QR code."""

    node: str  # the account that it opens
    scene: str  # what the account is told
    ticket: str
    url: str  # what stands in the picture
    ends: datetime | None = None  # None: never
    on_paper: bool = False  # printed on somebody's slip, and not shown by an account

    def lives(self, now: datetime) -> bool:
        """Whether it can be scanned."""
        return self.ends is None or now < self.ends

    def picture(self) -> bytes:
        """A PNG of it."""
        drawn = io.BytesIO()
        segno.make(self.url, error="m", micro=False).save(drawn, kind="png", scale=8, border=4)
        return drawn.getvalue()


class CodeBook:
    """Every code that was made, oldest first; the caller holds the world's lock."""

    def __init__(self) -> None:
        self._codes: deque[Code] = deque(maxlen=CODES_MAX)

    def create(self, node: str, body: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Answer `qrcode/create`; raises ApiRefused."""
        action = body.get("action_name")
        scene = _scene(action, body.get("action_info"))
        if action in LASTING:
            code = self.add(node, scene)
            return {"ticket": code.ticket, "url": code.url}
        seconds = _seconds(body.get("expire_seconds", SECONDS_USUAL))
        code = self.add(node, scene, now + timedelta(seconds=seconds))
        return {"ticket": code.ticket, "expire_seconds": seconds, "url": code.url}

    def add(self, node: str, scene: str, ends: datetime | None = None, *, on_paper: bool = False) -> Code:
        """Make one more."""
        # Standard base64, as Tencent's: whoever puts a ticket into a URL must escape it.
        ticket = "gQ" + base64.b64encode(secrets.token_bytes(70)).decode()
        code = Code(node, scene, ticket, f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}", ends, on_paper)
        self._codes.append(code)
        return code

    def begin(self) -> None:
        """Only what is on paper is still there."""
        self._codes = deque((code for code in self._codes if code.on_paper), maxlen=CODES_MAX)

    def live(self, now: datetime) -> Sequence[Code]:
        """Those that an account shows and that can be scanned, the newest first."""
        return [code for code in reversed(self._codes) if code.lives(now) and not code.on_paper]

    def by_ticket(self, ticket: str) -> Code | None:
        """The one of that ticket."""
        return next((code for code in self._codes if code.ticket == ticket), None)

    def scanned(self, node: str, scene: str, now: datetime) -> str:
        """The ticket of the code that was scanned; raises PostRefused for one that has ended.

        A scene that was never made here may be scanned all the same: it is on a code from before.
        """
        made = [code for code in self._codes if (code.node, code.scene) == (node, scene)]
        living = [code for code in made if code.lives(now)]
        if made and not living:
            raise PostRefused("this QR code has ended; ask for a new one", 410)
        return living[-1].ticket if living else f"ticket-{scene}"


def _scene(action: object, info: object) -> str:
    if action not in {*NUMBERED, *NAMED}:
        raise ApiRefused(40052, "invalid action name")
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise ApiRefused(40053, "invalid action info, please check document")
    match scene:
        case {"scene_id": int(number)} if action in NUMBERED and 1 <= number <= NUMBERED[str(action)]:
            if number is not True:  # which JSON has as well, and Python counts as 1
                return str(number)
        case {"scene_str": str(name)} if action in NAMED and 1 <= len(name) <= SCENE_CHARACTERS_MAX:
            if is_xml_text(name):
                return name
    raise ApiRefused(40053, "invalid action info, please check document")


def _seconds(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= SECONDS_MAX:
        raise ApiRefused(40053, f"invalid action info: expire_seconds must be 1 to {SECONDS_MAX}")
    return given
