"""Broken records, mended in any order and company, end in the tables of files that were right from the beginning."""

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from platform_assets.cli.quarantine.releasing import release_mended_rows
from platform_assets_tests.cli.quarantine_world import DAYS, RAW, QuarantineWorld, record, row

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = DAYS

FILES = {
    (MONDAY, "a"): [record(f"{MONDAY}T23:20:00Z", "first"), record(f"{MONDAY}T23:45:00Z", "before midnight")],
    (TUESDAY, "a"): [record(f"{TUESDAY}T00:10:00Z", "after midnight"), record(f"{TUESDAY}T12:00:00Z", "same")],
    (TUESDAY, "b"): [record(f"{TUESDAY}T12:00:00Z", "same"), record(f"{TUESDAY}T23:50:00Z", "late", cookie="d")],
    (THURSDAY, "a"): [record(f"{TUESDAY}T23:59:00Z", "landed late"), record(f"{THURSDAY}T01:00:00Z", "last")],
}
"""The files as they should have landed; sessions run over midnight, and one record is told twice."""
BROKEN = {
    (MONDAY, "a", 2): "{",
    (TUESDAY, "a", 1): record(f"{TUESDAY}T00:10:00", "no zone"),
    (TUESDAY, "a", 2): "cut o",
    (TUESDAY, "b", 2): '{"time": 1, "time": 2}',
    (THURSDAY, "a", 1): record("noon", "no time"),
}
"""What landed instead, by day, file and line."""


def landed(world: QuarantineWorld, right: Sequence[tuple[str, str, int]]) -> QuarantineWorld:
    """The files with some of the broken records right, and all tables computed."""
    for (day, name), records in FILES.items():
        places = [(day, name, line) for line in range(1, len(records) + 1)]
        lines = [
            text if place in right else BROKEN.get(place, text) for place, text in zip(places, records, strict=True)
        ]
        world.land(day, *lines, name=name)
    world.compute()
    return world


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> QuarantineWorld:
    return landed(QuarantineWorld(tmp_path_factory.mktemp("broken")), [])


@st.composite
def releases(draw: st.DrawFn) -> list[list[tuple[str, str, int]]]:
    """Some of the broken records in some order, cut into releases."""
    order = draw(st.permutations(sorted(BROKEN)))[: draw(st.integers(1, len(BROKEN)))]
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=2)) | {0, len(order)})
    return [order[first:last] for first, last in itertools.pairwise(cuts)]


def is_as_if_right_from_the_beginning(broken: QuarantineWorld, cut: list[list[tuple[str, str, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = broken.copied(Path(folder) / "mended")
        for places in cut:
            rows = [row(f"shop/{day}/{name}", line, FILES[day, name][line - 1]) for day, name, line in places]
            release_mended_rows(world.bench, RAW, world.mended(*rows), dry_run=False, downstream=True)
        right = landed(QuarantineWorld(Path(folder) / "right"), [place for places in cut for place in places])
        for table in (RAW, f"{RAW}_quarantine", "events"):
            assert world.rows(table) == right.rows(table), table
        assert world.accounted() == right.accounted() == sum(map(len, FILES.values()))


@settings(max_examples=1, deadline=None)
@example(cut=[sorted(BROKEN)[:1:-1], sorted(BROKEN)[:2]])
@given(cut=releases())
def test_records_mended_in_any_order_end_as_if_they_had_landed_right(
    broken: QuarantineWorld, cut: list[list[tuple[str, str, int]]]
) -> None:
    is_as_if_right_from_the_beginning(broken, cut)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(cut=releases())
def test_records_mended_in_many_orders_end_as_if_they_had_landed_right(
    broken: QuarantineWorld, cut: list[list[tuple[str, str, int]]]
) -> None:
    is_as_if_right_from_the_beginning(broken, cut)
