"""What the office's own approval system exports: a real file in that system's words, as its TOML has them."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from handlers.demo.county import CITIZENS
from handlers.imports.layouts import System

DayAfter = Callable[[int], date]  # the day that is so many days from the day the demo starts

_DAYS = ("received", "accepted", "decided")


def write_export(path: Path, system: System, day: DayAfter, rows: Mapping[str, str]) -> None:
    """Write the file. A row is told by name, e.g. `临时救助, received -24, accepted -24, decided -16, yuan 3000`."""
    people = {citizen.name: citizen for citizen in CITIZENS}
    columns = ("reference", "matter", "name", "id_number", "phone", "account", *_DAYS, "result", "amount")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(system.columns[column][0] for column in columns)
    for name, told in rows.items():
        citizen = people[name]
        cells = {
            "reference": citizen.reference,
            "name": name,
            "id_number": citizen.id_number,
            "phone": citizen.phone,
            "account": citizen.account,
        }
        writer.writerow((cells | _told(told, system, day)).get(column, "") for column in columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def _told(told: str, system: System, day: DayAfter) -> dict[str, str]:
    matter, *facts = told.split(", ")
    values = dict(fact.split(" ") for fact in facts)
    cells = {name: day(int(values[name])).strftime(system.dates[0]) for name in _DAYS if name in values}
    if "yuan" in values:
        approved = next(word for word, result in system.results.items() if result == "approved")
        cells |= {"amount": f"{values['yuan']}.00", "result": approved}
    return {"matter": matter, **cells}
