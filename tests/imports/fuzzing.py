"""Good files, and what can happen to them on the way: in a cell, a row, the header, or the bytes."""

import csv
import io
from random import Random

from handlers.imports.layouts import Bank
from tests.desk.world import ACCOUNT
from tests.imports.office import AID, ALLOWANCE, CARD, COLUMNS, LI, OLD_AGE, RESIDENCE, WANG, Bureau

PEOPLE = (
    ("王桂兰", WANG, CARD),
    ("孙丽", LI, "6299990000000064471"),
    ("欧阳小敏", "330199194401200022", "6299990000000073308"),
)
SECRETS = (*(secret for person in PEOPLE for secret in person if secret), ACCOUNT, "16000000001")

HOSTILE = (
    "",
    " ",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\0",
    "王" * 600,
    "9" * 40,
    "6.29999E+18",
    "-1",
    "0",
    "NaN",
    "1e309",
    "２０００",
    "٣",
    "\u202e",
    "\x1b[31m",
    "😀",
    "a\r\nb",
    '"',
    '""',
    "'; DROP TABLE entries; --",
    "{0.__class__}",
    "%s%n",
    "../../etc/passwd",
    "2026-02-30",
    "9999-12-31",
    "0000-00-00",
    "20261103",
    "2026年11月3日",
    "不认识",
    "通过",
    "转账成功",
    "true",
    "None",
    "\ufeff",
    "\u2028",
)
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "latin-1")
DELIMITERS = (",", ";", "\t", "|")


def good_cases(random: Random, bureau: Bureau) -> list[list[str]]:
    """A header and one to four rows, some about cases that are known already."""
    rows = []
    for _ in range(random.randint(1, 4)):
        name, id_number, account = random.choice(PEOPLE)
        matter = RESIDENCE if random.random() < 0.03 else random.choice((AID, OLD_AGE, ALLOWANCE))
        reference = f"{id_number[-4:]}-{matter}-{random.randint(1, 3)}"
        cells = {"办件编号": reference, "事项": matter, "姓名": name, "身份证号": id_number, "账号": account}
        row = random.choice((bureau.row, bureau.decided))(**cells)
        if random.random() < 0.2:
            row |= {"补正内容": "租房合同", "补正期限": bureau.day(-6)}
        if random.random() < 0.2:
            row |= {
                "审核结果": "不通过",
                "金额": "",
                "理由": "收入超过标准",
                "受理日期": bureau.day(7),
                "决定日期": bureau.day(1),
            }
        rows.append([row.get(column, "") for column in COLUMNS])
    return [list(COLUMNS), *rows]


def good_list(random: Random, bank: Bank, numbers: list[tuple[str, int]]) -> list[list[str]]:
    """A bank's list about some of these payments, with all that the bank declares."""
    chosen = random.sample(numbers, random.randint(1, min(4, len(numbers))))
    rows, total = [], 0
    for number, fen in chosen:
        total += fen
        yuan = f"{fen // 100:,}.{fen % 100:02}" if bank.thousands else f"{fen // 100}.{fen % 100:02}"
        result, reason = random.choice(_results(bank))
        told = {
            "number": number,
            "payee": "王桂兰",
            "account": ACCOUNT,
            "amount": yuan,
            "result": result,
            "reason": reason,
        }
        rows.append([told.get(column, "") for column in bank.columns])
    header = [word for words in bank.columns.values() for word in words]
    if bank.total is None:
        return [header, *rows]
    last = dict.fromkeys(header, "")
    last |= {bank.total.count: f"{len(rows)}笔", bank.total.sum: f"{total // 100:,}.{total % 100:02}"}
    below = list(last.values())
    below[0] = bank.total.label
    title = [f"总笔数：{len(rows)}", f"总金额：{total // 100:,}.{total % 100:02}"]
    return [title, header, *rows, below]


def _results(bank: Bank) -> list[tuple[str, str]]:
    if bank.total is None:
        return [("转账成功", ""), ("转账失败", "账户已销户"), ("处理中", "")]
    return [("成功", ""), ("户名不符", ""), ("已销户", "")]


def mutate_table(random: Random, table: list[list[str]]) -> None:
    """Something happens to a cell, a row or the header."""
    row = random.choice(table)
    match random.randint(0, 10):
        case 0 | 1 | 2 | 3:
            row[random.randrange(len(row))] = random.choice(HOSTILE)
        case 4:
            one, other = random.randrange(len(row)), random.randrange(len(row))
            row[one], row[other] = row[other], row[one]
        case 5:
            table.insert(random.randrange(len(table) + 1), list(row))
        case 6:
            row.pop(random.randrange(len(row))) if len(row) > 1 else None
        case 7:
            row.insert(random.randrange(len(row) + 1), random.choice(HOSTILE))
        case 8:
            table.remove(row) if len(table) > 1 else None
        case 9:
            column, source = random.randrange(len(row)), random.choice(table)
            row[column] = source[column] if column < len(source) and source is not table[0] else ""
        case _:
            random.shuffle(table)


def mutate_bytes(random: Random, raw: bytes) -> bytes:
    """Something happens to the bytes."""
    at = random.randrange(len(raw) + 1)
    match random.randint(0, 7):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + random.randbytes(random.randint(1, 4)) + raw[at:]
        case 2 if raw:
            at = min(at, len(raw) - 1)
            return raw[:at] + bytes([raw[at] ^ 1 << random.randrange(8)]) + raw[at + 1 :]
        case 3:
            return raw + raw
        case 4:
            return raw.replace(b"\r\n", random.choice((b"\r", b"\n", b"\n\n", b"\0")))
        case 5:
            return b"\xef\xbb\xbf" + raw
        case 6:
            return raw[:at] + b'"' + raw[at:]
        case _:
            return raw[:at] + b"\n" * random.randint(1, 3) + raw[at:]


def encode(random: Random, table: list[list[str]], encoding: str, delimiter: str) -> bytes:
    """The file, mostly as its program would write it."""
    if random.random() < 0.08:
        encoding = random.choice(ENCODINGS)
    if random.random() < 0.08:
        delimiter = random.choice(DELIMITERS)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(table)
    return text.getvalue().encode(encoding, "replace")
