"""The handful of things a handler may use, passed in by `app.py`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.errors import ApiUnreachable
from bot.outbox import Outbox
from bot.routing import Request
from bot.wechat_api import SceneQr
from handlers.doctor_lines import Line
from handlers.locale import Words, words_in
from handlers.matters import Matter, Programme
from handlers.settings import Contact
from ledger.node import Node


def no_qr(_scene: str, _seconds: int) -> SceneQr:
    """For a node whose account makes no QR codes: every use of one has another way."""
    raise ApiUnreachable("this account makes no QR codes")


class Known(Protocol):
    """What the pages for everybody need: a node without a WeChat account has them as well."""

    @property
    def node(self) -> Node:
        """The ledger."""

    @property
    def contact(self) -> Contact:
        """Where a person finds a person."""

    @property
    def matters(self) -> Mapping[str, Matter]:
        """By code."""

    @property
    def programmes(self) -> Mapping[str, Programme]:
        """By code."""


@dataclass(frozen=True, slots=True)
class Public:
    """Just that."""

    node: Node
    contact: Contact
    matters: Mapping[str, Matter]
    programmes: Mapping[str, Programme]


@dataclass(frozen=True, slots=True)
class Services:
    """What every handler gets beside the message."""

    node: Node  # the ledger: reading(), desk, now
    outbox: Outbox  # messages that nobody asked for
    contact: Contact  # where a person finds a person
    matters: Mapping[str, Matter]  # by code
    programmes: Mapping[str, Programme]  # by code
    sleep: Callable[[float], None] = time.sleep  # for whoever tries query codes: slowly
    qr: Callable[[str, int], SceneQr] = no_qr  # scene, seconds; raises NotSent or ApiUnreachable
    examine: Callable[[], Sequence[Line]] = tuple  # what `doctor` sees of this node, looked at now
    subscribe_url: str = ""  # where people tap for a notice; "" when they cannot

    def words(self, request: Request) -> Words:
        """The catalogue in the language that this person chose."""
        return words_in(request.session.language)
