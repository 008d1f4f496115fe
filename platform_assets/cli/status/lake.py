"""What the lake holds, read once for all sections: the days, rows and bytes of every table at its latest version."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from platform_assets.domain.contracts.contract import QUARANTINE_SUFFIX
from platform_assets.domain.status.data import DailyTable, Quarantined
from resources.lakehouse.tables import Lakehouse, Snapshot
from resources.object_store import is_remote

IMPATIENT = {"max_retries": "2", "retry_timeout": "10s", "timeout": "10s", "connect_timeout": "3s"}
"""Of a store that is away a status is told in seconds; runs are more patient."""
READERS = 8


@dataclass(frozen=True)
class Held:
    """A table at its latest version."""

    snapshot: Snapshot
    rows_by_slice: Mapping[str | None, int]
    bytes: int


class Lake:
    """The tables below a root. What can't be opened raises when it is asked for, each time with the same error."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self.lakehouse = lakehouse

    @classmethod
    def at(cls, root: str) -> "Lake":
        """The lake below a root, asked without patience."""
        return cls(Lakehouse(root, IMPATIENT if is_remote(root) else {}))

    @cached_property
    def _opened(self) -> Mapping[str, Held | Exception] | Exception:
        try:
            names = self.lakehouse.table_names()
        except Exception as error:
            return error
        with ThreadPoolExecutor(READERS) as readers:
            return dict(zip(names, readers.map(self._open, names), strict=True))

    def _open(self, name: str) -> Held | Exception:
        try:
            snapshot = self.lakehouse.snapshot(name)
            return Held(snapshot, snapshot.rows_by_slice(), sum(file.bytes for file in snapshot.files))
        except Exception as error:
            return error

    @property
    def tables(self) -> Mapping[str, Held]:
        """The tables that can be opened, quarantines among them."""
        return {name: held for name, held in self._all.items() if isinstance(held, Held)}

    @property
    def unreadable(self) -> Mapping[str, Exception]:
        """The tables that can't be opened, and why."""
        return {name: error for name, error in self._all.items() if isinstance(error, Exception)}

    @property
    def _all(self) -> Mapping[str, Held | Exception]:
        if isinstance(self._opened, Exception):
            raise self._opened
        return self._opened

    def table(self, name: str) -> Held | None:
        """A table, None where nothing was published to it."""
        held = self._all.get(name)
        if isinstance(held, Exception):
            raise held
        return held

    def daily(self, name: str, until: date | None = None) -> DailyTable:
        """The days of a table; days without rows count if they were published (asked of the log only where needed)."""
        held = self.table(name)
        if held is None:
            return DailyTable(name, frozenset())
        found = DailyTable(name, _days(held.rows_by_slice))
        if found.missing or found.newest is None or (until is not None and found.newest < until):
            found = DailyTable(name, found.computed | _days(self.lakehouse.slice_notes(name)))
        return found

    def quarantined(self, name: str, days: int) -> Quarantined:
        """Rows and quarantined rows of a table's newest days."""
        held, rejected = self.table(name), self.table(name + QUARANTINE_SUFFIX)
        if held is None:
            return Quarantined(name, 0, 0)
        newest = sorted(str(value) for value in held.rows_by_slice)[-days:]
        good = sum(held.rows_by_slice[value] for value in held.rows_by_slice if str(value) in newest)
        by_slice = rejected.rows_by_slice if rejected else {}
        bad = sum(rows for value, rows in by_slice.items() if str(value) >= (newest[0] if newest else ""))
        return Quarantined(name, good + bad, bad)

    def rows(self, name: str, newest: int | None = None, since: date | None = None) -> list[dict[str, Any]]:
        """Rows of a small table: of its newest so many partition values that hold rows, or of those since a day."""
        held = self.table(name)
        if held is None:
            return []
        values: Sequence[str] | None = None
        if held.snapshot.slice_column is not None:
            values = sorted(str(value) for value in held.rows_by_slice if since is None or str(value) >= str(since))
            values = values if newest is None else values[-newest:]
            if not values:
                return []
        parts = [(str(held.snapshot.slice_column), "in", list(values))] if values is not None else None
        return held.snapshot.delta.to_pyarrow_table(partitions=parts).to_pylist()


def _days(values: Mapping[Any, Any]) -> frozenset[date]:
    return frozenset(date.fromisoformat(str(value)) for value in values)
