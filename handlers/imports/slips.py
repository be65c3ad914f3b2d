"""Writes the slips of the cases of a file: their number and query code here beside the office's own number.

The file is for the office's printer: readable by its owner alone, never overwritten, harmless in a spreadsheet.
"""

import csv
import io
import os
from pathlib import Path

from handlers.imports.case_plan import find_cases
from handlers.imports.case_rows import CaseRow, read_cases
from handlers.imports.layouts import System
from handlers.imports.plan import Office
from handlers.imports.tables import read_table

GROUP = 4  # digits, so that a spreadsheet leaves them alone and people can read them out
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_slips(path: Path, header: tuple[str, str, str], raw: bytes, system: System, office: Office) -> int:
    """Write one line for each case of the file that is known here; returns how many. Raises FileExistsError."""
    table = read_table(raw, system.shape)
    rows = read_cases(table, system, office.matters, office.programmes, office.today)
    references = [row.reference for row in rows if isinstance(row, CaseRow)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    written = 0
    with office.node.reading() as facts:
        for reference, case in find_cases(office.node.desk, facts, references).items():
            number, code = (facts.private(case.ref, name) for name in ("number", "query_code"))
            if isinstance(number, str) and isinstance(code, str):  # else they were erased
                writer.writerow((harmless(reference), _grouped(number), _grouped(code)))
                written += 1
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.getvalue().encode("utf-8-sig"))
    return written


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _grouped(digits: str) -> str:
    return " ".join(digits[at : at + GROUP] for at in range(0, len(digits), GROUP))
