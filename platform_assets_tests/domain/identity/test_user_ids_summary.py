"""What is told beside the rows of `user_ids`: sizes of persons, hubs by kind, and their picture."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest

from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.identity.user_ids_summary import (
    IdentitySizes,
    identity_sizes,
    sizes_picture,
    summary_by_day,
)
from resources.compute.duckdb_engine import DuckDBEngine

LAST = date(2026, 5, 1)


def row(days_ago: int, identifier: str, user_id: str | None, shared_by: int | None = None, seen: int = 0) -> dict:
    """A row of an identifier that was last seen `seen` days before the row's day."""
    day = LAST - timedelta(days=days_ago)
    return {
        "event_date": day,
        "identifier": identifier,
        "kind": {"c": "cookie", "i": "ip", "l": "login"}[identifier[0]],
        "user_id": user_id,
        "is_hub": user_id is None,
        "last_seen_date": day - timedelta(days=seen),
        "shared_by": shared_by,
    }


def table(engine: DuckDBEngine, *rows: dict) -> ibis.Table:
    return engine.computed(ibis.memtable(pa.Table.from_pylist(list(rows), schema=USER_IDS.schema().to_pyarrow())))


def test_persons_are_counted_by_what_is_known_of_them_last(one_engine: DuckDBEngine) -> None:
    rows = table(one_engine, row(0, "c1", "ann"), row(1, "c2", "bob"), row(0, "c2", "ann"), row(0, "c3", "eve"))
    earlier = table(one_engine, row(2, "c3", "ann"), row(60, "l1", "eve"), row(85, "l2", "eve", seen=6))
    assert identity_sizes(rows, earlier, LAST).persons == {2: 2}


def test_hubs_are_counted_by_kind_with_the_most_others_of_28_days(one_engine: DuckDBEngine) -> None:
    rows = table(one_engine, row(0, "c1", None, 5), row(27, "c2", None, 9), row(28, "c3", None, 99), row(3, "i1", None))
    assert identity_sizes(rows, None, LAST) == IdentitySizes({}, {"cookie": (3, 9), "ip": (1, 0)})


def test_a_days_figures_count_what_moved(one_engine: DuckDBEngine) -> None:
    moved = row(0, "c1", "ann") | {"previous_user_id": "bob"}
    figures = summary_by_day(table(one_engine, moved, row(0, "c2", "ann"), row(0, "i1", None, 7), row(1, "i1", "ann")))
    assert figures["2026-05-01"] == {"identifiers": 3, "persons": 1, "moved": 1, "hubs": 1, "largest_hub": 7}
    assert figures["2026-04-30"] == {"identifiers": 1, "persons": 1, "moved": 0, "hubs": 0, "largest_hub": 0}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sizes", [IdentitySizes({}, {}), IdentitySizes({1: 2_000_000, 300: 1}, {"ip": (1, 40_000)})])
def test_the_picture_is_drawn_whatever_there_is_and_always_the_same(sizes: IdentitySizes) -> None:
    png = sizes_picture(sizes, LAST)
    assert png.startswith(b"\x89PNG")
    assert png == sizes_picture(sizes, LAST)
