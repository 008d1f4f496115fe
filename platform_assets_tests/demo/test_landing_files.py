"""The files on disk: same arguments, same bytes; nothing touched without need; nothing left of another world."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import pytest

from platform_assets.demo import SimulationError, simulate
from platform_assets_tests.demo.left_behind import LeftBehind, content

FIRST_DAY = date(2026, 3, 2)
SMALL = {"first_day": FIRST_DAY, "days": 6, "events": 6_000, "seed": 3}


@pytest.mark.parametrize("workers", [1, 3])
def test_same_arguments_leave_the_same_bytes_for_any_number_of_workers(tmp_path: Path, workers: int):
    simulate(tmp_path / "a" / "landing", **SMALL, workers=2)
    simulate(tmp_path / "b" / "landing", **SMALL, workers=workers)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(content(tmp_path / "a" / "landing" / "web_events")) == 12
    assert len(content(tmp_path / "a" / "landing" / "category_maps")) == 3


def test_another_seed_leaves_other_bytes_in_every_file(tmp_path: Path):
    simulate(tmp_path / "a" / "landing", **SMALL)
    simulate(tmp_path / "b" / "landing", **(SMALL | {"seed": 4}))
    one, other = content(tmp_path / "a" / "landing"), content(tmp_path / "b" / "landing")
    assert one.keys() == other.keys()
    assert not [name for name in one if one[name] == other[name]]


def test_simulating_again_touches_no_file(tmp_path: Path):
    first = simulate(tmp_path / "landing", **SMALL)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    again = simulate(tmp_path / "landing", **SMALL)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before
    assert (first.files_written, again.files_written) == (12, 0)


def test_only_the_damaged_file_is_written_again(tmp_path: Path):
    simulate(tmp_path / "landing", **SMALL)
    good = content(tmp_path)
    (tmp_path / "landing/web_events/2026-03-04/part-000.jsonl.gz").write_bytes(b"torn")
    assert simulate(tmp_path / "landing", **SMALL).files_written == 1
    assert content(tmp_path) == good


def test_a_smaller_world_leaves_no_file_of_the_larger_one_and_no_foreign_file_is_removed(tmp_path: Path):
    foreign = tmp_path / "landing/web_events/2026-03-07/by-hand.jsonl"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    simulate(tmp_path / "landing", **SMALL)
    simulate(tmp_path / "landing", **(SMALL | {"days": 4}))
    days = sorted(path.name for path in (tmp_path / "landing/web_events").iterdir())
    assert days == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-07"]
    assert foreign.exists()


def test_a_drift_changes_nothing_that_landed_before_it(tmp_path: Path):
    simulate(tmp_path / "a" / "landing", **SMALL)
    simulate(tmp_path / "b" / "landing", **SMALL, drift_day=3)
    calm, drifting = content(tmp_path / "a" / "landing"), content(tmp_path / "b" / "landing")
    same = {name.split("/")[1] for name in calm if calm[name] == drifting[name]}
    assert {"2026-03-02", "2026-03-03", "2026-03-04"} <= same


def test_a_large_day_lands_in_several_parts(tmp_path: Path):
    summary = simulate(tmp_path / "landing", first_day=FIRST_DAY, days=1, events=260_000)
    assert summary.files == 3
    assert summary.lines > 220_000


def test_the_gzip_header_names_no_time(world: LeftBehind):
    path = next(world.landing_zone.rglob("*.jsonl.gz"))
    assert path.read_bytes()[4:8] == b"\0\0\0\0"
    assert gzip.decompress(path.read_bytes()).endswith(b"\n")


def test_the_truth_may_lie_elsewhere(tmp_path: Path):
    simulate(tmp_path / "landing", **SMALL, truth_folder=tmp_path / "known")
    assert (tmp_path / "known/conversion_probability.parquet").exists()
    assert not (tmp_path / "truth").exists()


def test_progress_is_told_for_every_landing_day_in_order(tmp_path: Path):
    told: list[tuple[date, int]] = []
    summary = simulate(tmp_path / "landing", **SMALL, progress=lambda day, lines: told.append((day, lines)))
    assert [day for day, _ in told] == [FIRST_DAY + timedelta(days=number) for number in range(6)]
    assert sum(lines for _, lines in told) == summary.lines


@pytest.mark.parametrize(
    "wrong",
    [{"days": 0}, {"events": 0}, {"seed": -1}, {"drift_day": 6}, {"drift_day": -1}, {"horizon_days": 0}],
    ids=str,
)
def test_arguments_that_make_no_world_are_refused_before_anything_is_written(tmp_path: Path, wrong: dict):
    with pytest.raises(SimulationError, match="What to do"):
        simulate(tmp_path / "landing", **(SMALL | wrong))
    assert not list(tmp_path.iterdir())
