"""Reads the file of `platform quarantine show --format jsonl` after somebody has edited `record` in it.

What the edited records are good for is judged in `mended_rows`.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from platform_assets.domain.errors import PlatformError

SHOWN_PROBLEMS = 10


class Place(NamedTuple):
    """Where a landed record is."""

    landing_date: date
    file: str
    line: int


class MendedRowsRefused(PlatformError):
    """A file of mended rows is wrong. Nothing was stored and nothing recomputed."""


@dataclass(frozen=True)
class MendedRow:
    """One edited record, and where it stands in the file of mended rows."""

    place: Place
    record: str
    at: str


def read_mended(path: Path, landing_day: Callable[[str, int], date | None]) -> list[MendedRow]:
    """The rows of a file, one JSON object a line: `file`, `line`, `record`, and `partition`, the landing day.

    For a row without `partition`, `landing_day` tells that of the quarantined record. Raises MendedRowsRefused that
    names every wrong line.
    """
    try:
        texts = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MendedRowsRefused(str(error), where=str(path), todo="name a readable file of JSON lines") from error
    rows: dict[Place, MendedRow] = {}
    problems = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        at = f"{path}:{number}"
        row = _row(text, at, landing_day)
        if isinstance(row, str):
            problems.append(f"{at}: {row}")
        elif row.place in rows:
            problems.append(f"{at}: the same record stands in {rows[row.place].at} already")
        else:
            rows[row.place] = row
    refuse(problems, path)
    return list(rows.values())


def _row(text: str, at: str, landing_day: Callable[[str, int], date | None]) -> MendedRow | str:
    """A row, or what is wrong with it."""
    try:
        given = json.loads(text)
    except ValueError as error:
        return f"is no JSON: {error}"
    if not isinstance(given, dict):
        return "is no JSON object"
    file, line, record = given.get("file"), given.get("line"), given.get("record")
    if not isinstance(file, str) or not file or not isinstance(record, str):
        return "needs the texts `file` and `record`"
    if not re.fullmatch("[0-9]+", str(line)):
        return "needs the number `line`"
    number = int(str(line))
    try:
        record.encode()
        day = date.fromisoformat(given["partition"]) if given.get("partition") else landing_day(file, number)
    except UnicodeEncodeError:
        return "`record` holds half a character (a lone surrogate)"
    except (ValueError, TypeError):
        return f"`partition` is no day: {given['partition']!r}"
    if day is None:
        return f"no record {file}:{number} is quarantined; give its landing day as `partition`"
    return MendedRow(Place(day, file, number), record, at)


def refuse(problems: Sequence[str], where: object) -> None:
    """Raise MendedRowsRefused if there are problems."""
    if problems:
        more = f"\n… and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        raise MendedRowsRefused(
            f"{len(problems)} row(s) can't be taken:\n" + "\n".join(problems[:SHOWN_PROBLEMS]) + more,
            where=str(where),
            todo="mend these rows and run the same command again; nothing was stored",
        )
