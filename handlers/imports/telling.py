"""Tells what a file would do, in words for the terminal and as data for programs; names and accounts stay masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from handlers.imports.plan import Line, Office, Outcome, Plan
from handlers.imports.remarks import Fen, FileWrong, Remark
from handlers.locale import Own, Words, formats
from handlers.staff.refusals import why_refused
from handlers.staff.things import masked
from ledger.views import Officer

DIGEST_SHOWN = 8
REFUSED_SHOWN_MAX = 200  # lines; a program gets all of them


@dataclass(frozen=True, slots=True)
class Teller:
    """Puts a plan into words."""

    say: Words
    office: Office

    # --- for people ---

    def dry_run(self, plan: Plan, file: Path, officer: Officer) -> Iterator[str]:
        """Every line of the file, and what all of them come to."""
        digest = plan.sha256[:DIGEST_SHOWN]
        yield self.say("import.head", file=file.name, digest=digest, officer=officer.name or officer.handle)
        refused = 0
        for line in plan.lines:
            refused += line.outcome is Outcome.REFUSED
            if line.outcome is not Outcome.REFUSED or refused <= REFUSED_SHOWN_MAX:
                yield self.line(line)
        if refused > REFUSED_SHOWN_MAX:
            yield self.say("import.more", count=refused - REFUSED_SHOWN_MAX)
        for remark in plan.remarks:
            yield self.remark(remark)
        yield self._total(plan)
        if plan.sum_of(*Outcome):
            moving, all_ = plan.sum_of(Outcome.NEW, Outcome.MOVED), plan.sum_of(*Outcome)
            yield self.say("import.total.money", moving=self._money(moving), all=self._money(all_))

    def line(self, line: Line) -> str:
        """One line of the file."""
        said = [self.remark(remark) for remark in line.remarks]
        if line.refused is not None:
            said.append(why_refused(self.say, line.refused))
        if line.outcome is Outcome.REFUSED:
            more = Own("".join(f"\n  {each}" for each in said))
        else:
            more = Own("".join(self.say("import.also", said=each) for each in said))
        who = Own(" ".join(filter(None, (masked(line.name), self._about(line), self._amount(line)))))
        what = self._what(line)
        key = "import.line" if who else "import.line.nameless"
        return self.say(key, line=line.line, who=who, what=what, more=more)

    def remark(self, remark: Remark) -> Own:
        """One sentence, behind the column that it is about."""
        values = {name: self._value(value) for name, value in remark.values.items()}
        said = self.say(remark.key, **values)
        return said if remark.column is None else self.say("import.said.column", column=remark.column, said=said)

    def file_wrong(self, error: FileWrong) -> str:
        """Why nothing of the file could be read."""
        said = self.remark(error.remark)
        if error.line is None:
            return self.say("import.file", said=said)
        return self.say("import.file.line", line=error.line, said=said)

    def _total(self, plan: Plan) -> str:
        return self.say("import.total", count=len(plan.lines), **{str(one): plan.count(one) for one in Outcome})

    def _what(self, line: Line) -> Own:
        before = self.say(line.before) if line.before else Own()
        after = self.say(line.after) if line.after else Own()
        known = ".state" if line.outcome is Outcome.UNCHANGED and line.before else ""
        return self.say(f"import.what.{line.outcome}{known}", before=before, after=after)

    def _about(self, line: Line) -> str | None:
        named = self.office.matters.get(line.about or "") or self.office.programmes.get(line.about or "")
        return line.about if named is None else named.name

    def _amount(self, line: Line) -> str | None:
        return None if line.amount is None else self._money(line.amount)

    def _money(self, fen: int) -> Own:
        return Own(formats.money(self.say.language, fen))

    def _value(self, value: object) -> object:
        if isinstance(value, Fen):
            return self._money(value)
        return self.say("and").join(value) if isinstance(value, list) else value

    # --- for programs ---

    def data(self, plan: Plan) -> dict[str, object]:
        """The plan as JSON has it."""
        return {
            "sha256": plan.sha256,
            "lines": [self._line_data(line) for line in plan.lines],
            "faults": [self._remark_data(remark) for remark in plan.remarks],
            "totals": {
                "lines": len(plan.lines),
                **{str(one): plan.count(one) for one in Outcome},
                "moving_fen": plan.sum_of(Outcome.NEW, Outcome.MOVED),
                "all_fen": plan.sum_of(*Outcome),
            },
            "records": len(plan.deeds),
        }

    def _line_data(self, line: Line) -> dict[str, object]:
        remarks = [self._remark_data(remark) for remark in line.remarks]
        if line.refused is not None:
            remarks.append({"key": f"refused.{line.refused.reason}", "said": why_refused(self.say, line.refused)})
        return {
            "line": line.line,
            "outcome": str(line.outcome),
            "who": masked(line.name),
            "about": line.about,
            "before": _state(line.before),
            "after": _state(line.after),
            "amount_fen": line.amount,
            "remarks": remarks,
        }

    def _remark_data(self, remark: Remark) -> Mapping[str, object]:
        column = {} if remark.column is None else {"column": remark.column}
        return {"key": remark.key, **column, "said": self.remark(remark)}

    def file_data(self, error: FileWrong) -> dict[str, object]:
        """Why nothing of the file could be read, as JSON has it."""
        return {"faults": [{"line": error.line, **self._remark_data(error.remark)}]}


def _state(key: str | None) -> str | None:
    """A state as the records call it, behind the catalogue's key."""
    return None if key is None else key.rpartition(".")[2]
