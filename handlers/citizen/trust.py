"""How well an answer is checked: who else holds every record that it is computed from, and what does not agree.

The line of trust names only other departments, never this one. Under an open finding the finding's own sentence stands
in its place.
"""

from collections.abc import Iterable, Sequence

from handlers import rewritten
from handlers.citizen.voice import Voice
from handlers.dialogue import lines
from handlers.locale import Own
from handlers.rewritten import Rewritten
from ledger.facts import Facts
from ledger.records.funds import Ref
from ledger.views import AwardView, CaseView, Finding, FindingStep, PaymentView, Trust

MINUTE, HOUR, DAY = 60, 3_600, 86_400
FRESH_SECONDS = 300  # T1 of R37: older cosignatures are told as such
LATE_ROUNDS = 6  # a department that missed so many, while others went on, is named
RESULT_TOLD_SECONDS = 90 * 86_400  # an auditor's decision is told for so long
FOR_STAFF = "W"  # a warning concerns how the office works, not the citizen


def trust_or_finding(
    voice: Voice, facts: Facts, about: Ref, views: Iterable[CaseView | AwardView | PaymentView]
) -> tuple[Own, bool]:
    """The line of trust of an answer about `about`, computed from `views`; or the finding in its place, and True."""
    views, found = list(views), findings_on(facts, about)
    standing = [one for one in found if one.is_told]
    if not standing and facts.ask(voice.services.node.desk.log.behind_at) is not None:
        return voice.say("trust.behind"), False
    if not standing:
        return lines(_result(voice, facts, found), trust_line(voice, facts.trust(_needs(views)))), False
    gravest = min(standing, key=_rank)
    told = Rewritten.of(facts, gravest)
    # Of a log that was rewritten, everybody is warned of whom it holds a record; the figures are told to whom they are.
    is_own = told is not None and any(view.ref == told.about for view in views)
    said = last_said(facts, gravest)
    return finding_line(voice, gravest, told if is_own else None, said), True


def findings_on(facts: Facts, about: Ref) -> Sequence[Finding]:
    """The findings that concern the person who asks about this, whatever became of them."""
    return [one for one in facts.findings(about, open_only=False) if one.severity != FOR_STAFF]


def last_said(facts: Facts, found: Finding) -> FindingStep | None:
    """What made a finding what it is now, when that was a department's word."""
    if found.state == "open":
        return None
    return next((step for step in reversed(facts.finding_life(found.id)) if step.step == found.state), None)


def _result(voice: Voice, facts: Facts, found: Iterable[Finding]) -> Own | None:
    """What an auditor has come to: the person was promised to be told here."""
    decided = [(said, one) for one in found if one.is_decided and (said := last_said(facts, one)) is not None]
    if not decided:
        return None
    said, one = max(decided, key=lambda each: (each[0].at, each[1].id))
    if voice.now - said.at > RESULT_TOLD_SECONDS:
        return None
    mended = one.ended_at if one.ended_at is not None else said.at
    return voice.say(
        f"finding.result.{one.state}",
        department=voice.name(said.department or ""),
        day=voice.day(said.at),
        mended=voice.day(mended),
    )


def _needs(views: Iterable[CaseView | AwardView | PaymentView]) -> list[tuple[str, int]]:
    needs = []
    for view in views:
        needs.append((view.ref.log, view.index))
        if isinstance(view, PaymentView) and view.word is not None:
            needs.append((view.word.ref.log, view.word.index))
    return needs


def trust_line(voice: Voice, trust: Trust) -> Own:
    """Who else holds it and how long ago they looked; or that they have not yet, or not lately."""
    if (line := _some_are_late(voice, trust)) is not None:
        return line
    covered = trust.departments and trust.oldest is not None
    age = max(0, voice.now - (trust.oldest if covered and trust.oldest is not None else trust.newest_record_at))
    if age > FRESH_SECONDS:
        return voice.say("trust.stale", age=_age(voice, age))
    if not covered:
        return voice.say("trust.new")
    return _held(voice, trust.departments, age)


def _held(voice: Voice, departments: tuple[str, ...], age: int) -> Own:
    key = "trust" if len(departments) > 1 else "trust.one"
    return voice.say(key, departments=voice.departments(departments), age=_ago(voice, age))


def _some_are_late(voice: Voice, trust: Trust) -> Own | None:
    """Who has just looked, and who has not looked again since when; None unless there are both."""
    round_seconds = voice.services.node.round_seconds
    bearable = min(FRESH_SECONDS, max(MINUTE, LATE_ROUNDS * round_seconds))
    newest = max(trust.times.values(), default=0)
    if voice.now - newest > FRESH_SECONDS:
        return None
    # Late is who has not looked for so long while others went on; on a slow day everybody is somewhat behind.
    late = {name: at for name, at in trust.times.items() if voice.now - at > bearable and newest - at > bearable // 2}
    fresh = {name: at for name, at in trust.times.items() if name not in late}
    if not late or not fresh:
        return None
    said = [_held(voice, tuple(fresh), max(0, voice.now - min(fresh.values())))]
    for name, at in late.items():
        day = voice.day(at) if voice.now - at >= DAY else voice.clock(at)
        said.append(voice.say("trust.late", department=voice.name(name), since=day))
    return Own(voice.say("trust.between").join(said))


def _ago(voice: Voice, seconds: int) -> Own:
    return voice.say("age.now") if seconds < MINUTE else voice.say("age.minutes-ago", count=seconds // MINUTE)


def _age(voice: Voice, seconds: int) -> Own:
    if seconds < HOUR:
        return voice.say("age.minutes", count=seconds // MINUTE)
    if seconds < DAY:
        return voice.say("age.hours", count=seconds // HOUR)
    return voice.say("age.days", count=seconds // DAY)


_AMOUNTS = frozenset({"R01", "R19"})


def _rank(found: Finding) -> tuple[int, int, str]:
    """Which of several findings is told: the gravest to the person who asks, then the oldest."""
    return (0 if found.rule == rewritten.RULE else 1 if found.rule in _AMOUNTS else 2), found.raised_at, found.id


def finding_line(voice: Voice, found: Finding, told: Rewritten | None = None, said: FindingStep | None = None) -> Own:
    """What does not agree, who found it, and who explains it by when. It accuses nobody.

    `told`: what was changed in a rewritten log, when it is this person's own. `said`: what a department said of it.
    """
    if told is not None:
        return _both(voice, voice.say("finding.no-trip", finding=rewritten_line(voice, told)), said)
    concerned = voice.departments(tuple(found.facts.get("departments", ())))
    by = voice.name(voice.services.node.name)  # the others are named once their findings are published
    if found.rule == rewritten.RULE:
        return _both(voice, voice.say("finding.rewritten", department=concerned, by=by), said)
    if found.rule in _AMOUNTS:
        return _amounts(voice, found, by, said)
    if found.rule == "R44":
        return _not_arrived(voice, found, by, said)
    return voice.say("finding.other", by=by, then=_then(voice, found, concerned, said))


def _then(voice: Voice, found: Finding, asked: Own, said: FindingStep | None) -> Own:
    """What comes next: an explanation by its last day, or what was said already."""
    if said is None:
        return voice.say("finding.then.open", department=asked, day=voice.iso(found.answer_by))
    return _said(voice, said)


def _both(voice: Voice, line: Own, said: FindingStep | None) -> Own:
    return line if said is None else Own(voice.say("trust.between").join((line, _said(voice, said))))


def _said(voice: Voice, said: FindingStep) -> Own:
    return voice.say(f"finding.then.{said.step}", department=voice.name(said.department or ""), day=voice.day(said.at))


def _amounts(voice: Voice, found: Finding, by: Own, said: FindingStep | None) -> Own:
    approved, ordered, paid = (found.facts[name] for name in ("approved", "ordered", "paid"))
    given = max(ordered, paid) if found.rule == "R01" else ordered
    key = "more" if given > approved else "less" if paid >= given else "less-ordered"
    payer = voice.name(found.facts["payer"])
    amounts = {"approved": approved, "given": given, "missing": approved - given, "extra": given - approved}
    return voice.say(
        f"finding.{key}",
        by=by,
        then=_then(voice, found, payer, said),
        approver=voice.name(found.facts["approver"]),
        payer=payer,
        **{name: voice.money(fen) for name, fen in amounts.items()},
    )


def _not_arrived(voice: Voice, found: Finding, by: Own, said: FindingStep | None) -> Own:
    payer = voice.name(found.facts["payer"])
    return voice.say(
        "finding.not-arrived" if found.facts["credited"] else "finding.nothing-arrived",
        by=by,
        then=_then(voice, found, payer, said),
        approver=voice.name(found.facts["approver"]),
        **{name: voice.money(found.facts[name]) for name in ("approved", "credited", "missing")},
    )


def rewritten_line(voice: Voice, told: Rewritten) -> Own:
    """What was signed then and what is shown now, with both figures, and who can prove it."""
    key = "finding.rewritten.amounts" if len(told.holders) > 1 else "finding.rewritten.amounts.one"
    return voice.say(
        key,
        department=voice.name(told.department),
        day=voice.day(told.at),
        was=voice.money(told.was),
        now=voice.money(told.now),
        holders=voice.departments(told.holders),
    )
