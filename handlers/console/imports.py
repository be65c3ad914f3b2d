"""Files from the systems an office already has: looked at line by line, then taken in as a whole, or not at all.

The officer's code is what signs. It is asked for on the terminal, or read from standard input, and never from argv.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from handlers.console.context import COULD_NOT, FOUND_WRONG, USED_WRONG, Console, expected, pass_console, stop
from handlers.console.officers import find_officer
from handlers.imports.bank_plan import plan_payments
from handlers.imports.case_plan import plan_cases
from handlers.imports.layouts import find_layout, load_banks, load_systems
from handlers.imports.plan import Office, Plan, take_in
from handlers.imports.remarks import FileWrong
from handlers.imports.slips import write_slips
from handlers.imports.tables import FILE_BYTES_MAX
from handlers.imports.telling import Teller
from handlers.locale import Words, words_in
from handlers.matters import load_matters, load_programmes
from handlers.staff.refusals import named_roles, why_refused
from ledger.errors import CodeLocked, CodeUsed, CodeWrong, DeedRefused
from ledger.views import Officer

CODE_CHARACTERS_MAX = 64
LONG_RECORDS = 500  # so many keep others from signing for a second or more

CASE_ROLES = ("clerk", "approver")
PAYMENT_ROLES = ("finance",)

Look = Callable[[bytes, Office, Officer], Plan]

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
_AS = click.option("--as", "officer_name", required=True, metavar="OFFICER", help="Who signs: a name, or a handle.")
_YES = click.option("--yes", is_flag=True, help="Do not ask before the code.")
_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
_LANG = click.option(
    "--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True, help="Of what is told."
)


@click.group("import")
def imports() -> None:
    """Take in files from the systems an office already has."""


@imports.command(epilog="Example: python app.py import cases 办件.csv --as 林芳")
@_FILE
@_AS
@click.option("--system", default="shenpi", show_default=True, help="How its columns are called: a TOML in systems/.")
@click.option(
    "--slips", type=click.Path(path_type=Path), help="Write numbers and query codes of the file's cases there, as CSV."
)
@_YES
@_JSON
@_LANG
@pass_console
def cases(
    console: Console,
    file: Path,
    officer_name: str,
    system: str,
    slips: Path | None,
    lang: str,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Cases from the office's own approval system (CSV): accepted, corrected, decided.

    Shows what each line would change, then asks for the officer's code and takes in all of it or nothing. A decision
    that gives money arrives as a proposal and waits for #批准 by another person.
    """
    with expected():
        layouts = load_systems(console.data / "systems")
        layout = find_layout(layouts, system)
        if layout is None:
            stop(USED_WRONG, f"--system: there is no {system}; there are: {', '.join(layouts)}")
        if slips is not None and slips.exists():
            stop(USED_WRONG, f"--slips: {slips} is there already, and is never overwritten; name another file")
        say = words_in(lang)

        def write(raw: bytes, office: Office) -> str | None:
            if slips is None:
                return None
            header = (say("import.slips.reference"), say("import.slips.number"), say("import.slips.code"))
            count = write_slips(slips, header, raw, layout, office)
            return say("import.slips", file=slips.name, count=count)

        dialogue = _Dialogue(file, say, CASE_ROLES, yes=yes, as_json=as_json, after=write)
        dialogue.run(console, officer_name, lambda raw, office, who: plan_cases(raw, layout, office, who))


@imports.command(epilog="Example: python app.py import payments 回单.csv --bank 青禾农商银行 --as 吴倩")
@_FILE
@click.option("--bank", required=True, help="Whose list it is: a TOML in banks/, by its own name or the file's.")
@_AS
@_YES
@_JSON
@_LANG
@pass_console
def payments(
    console: Console, file: Path, bank: str, officer_name: str, lang: str, *, yes: bool, as_json: bool
) -> None:
    """A bank's list of results (CSV), in its own words.

    Shows what each line says of which payment, then asks for the officer's code and takes in all of it or nothing.
    """
    with expected():
        layouts = load_banks(console.data / "banks")
        layout = find_layout(layouts, bank)
        if layout is None:
            names = ", ".join(f"{one.name} ({key})" for key, one in layouts.items())
            stop(USED_WRONG, f"--bank: there is no {bank}; there are: {names}. A new bank is a new TOML in banks/")
        dialogue = _Dialogue(file, words_in(lang), PAYMENT_ROLES, yes=yes, as_json=as_json)
        dialogue.run(console, officer_name, lambda raw, office, who: plan_payments(raw, layout, office, who))


@dataclass(frozen=True, slots=True)
class _Dialogue:
    """One file, looked at and taken in."""

    file: Path
    say: Words
    roles: tuple[str, ...]  # whoever has none of them can take in nothing
    yes: bool
    as_json: bool
    after: Callable[[bytes, Office], str | None] = lambda _raw, _office: None  # when all that the file says is here

    def run(self, console: Console, officer_name: str, look: Look) -> None:
        raw = self._read()
        node = console.open_node()
        officer = find_officer(node, officer_name)
        self._check_role(officer)
        office = Office(node, load_matters(console.data / "matters"), load_programmes(console.data / "programmes"))
        teller = Teller(self.say, office)
        try:
            plan = look(raw, office, officer)
        except FileWrong as error:
            self._end(FOUND_WRONG, teller.file_wrong(error), {**teller.file_data(error), "done": False})
        told = teller.data(plan)
        self._show(teller.dry_run(plan, self.file, officer))
        if not plan.is_good:
            count = sum(line.outcome == "refused" for line in plan.lines) + len(plan.remarks)
            self._end(FOUND_WRONG, self.say("import.end.refused", count=count), {**told, "done": False})
        if not plan.deeds:
            self._finish(raw, office, self.say("import.end.nothing"), {**told, "done": False})
        said, done = self._sign(plan, office, officer, told)
        self._finish(raw, office, said, {**told, "done": done})

    def _sign(self, plan: Plan, office: Office, officer: Officer, told: dict[str, object]) -> tuple[str, bool]:
        """Ask for the code and sign; returns what to say of it, and whether it was done now."""
        code = self._ask_code(plan, officer)
        if not code:
            self._end(0, self.say("import.end.no-code"), {**told, "done": False})
        try:
            done = take_in(plan, office, officer, code)
        except DeedRefused as error:
            why = why_refused(self.say, error.cause)
            self._end(FOUND_WRONG, self.say("import.end.line", line=error.place, why=why), {**told, "done": False})
        except (CodeWrong, CodeUsed, CodeLocked) as error:
            exit_code = COULD_NOT if isinstance(error, CodeLocked) else USED_WRONG
            said = self.say("import.end.code", why=why_refused(self.say, error))
            self._end(exit_code, said, {**told, "done": False})
        return self.say("import.end.done", records=len(plan.deeds)) if done else self.say("import.end.meanwhile"), done

    def _finish(self, raw: bytes, office: Office, said: str, told: dict[str, object]) -> NoReturn:
        try:
            more = self.after(raw, office)
        except OSError as error:
            stop(
                COULD_NOT, f"{said}\n--slips: cannot be written: {error.strerror}; import the same file again for them"
            )
        self._end(0, said if more is None else f"{said}\n{more}", told)

    # --- in and out ---

    def _read(self) -> bytes:
        if not self.file.is_file():  # a pipe has no fingerprint that could be looked at again
            stop(USED_WRONG, f"{self.file}: is no ordinary file; save it as one first")
        try:
            with self.file.open("rb") as opened:
                return opened.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            stop(COULD_NOT, f"{self.file}: cannot be read: {error.strerror}")

    def _check_role(self, officer: Officer) -> None:
        if not set(officer.roles) & set(self.roles):
            roles, wanted = (named_roles(self.say, each) for each in (officer.roles, self.roles))
            stop(USED_WRONG, self.say("import.role", officer=officer.name or "", roles=roles, wanted=wanted))

    def _ask_code(self, plan: Plan, officer: Officer) -> str:
        """The six digits; "" when nobody gives any."""
        if not sys.stdin.isatty():
            return _plain(sys.stdin.readline(CODE_CHARACTERS_MAX))
        question = self.say("import.ask", records=len(plan.deeds))
        if len(plan.deeds) > LONG_RECORDS:
            click.echo(self.say("import.ask.long"), err=True)
        with suppress(click.Abort):
            if self.yes or click.confirm(question, err=True):
                return _plain(
                    click.prompt(self.say("import.code", officer=officer.name or ""), hide_input=True, err=True)
                )
        return ""

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            # A program reads one document from standard output; whoever sits before the terminal reads the words.
            if not self.as_json or sys.stdin.isatty():
                click.echo(line, err=self.as_json)

    def _end(self, code: int, said: str, told: dict[str, object]) -> NoReturn:
        if self.as_json:
            click.echo(json.dumps({"file": self.file.name, **told, "said": said}, ensure_ascii=False, indent=1))
        else:
            click.echo(said, err=code != 0)
        sys.exit(code)


def _plain(typed: str) -> str:
    return "".join(unicodedata.normalize("NFKC", typed).split())
