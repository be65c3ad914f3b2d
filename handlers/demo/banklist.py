"""The list that the county's bank sends back: a real file in the bank's own words, as its TOML has them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from handlers.imports.layouts import Bank


@dataclass(frozen=True, slots=True)
class Line:
    """What the bank says of one payment."""

    number: str
    payee: str
    account: str
    fen: int
    outcome: str
    reason: str  # ISO 20022 code of a failure, else empty


def write_list(path: Path, bank: Bank, day: date, lines: Sequence[Line]) -> None:
    """Write the bank's file, as its own program writes it, for Excel."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=bank.delimiter)
    writer.writerow(word for words in bank.columns.values() for word in words)
    for line in lines:
        cells = {
            "number": line.number,
            "payee": line.payee,
            "account": line.account,
            "amount": f"{line.fen // 100}.{line.fen % 100:02d}",
            "result": _word(bank.results, line.outcome),
            "reason": _word(bank.reasons, line.reason),
            "date": day.strftime(bank.dates[0]),
        }
        writer.writerow(cells[column] for column in bank.columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def _word(words: Mapping[str, str], meaning: str) -> str:
    """The first word that the bank has for it."""
    return next((word for word, means in words.items() if means == meaning), "")
