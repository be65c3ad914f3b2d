"""Two departments with real desks and databases, the TOML of this county, and files as other systems write them."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from sqlalchemy import select

from handlers.imports.bank_plan import plan_payments
from handlers.imports.case_plan import plan_cases
from handlers.imports.layouts import load_banks, load_systems
from handlers.imports.plan import Office, Outcome, Plan, take_in
from handlers.imports.telling import Teller
from handlers.locale import words_in
from handlers.matters import load_matters, load_programmes
from ledger.records.funds import Ref
from ledger.storage import schema
from ledger.storage.engine import reading
from ledger.times import day_in_china
from ledger.views import Officer
from tests.desk.world import Department, Town

ROOT = Path(__file__).parents[2]
MATTERS, PROGRAMMES = load_matters(ROOT / "matters"), load_programmes(ROOT / "programmes")
SYSTEM = load_systems(ROOT / "systems")["shenpi"]
BANKS = load_banks(ROOT / "banks")
NONGSHANG, CUNZHEN = BANKS["qinghe-nongshang"], BANKS["liushu-cunzhen"]

AID, OLD_AGE, RESIDENCE, ALLOWANCE = "临时救助", "高龄津贴", "居住证", "最低生活保障"
WANG, LI, CHEN = "330199195902140026", "330199198710090048", "330199199206150018"
CARD = "6299990000000040836"

COLUMNS = (
    "办件编号",
    "事项",
    "姓名",
    "身份证号",
    "手机号",
    "账号",
    "收件日期",
    "补正内容",
    "补正期限",
    "受理日期",
    "审核结果",
    "金额",
    "理由",
    "决定日期",
)


def write(rows: Iterable[Mapping[str, str]], *, columns=COLUMNS, encoding="utf-8", delimiter=",", end="\r\n") -> bytes:
    """A file of these rows, as a program writes it."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


@dataclass
class Bureau:
    """民政局 takes in cases, 财政局 the bank's lists."""

    town: Town

    def office(self, department: Department) -> Office:
        node = SimpleNamespace(
            name=department.name, origin=department.origin, desk=department.desk, reading=department.facts
        )
        return Office(node, MATTERS, PROGRAMMES)  # type: ignore[arg-type]  # a stand-in with the same doors

    def officer(self, name: str) -> tuple[Department, Officer]:
        for department in (self.town.civil, self.town.finance):
            with department.facts() as facts:
                for one, in_force in facts.officers():
                    if in_force and one.name == name:
                        return department, one
        raise AssertionError(name)

    # --- days ---

    def day(self, ago: int) -> str:
        return (day_in_china(self.town.clock()) - timedelta(days=ago)).isoformat()

    # --- cases ---

    def row(self, **cells: str) -> dict[str, str]:
        """A line as it stands when a case was just handed in."""
        told = {
            "办件编号": "SP-1",
            "事项": AID,
            "姓名": "王桂兰",
            "身份证号": WANG,
            "手机号": "16000000001",
            "账号": CARD,
            "收件日期": self.day(0),
        }
        return told | cells

    def decided(self, **cells: str) -> dict[str, str]:
        """The same, accepted and decided: 3,000.00 yuan."""
        told = {
            "收件日期": self.day(9),
            "受理日期": self.day(7),
            "审核结果": "通过",
            "金额": "3000.00",
            "决定日期": self.day(1),
        }
        return self.row(**told | cells)

    def look(self, raw: bytes, who: str = "林芳") -> Plan:
        department, officer = self.officer(who)
        return plan_cases(raw, SYSTEM, self.office(department), officer)

    def take(self, raw: bytes, who: str = "林芳") -> Plan:
        plan = self.look(raw, who)
        assert plan.is_good, self.tell(plan)
        self.sign(plan, who)
        return plan

    def sign(self, plan: Plan, who: str, code: str | None = None) -> bool:
        department, officer = self.officer(who)
        self.town.clock.wait(30)
        return take_in(plan, self.office(department), officer, code or department.code(who))

    # --- lists of a bank ---

    def look_bank(self, raw: bytes, bank=NONGSHANG, who: str = "吴倩") -> Plan:
        department, officer = self.officer(who)
        return plan_payments(raw, bank, self.office(department), officer)

    def take_bank(self, raw: bytes, bank=NONGSHANG, who: str = "吴倩") -> Plan:
        plan = self.look_bank(raw, bank, who)
        assert plan.is_good, self.tell(plan)
        self.sign(plan, who)
        return plan

    # --- what came of it ---

    def tell(self, plan: Plan, department: Department | None = None, language: str = "zh") -> str:
        office = self.office(department or self.town.civil)
        officer = Officer("handle", "kid", "林芳", ("clerk",), "person")
        return "\n".join(Teller(words_in(language), office).dry_run(plan, Path("file.csv"), officer))

    def cases(self, *statuses: str):
        with self.town.civil.facts() as facts:
            refs = facts.queue("case", statuses or ALL_CASES, limit=5_000)
            return [facts.case(ref) for ref in refs]

    def only_case(self):
        [case] = self.cases()
        return case

    def awards(self, case: Ref):
        with self.town.civil.facts() as facts:
            return facts.awards_of(case)

    def kinds(self, department: Department | None = None) -> list[str]:
        """What was said since the officers were enrolled."""
        kinds = [record.kind for record in (department or self.town.civil).records()]
        return [kind for kind in kinds if kind not in {"genesis", "enrolment"}]


ALL_CASES = (
    "SUBMITTED",
    "CORRECTION_DUE",
    "ACCEPTED",
    "IN_STEP",
    "APPROVED",
    "REFUSED",
    "NOT_ACCEPTED",
    "WITHDRAWN",
    "CANCELLED",
)


def everything(department: Department) -> dict[str, list[str]]:
    """Every row of every table: what must be the same when nothing happened. Who merely came to write is counted."""
    tables = [table for table in schema.metadata.sorted_tables if table is not schema.moment]
    with reading(department.engine) as conn:
        return {table.name: sorted(map(repr, conn.execute(select(table)).all())) for table in tables}


def outcomes(plan: Plan) -> list[Outcome]:
    return [line.outcome for line in plan.lines]


def keys(plan: Plan) -> set[str]:
    """What is wrong with a file, by key."""
    found = {remark.key for line in plan.lines for remark in line.remarks} | {remark.key for remark in plan.remarks}
    return found | {f"refused.{line.refused.reason}" for line in plan.lines if line.refused}
