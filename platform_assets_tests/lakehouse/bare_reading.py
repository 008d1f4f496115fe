"""What a lake holds, read without the platform: by delta-rs and from the log's own files."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

NOT_DATA = ("_change_type", "_commit_version", "_commit_timestamp")


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table's latest version, [] where there is none."""
    if not (lake / table / "_delta_log").exists():
        return []
    return DeltaTable(str(lake / table)).to_pyarrow_table().to_pylist()


def published(folder: Path, table: str, shops: Sequence[str]) -> list[tuple]:
    """Rows of some shops as (shop, visit, spent), from the lake in a folder."""
    found = rows(folder / "lake", table)
    return sorted((row["shop"], row["visit"], row["spent"]) for row in found if row["shop"] in shops)


def quarantined(folder: Path, table: str, shops: Sequence[str]) -> list[tuple]:
    """The same of the rows that the table rejected."""
    records = [json.loads(row["record"]) for row in rows(folder / "lake", f"{table}_quarantine")]
    return sorted((row["shop"], row["visit"], row["spent"]) for row in records if row["shop"] in shops)


def log(lake: Path, table: str) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Versions and their actions."""
    for path in sorted((lake / table / "_delta_log").glob("*.json")):
        yield int(path.stem), [json.loads(line) for line in path.read_text().splitlines()]


def batch_ids(lake: Path, table: str) -> list[str]:
    """The batch of every commit, oldest first."""
    return [
        action["commitInfo"]["batch_id"] for _, found in log(lake, table) for action in found if "commitInfo" in action
    ]


def replayed_feed(lake: Path, table: str) -> Counter[str]:
    """The change feed's net effect from the first version on. Raises AssertionError if a row goes that wasn't there."""
    changes = pa.table(DeltaTable(str(lake / table)).load_cdf(0).read_all()).to_pylist()
    effect: Counter[str] = Counter()
    # Within a version what goes is told apart from what comes; a replaced row may be in both.
    for change in sorted(changes, key=lambda change: (change["_commit_version"], change["_change_type"])):
        row = _key({name: value for name, value in change.items() if name not in NOT_DATA})
        effect[row] += {"insert": 1, "delete": -1}[change["_change_type"]]
        assert effect[row] >= 0, f"{table}: {row} is deleted without having been there"
    return +effect


def feed_is_exact(lake: Path, table: str) -> bool:
    """Whether the change feed's net effect is the table."""
    return replayed_feed(lake, table) == Counter(map(_key, rows(lake, table)))


def _key(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=str)
