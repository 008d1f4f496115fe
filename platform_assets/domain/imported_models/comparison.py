"""Whether two systems give the same rows and values: per column what differs, how much and where.

Rows are joined by key; when two values are equal stands in `column_pair`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.imported_models.clusters import clusters_of
from platform_assets.domain.imported_models.column_pair import ColumnComparison, ColumnPair, Tolerance

if TYPE_CHECKING:
    import pandas as pd

SHOWN_KEYS = 10


class KeysNotComparable(PlatformError):
    """A key stands in more than one row, or is empty: rows can't be joined by it."""


class NothingToCompare(PlatformError):
    """The two outputs have no column, or no row, in common."""


@dataclass(frozen=True)
class Comparison:
    """The output of this platform (here) beside that of another system (there), joined by key."""

    key: tuple[str, ...]
    tolerance: Tolerance
    rows_here: int
    rows_there: int
    rows_compared: int
    missing_here: int
    missing_there: int
    keys_missing_here: tuple[str, ...]
    """The first keys of rows that only the other system has."""
    keys_missing_there: tuple[str, ...]
    """The first keys of rows that only this platform has."""
    columns: tuple[ColumnComparison, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether both systems have the same rows, and every compared value is equal."""
        return not (self.missing_here or self.missing_there or any(column.differing for column in self.columns))


def compare_outputs(
    ours: "pd.DataFrame",
    theirs: "pd.DataFrame",
    *,
    key: Sequence[str],
    tolerance: Tolerance | None = None,
    inputs: "pd.DataFrame | None" = None,
) -> Comparison:
    """Compare every column that both frames have, over the rows whose key both have.

    `inputs` holds what the model was given, by key; it tells whether differing rows lack a value. Raises
    KeysNotComparable where a key is empty or stands in two rows, NothingToCompare where no row or no column is shared.
    """
    tolerance, names = tolerance or Tolerance(), list(key)
    here, there = (_keyed(frame, names, side) for frame, side in ((ours, "here"), (theirs, "there")))
    shared = [name for name in here.columns if name in there.columns]
    both = here.index.intersection(there.index).sort_values()
    if not shared or both.empty:
        raise NothingToCompare(
            "no column is in both outputs" if not shared else "no key is in both outputs",
            where=f"here {_some(here.columns if not shared else here.index)}; "
            f"there {_some(there.columns if not shared else there.index)}",
            todo="name the columns that are the same by --map theirs=ours, the key by --key",
        )
    only_there, only_here = there.index.difference(here.index), here.index.difference(there.index)
    asked = None if inputs is None else _keyed(inputs, names, "inputs").reindex(both)
    return Comparison(
        key=tuple(names),
        tolerance=tolerance,
        rows_here=len(here),
        rows_there=len(there),
        rows_compared=len(both),
        missing_here=len(only_there),
        missing_there=len(only_here),
        keys_missing_here=tuple(map(str, only_there[:SHOWN_KEYS])),
        keys_missing_there=tuple(map(str, only_here[:SHOWN_KEYS])),
        columns=_compared(here.loc[both, shared], there.loc[both, shared], tolerance, asked),
        only_here=tuple(name for name in here.columns if name not in shared),
        only_there=tuple(name for name in there.columns if name not in shared),
    )


def _compared(
    here: "pd.DataFrame", there: "pd.DataFrame", tolerance: Tolerance, inputs: "pd.DataFrame | None"
) -> tuple[ColumnComparison, ...]:
    pairs = {name: ColumnPair.of(here[name], there[name]) for name in here.columns}
    differing = {name: ~pair.equal(tolerance) for name, pair in pairs.items()}
    found = []
    for name, pair in pairs.items():
        others = {other: rows for other, rows in differing.items() if other != name and rows.any()}
        found.append(pair.told(name, differing[name], clusters_of(differing[name], pair.theirs, inputs, others)))
    return tuple(found)


def _keyed(frame: "pd.DataFrame", key: list[str], side: str) -> "pd.DataFrame":
    """The frame by its key as text; parts of a key of several columns are joined by ` | `."""
    if missing := [name for name in key if name not in frame.columns]:
        raise KeysNotComparable(
            f"there are no columns {missing}",
            where=side,
            todo=f"name the key by --key; columns: {_some(frame.columns)}",
        )
    empty = int(frame[key].isna().any(axis=1).sum())
    texts = [frame[name].astype("object").map(str) for name in key]
    joined = texts[0].str.cat(texts[1:], sep=" | ") if len(texts) > 1 else texts[0]
    counts = joined.value_counts()
    twice = counts[counts > 1].sort_index()
    if empty or len(twice):
        what = [f"{empty:,} row(s) without key"] if empty else []
        if len(twice):
            shown = ", ".join(f"{name} ({count} rows)" for name, count in twice.head(SHOWN_KEYS).items())
            what.append(f"{len(twice):,} key(s) in more than one row: {shown}")
        raise KeysNotComparable(
            "; ".join(what), where=side, todo="give one row for each key, or name the columns of the key by --key"
        )
    return frame.drop(columns=key).set_axis(joined.to_numpy(dtype=object), axis=0)


def _some(names: Any) -> str:
    shown = [str(name) for name in list(names[:8])]
    return ", ".join(shown) + (f", … ({len(names):,})" if len(names) > len(shown) else "")
