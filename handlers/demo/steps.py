"""Six things to try, as data: on whose telephone, what is said or tapped, and what then stands in the chat.

A thing is done when the chat says so, whoever did it and however. What to look for is made from the catalogue's own
templates, so that nobody writes our sentences down twice.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.citizen.scanning import bind_scene
from handlers.demo.board import Lever
from handlers.demo.county import CITIZENS, OFFICERS
from handlers.demo.words import Said, both, pattern
from handlers.locale import TEXTS
from handlers.staff.commands import says
from handlers.staff.things import masked

CODE = "{code}"  # where the six digits of the officer's telephone belong
_NODES = {one.name: one.node for one in (*CITIZENS, *OFFICERS)}
_OPENIDS = {one.name: one.openid for one in (*CITIZENS, *OFFICERS)}
_OFFICERS = {officer.name for officer in OFFICERS}


@dataclass(frozen=True, slots=True)
class Scene:
    """The two telephones that lie side by side."""

    citizen: str
    officer: str

    def tap(self, label: str, act: Mapping[str, Any], seen: str = "", *, by: str = "") -> dict[str, Any]:
        """One thing that one of them does; `seen` is what their chat then says."""
        return {
            "label": both(f"tap.{label}"),
            "citizen": _phone(self.citizen),
            "officer": _phone(self.officer),
            "by": "officer" if by in _OFFICERS else "citizen",
            "act": dict(act),
            "seen": seen,
        }

    def citizen_says(self, label: str, chinese: str, english: str, seen: str) -> dict[str, Any]:
        """The citizen writes something."""
        return self.tap(label, {"say": {"zh": chinese, "en": english}}, seen)

    def citizen_waits(self, label: str, chinese: str, english: str, seen: str) -> dict[str, Any]:
        """The same, for what comes from another department within a round or two."""
        return self.tap(label, {"say": {"zh": chinese, "en": english}, "patient": True}, seen)

    def sign_in(self) -> dict[str, Any]:
        """The officer signs in, with the code of their telephone."""
        return self._officer_says("sign-in", says("sign-in", CODE), pattern("staff.signed-in"))

    def makes_code(self, number: str) -> dict[str, Any]:
        """The officer shows a QR code that binds whoever stands at the counter."""
        return self._officer_says("bind-code", says("bind-code", number), pattern("bind-code.told"))

    def draft(self, label: str, command: str, line: str) -> dict[str, Any]:
        """The officer gives a command, and it is read back."""
        return self._officer_says(label, command, pattern("draft", line=line))

    def draft_by_link(self, label: str, link: str, about: str, line: str) -> dict[str, Any]:
        """The same by a link in the list of what waits, as soon as it stands there."""
        act = {"link": _texts(f"do.{link}"), "about": masked(about), "first": says("inbox")}
        return self.tap(label, act, pattern("draft", line=line), by=self.officer)

    def confirm(self, line: str) -> dict[str, Any]:
        """The officer says yes to what was read back."""
        return self._officer_says("confirm", "确认", pattern("draft.signed", line=line))

    def sign(self, line: str) -> dict[str, Any]:
        """The officer signs with a fresh code."""
        return self._officer_says("sign", CODE, pattern("draft.signed", line=line))

    def _officer_says(self, label: str, text: str, seen: str) -> dict[str, Any]:
        return self.tap(label, {"say": {"zh": text, "en": text}}, seen, by=self.officer)


def _phone(name: str) -> dict[str, str]:
    return {"openid": _OPENIDS[name], "node": _NODES[name]}


def _texts(key: str) -> Said:
    return {language: texts[key] for language, texts in TEXTS.items()}


def _line(act: str, name: str) -> str:
    """What a read-back says of an act on somebody's case or money."""
    return pattern(f"line.{act}", title=rf"[^\n]*{re.escape(masked(name))}[^\n]*")


def steps(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The six, for the people and numbers of this demo."""
    told = {citizen["name"]: citizen for citizen in description["citizens"]}
    every = (
        _farmer_asks(),
        _farmer_says(),
        _permit(told["陈志强"]),
        _allowance(told["何秀英"]["cases"][0]),
        _again(told["孙丽"]),
        _button(),
    )
    return [
        {"title": both(f"step.{number}"), "why": both(f"why.{number}"), "taps": list(taps)}
        for number, taps in enumerate(every, 1)
    ]


def _farmer_asks() -> Sequence[dict[str, Any]]:
    scene = Scene("王桂兰", "林芳")
    money = scene.citizen_says("ask-money", "我的钱到了没", "payment", pattern("pay.CREDITED"))
    return (money, scene.citizen_says("ask-progress", "进度", "progress", pattern("case.now.APPROVED.money")))


def _farmer_says() -> Sequence[dict[str, Any]]:
    scene = Scene("王桂兰", "林芳")
    # Below an answer to a look the same is asked; only the read-back begins with what the bank says.
    read_back = rf"^(?:{pattern('pay.CREDITED')})\n(?:{pattern('ask')})"
    asked = scene.citizen_says("received", "钱收到了", "received", read_back)
    return (asked, scene.citizen_says("confirm-amount", "1", "1", pattern("word.done")))


def _permit(chen: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    name, number = chen["name"], chen["cases"][0]["number"]
    clerk, approver = Scene(name, "李敏"), Scene(name, "赵磊")
    brought, accept, complete, approve = (_line(act, name) for act in ("brought", "accept", "complete", "approve"))
    return (
        clerk.sign_in(),
        clerk.makes_code(number),
        clerk.tap("scan", {"scan": bind_scene("")}, pattern("bind.done")),
        clerk.draft("brought", says("brought", number), brought),
        clerk.confirm(brought),
        clerk.draft("accept", says("accept", number), accept),
        clerk.confirm(accept),
        clerk.draft("complete", says("complete", number), complete),
        clerk.confirm(complete),
        approver.sign_in(),
        approver.draft("approve", says("approve", number), approve),
        approver.sign(approve),
        approver.citizen_says("ask-progress", "进度", "progress", pattern("case.now.APPROVED")),
    )


def _allowance(case: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    name, number = "何秀英", case["number"]
    slip = f"{number} {case['query_code']}"
    clerk, approver, payer, authoriser = (Scene(name, officer) for officer in ("林芳", "高伟", "吴倩", "马骏"))
    acts = ("accept", "complete", "approve", "pay", "release", "bank-result")
    accept, complete, approve, pay, release, bank = (_line(act, name) for act in acts)
    return (
        clerk.sign_in(),
        clerk.draft("accept", says("accept", number), accept),
        clerk.confirm(accept),
        clerk.draft("complete", says("complete", number), complete),
        clerk.confirm(complete),
        approver.sign_in(),
        approver.draft("approve", says("approve", number), approve),
        approver.sign(approve),
        payer.sign_in(),
        payer.draft_by_link("pay", "pay", name, pay),
        payer.sign(pay),
        authoriser.sign_in(),
        authoriser.draft_by_link("release", "release", name, release),
        authoriser.sign(release),
        payer.draft_by_link("bank-result", "bank-accepted", name, bank),
        payer.sign(bank),
        payer.citizen_waits("ask-money", f"补贴 {slip}", f"payment {slip}", pattern("pay.ACCEPTED.officer")),
    )


def _again(sun: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    name, failed = sun["name"], sun["payments"][-1]["number"]
    payer, authoriser = Scene(name, "吴倩"), Scene(name, "马骏")
    reissue, release = (_line(act, name) for act in ("reissue", "release"))
    number = sun["cases"][0]["number"]
    return (
        payer.citizen_says("ask-payments", "我的补贴", "my payments", pattern("mine.payments")),
        payer.citizen_says("ask-why", f"补贴 {failed}", f"payment {failed}", pattern("pay.failed")),
        payer.sign_in(),
        payer.draft("reissue", says("reissue", failed), reissue),
        payer.sign(reissue),
        authoriser.sign_in(),
        authoriser.draft_by_link("release", "release", name, release),
        authoriser.sign(release),
        authoriser.citizen_waits("ask-money", f"补贴 {number}", f"payment {number}", pattern("pay.REISSUED")),
    )


def _button() -> Sequence[dict[str, Any]]:
    scene = Scene("王桂兰", "宋涛")
    seen = pattern("finding.rewritten.amounts")
    return (
        scene.tap("rewrite", {"lever": str(Lever.REWRITE)}),
        scene.citizen_says("ask-money", "我的钱到了没", "payment", seen),
        scene.sign_in(),
        scene.tap("findings", {"say": {"zh": says("findings"), "en": says("findings")}}, seen, by="宋涛"),
    )
