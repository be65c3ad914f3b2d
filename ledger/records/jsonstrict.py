"""Reads JSON so that one text has one meaning (I-JSON, RFC 7493, and stricter).

Two parsers that disagree about a record could be shown two amounts: no duplicate keys, no floats, no NaN, no
integer beyond 2**53 - 1, no lone surrogate, bounded depth.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn, TypeAlias

import msgspec

from ledger.errors import MalformedRecord

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 8  # objects and lists in each other
DEPTH_USUAL = 4  # of what is read the quick way: a record has 3
TEXT_BYTES_MAX = 65_535

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


def _refuse(text: str) -> NoReturn:
    raise MalformedRecord(f"not an integer: {text[:20]!r}")


def _integer(text: str) -> int:
    # int() itself would take minutes over a number of a million digits.
    if len(text) > 17 or text == "-0" or abs(value := int(text)) > INTEGER_MAX:
        _refuse(text)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedRecord("a key stands twice")
    return members


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse, parse_int=_integer, strict=True
)

_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _check_depth(value: Any, depth: int = 0) -> None:
    if not isinstance(value, dict | list):
        return
    if depth == DEPTH_MAX:
        raise MalformedRecord("nested too deep")
    for member in value.values() if isinstance(value, dict) else value:
        _check_depth(member, depth + 1)


def _usual_value() -> Any:
    plain = Annotated[int, msgspec.Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)] | str | bool | None
    value: Any = plain
    for _ in range(DEPTH_USUAL):
        value = plain | list[value] | dict[str, value]
    return value


_usual_decoder = msgspec.json.Decoder(_usual_value())
_usual_encoder = msgspec.json.Encoder(order="sorted")


def parse_json(text: bytes) -> Any:
    """Parse strict JSON; raises MalformedRecord for whatever could be read in two ways."""
    if len(text) > TEXT_BYTES_MAX:
        raise MalformedRecord(f"{len(text)} bytes of JSON, at most {TEXT_BYTES_MAX}")
    # Nearly every text is in the spelling of `format_json`. One that comes back to the byte has said nothing twice, and
    # nothing in another way.
    try:
        value = _usual_decoder.decode(text)
        is_usual = _usual_encoder.encode(value) == text
    except (msgspec.DecodeError, UnicodeDecodeError):
        is_usual = False
    return value if is_usual else _parse_any_spelling(text)


def _parse_any_spelling(text: bytes) -> Any:
    try:
        decoded = text.decode("utf-8")
        value, end = _decoder.raw_decode(decoded)
        if end != len(decoded):
            raise MalformedRecord("something stands before or after the value")
        if "\\u" in decoded:
            # An escaped lone surrogate decodes without complaint, and is no text; unescaped, UTF-8 has none.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise MalformedRecord("nested too deep") from error
    except (UnicodeError, json.JSONDecodeError) as error:
        raise MalformedRecord("not JSON in UTF-8") from error
    # Nothing is nested deeper than there are brackets.
    if decoded.count("{") + decoded.count("[") > DEPTH_MAX:
        _check_depth(value)
    return value


def format_json(value: Json) -> bytes:
    """Write JSON in its one spelling: keys sorted, no spaces, UTF-8. Raises MalformedRecord for a lone surrogate."""
    try:
        return _encoder.encode(value).encode("utf-8")
    except (UnicodeError, ValueError) as error:
        raise MalformedRecord("no text has this value") from error
