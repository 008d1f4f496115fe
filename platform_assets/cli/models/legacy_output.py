"""The output of another system, as it wrote it: CSV or Parquet, with its own column names."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.errors import PlatformError

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


class LegacyOutputUnreadable(PlatformError):
    """The other system's file isn't there, is of no known format, or lacks a column that was named."""


def read_legacy_output(
    path: Path, names: Mapping[str, str], key: Sequence[str], *, day_column: str | None, day: date
) -> "pd.DataFrame":
    """The rows of a file under our column names (`names`: theirs → ours); of several days only those of `day`.

    Keys are read as text, numbers of a CSV to the last bit. Raises LegacyOutputUnreadable where a column is missing.
    """
    frame = _read(path, [*(theirs for theirs, ours in names.items() if ours in key), *key])
    if missing := [theirs for theirs in names if theirs not in frame.columns]:
        raise LegacyOutputUnreadable(
            f"there are no columns {missing}", where=str(path), todo=f"--map takes theirs=ours; {_columns(frame)}"
        )
    renamed = frame.rename(columns=dict(names))
    if twice := sorted(renamed.columns[renamed.columns.duplicated()]):
        raise LegacyOutputUnreadable(
            f"several columns are named {twice}", where=str(path), todo="map the other one to another name, too"
        )
    if missing := [name for name in key if name not in renamed.columns]:
        raise LegacyOutputUnreadable(
            f"the key {missing} is missing",
            where=str(path),
            todo=f"name it by --map theirs={missing[0]}; {_columns(frame)}",
        )
    if day_column is None or day_column not in renamed.columns:
        return renamed
    of_day = renamed[renamed[day_column].astype("str").str.slice(0, 10) == f"{day}"]
    return of_day.drop(columns=[name for name in (day_column,) if name not in key])


def _read(path: Path, keys: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if not path.is_file() or kind not in (*_SEPARATORS, ".parquet"):
        raise LegacyOutputUnreadable(
            "there is no such file" if not path.is_file() else f"{kind or 'no suffix'} is none of .csv, .tsv, .parquet",
            where=str(path),
            todo="give the scores of the other system as CSV (also .csv.gz) or Parquet",
        )
    if kind == ".parquet":
        return pd.read_parquet(path)
    try:
        # Converters, because a key such as NA would otherwise be read as missing, and 007 as a number.
        read = pd.read_csv(
            path, sep=_SEPARATORS[kind], float_precision="round_trip", converters=dict.fromkeys(keys, _text)
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise LegacyOutputUnreadable(
            str(error).strip(), where=str(path), todo="give a CSV with a header line, in UTF-8"
        ) from error
    return read.rename(columns=str.strip)


def _text(value: str) -> str | None:
    return value.strip() or None


def _columns(frame: "pd.DataFrame") -> str:
    return f"its columns are {', '.join(map(str, frame.columns))}"
