"""A person is gone from every byte of the lake, and everybody else's rows are what they were."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.erasure import Person
from platform_assets.domain.event_days import DayContent
from platform_assets_tests.conftest import DEMO_KEY
from platform_assets_tests.lakehouse.persons import (
    BOB,
    BOBBY,
    DAYS,
    JIM,
    OTHERS_ROWS,
    RAW,
    Lake,
    Row,
    lake_with_persons,
)
from platform_assets_tests.stores import Store, local_store, moto_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import StagedFile
from resources.lakehouse.erased_persons import erased_marks, remember_erased
from resources.lakehouse.io_manager import read
from resources.lakehouse.publication_history import publication_history
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import SliceNote, SnapshotExpired
from resources.lakehouse.trace_scan import TraceScanner


@pytest.fixture
def engine(tmp_path: Path) -> DuckDBEngine:
    return DuckDBEngine(spill_folder=tmp_path / "spill", threads=1, pseudonym_key=DEMO_KEY)


@dataclass(frozen=True)
class Erased:
    """A lake after Bob was erased, and what was known before and told by it. Only to be read."""

    lake: Lake
    bob: Person
    traces_before: int
    notes_before: dict[str, SliceNote]
    told: dict[str, int]


@pytest.fixture(scope="module", params=["local", "s3"])
def erased(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    folder = tmp_path_factory.mktemp("erased")
    is_local = request.param == "local"
    store = local_store(folder) if is_local else moto_store(request.getfixturevalue("moto_server"), folder)
    lake = lake_with_persons(store, DuckDBEngine(spill_folder=folder / "spill", threads=1, pseudonym_key=DEMO_KEY))
    bob = lake.person(BOB)
    traces, notes = lake.scan(bob).traces, store.lakehouse.slice_notes(RAW.name)
    told = {name: sum(done.rows.values()) for name, done in lake.erase(bob).items()}
    return Erased(lake, bob, len({trace.file for trace in traces}), notes, told)


def told(lake: Lake, table: str = RAW.name) -> list[tuple]:
    return [(row["landing_date"].isoformat(), row["line"], row["customer"], row["page"]) for row in lake.rows(table)]


def noted_event_days(lake: Lake) -> dict[str, Mapping[str, DayContent]]:
    """What was noted last of every landing day's event days."""
    days: dict[str, Mapping[str, DayContent]] = {}
    for notes in publication_history(lake.store.lakehouse, RAW.name):
        days |= notes.event_days
    return days


def test_nothing_of_a_person_is_left(erased: Erased) -> None:
    assert erased.traces_before == 11  # of three tables the live files and those before, and an orphan
    assert erased.told == {"raw_shop_quarantine": 1, "raw_shop": 3, "daily_users": 2}
    scan = erased.lake.scan(erased.bob)
    assert (scan.traces, scan.files > 10, scan.bytes > 10_000) == ([], True, True)
    assert erased.lake.erase(erased.bob) == {}


def test_everybody_else_is_as_before(erased: Erased) -> None:
    lake = erased.lake
    assert told(lake) == [row[:4] for row in OTHERS_ROWS if row[4] is None]
    assert [row["record"] for row in lake.rows("raw_shop_quarantine")] == [
        json.dumps({"customer": BOBBY, "page": "/unreadable"}, separators=(",", ":"))
    ]
    others = {lake.hashed(BOBBY), lake.hashed(JIM)}
    assert [(row["user_id"] in others, row["visits"]) for row in lake.rows("daily_users")] == [(True, 1)] * 4
    for other in (BOBBY, JIM):
        assert lake.scan(lake.person(other)).traces


def test_partition_notes_say_what_is_there_now_and_rows_still_add_up(erased: Erased) -> None:
    after = erased.lake.store.lakehouse.slice_notes(RAW.name)
    assert {day: note[:3] for day, note in after.items()} == {DAYS[0]: (2, 0, 1), DAYS[1]: (0, 1, 3)}
    assert {day: sum(note[:3]) for day, note in after.items()} == {
        day: sum(note[:3]) for day, note in erased.notes_before.items()
    }
    assert after[DAYS[0]].digest != erased.notes_before[DAYS[0]].digest


def test_the_commits_name_the_erasure_and_nobody(erased: Erased) -> None:
    entry = erased.lake.store.lakehouse.snapshot("daily_users").delta.history(1)[0]
    assert (entry["reason"], entry["erasure_id"]) == ("erasure", "erasure-1")
    folder = TableFolder(erased.lake.store.lakehouse, "daily_users")
    log = b"".join(folder.read(file.path) for file in folder.files("_delta_log/"))
    assert BOB.encode() not in log
    assert erased.lake.hashed(BOB).encode() not in log


def test_versions_that_held_the_person_say_that_they_are_gone(erased: Erased) -> None:
    with pytest.raises(SnapshotExpired, match="erasing a person"):
        erased.lake.rows(RAW.name, 0)


def test_the_digest_is_that_of_a_publication_without_the_person(tmp_path: Path, engine: DuckDBEngine) -> None:
    lake = lake_with_persons(local_store(tmp_path), engine)
    lake.erase(lake.person(BOB))
    after = lake.store.lakehouse.slice_notes(RAW.name)
    days = noted_event_days(lake)
    lake.publish_raw(*OTHERS_ROWS)
    again = lake.store.lakehouse.slice_notes(RAW.name)
    assert {day: note.digest for day, note in again.items()} == {day: note.digest for day, note in after.items()}
    assert noted_event_days(lake) == days


def test_files_that_may_belong_to_a_publication_in_progress_are_left_to_it(
    tmp_path: Path, engine: DuckDBEngine
) -> None:
    lake = lake_with_persons(local_store(tmp_path), engine)
    lake.began = datetime(2020, 1, 1, tzinfo=UTC)
    bob = lake.person(BOB)
    lake.erase(bob)
    assert any(trace.file.endswith("#1") for trace in lake.scan(bob).traces)
    assert told(lake) == [row[:4] for row in OTHERS_ROWS if row[4] is None]


class Overtaken(DuckDBEngine):
    """An engine during whose first rewriting of `daily_users` somebody publishes to it."""

    meanwhile: Callable[[], None] | None = None

    def stage(self, expression: ibis.Table, slice_column: str | None, folder: Path) -> list[StagedFile]:
        staged = super().stage(expression, slice_column, folder)
        if self.meanwhile and folder.name.startswith("daily_users"):
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return staged


def test_what_is_published_meanwhile_stays_and_is_searched_as_well(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    overtaken = Overtaken(spill_folder=tmp_path / "o", threads=1, pseudonym_key=DEMO_KEY)
    lake = lake_with_persons(store, overtaken)
    publisher = Lake(store, DuckDBEngine(spill_folder=tmp_path / "p", threads=1, pseudonym_key=DEMO_KEY))
    overtaken.meanwhile = lambda: publisher.publish_daily((DAYS[0], BOB, 5), (DAYS[0], JIM, 6))
    bob = lake.person(BOB)
    lake.erase(bob)
    assert [row["visits"] for row in lake.rows("daily_users")] == [6]
    assert lake.scan(bob).traces == []


ROWS = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.just(0),
        st.sampled_from([BOB, BOB.upper(), BOBBY, JIM, None]),
        st.sampled_from(["/", f"/?u={BOB}", f"/?u={BOBBY}", f"/~{JIM}", None]),
        st.sampled_from([None, None, None, "time_unreadable: at"]),
    ),
    max_size=8,
)


def is_bobs(row: Row) -> bool:
    """Plain account of whose row it is."""
    return (row[2] or "").lower() == BOB or row[3] == f"/?u={BOB}"


@pytest.mark.parametrize("examples", [5, pytest.param(150, marks=pytest.mark.long)])
def test_whatever_rows_there_are_exactly_the_persons_go(
    examples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(rows=ROWS)
    def whatever_rows(rows: list[Row]) -> None:
        folder = tmp_path_factory.mktemp("erasure")
        engine = DuckDBEngine(spill_folder=folder / "spill", threads=1, pseudonym_key=DEMO_KEY)
        only_theirs_go(Lake(local_store(folder), engine), [(row[0], at, *row[2:]) for at, row in enumerate(rows)])

    whatever_rows()


def only_theirs_go(lake: Lake, rows: list[Row]) -> None:
    lake.publish_raw(*rows)
    lake.erase(lake.person(BOB))
    kept = [row for row in rows if not is_bobs(row)]
    assert told(lake) == sorted((row[:4] for row in kept if row[4] is None), key=lambda row: (row[0], row[1]))
    assert lake.scan(lake.person(BOB)).traces == []
    quarantine = "raw_shop_quarantine"
    left = lake.rows(quarantine) if lake.store.lakehouse.exists(quarantine) else []
    assert len(left) == sum(row[4] is not None for row in kept)


@pytest.mark.parametrize(
    ("place", "compression"),
    [("value", "none"), ("value", "zstd"), ("pseudonym", "zstd"), ("dictionary", "zstd"), ("nested", "zstd")],
)
def test_a_planted_trace_in_a_parquet_file_is_found(
    place: str, compression: str, tmp_path: Path, engine: DuckDBEngine
) -> None:
    lake = Lake(local_store(tmp_path), engine)
    bob = lake.person(BOB)
    texts: dict[str, Any] = {
        "value": pa.array(["x" * 50] * 1000 + [f"see {BOB}"] + ["y" * 50] * 1000),
        "pseudonym": pa.array(["x"] * 1000 + [f"u-{lake.hashed(BOB)}-1"]),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array(["x", BOB])),
        "nested": pa.array([{"who": [BOB]}]),
    }
    path = tmp_path / "planted.parquet"
    pq.write_table(pa.table({"note": texts[place]}), path, compression=compression, write_statistics=False)
    assert TraceScanner(bob, tmp_path).in_file(path, None)
    assert not TraceScanner(lake.person("nobody@x.example"), tmp_path).in_file(path, None)


@pytest.mark.parametrize(
    "content",
    [
        f'{{"remove":{{"predicate":"login = \'{BOB}\'"}}}}'.encode(),
        b"\x00\x01" + BOB.upper().encode() + b"\x00",
        b"user=bob%40x.example",
        b"x" * 3_000_000 + f" {BOB} ".encode(),
    ],
    ids=["log", "binary", "encoded", "large"],
)
def test_a_planted_trace_in_any_file_is_found(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "file").write_bytes(content)
    (tmp_path / "lake" / "empty").touch()
    scan = TraceScanner(Person({}, frozenset({BOB})), tmp_path).folder(tmp_path / "lake")
    assert [trace.file for trace in scan.traces] == [str(tmp_path / "lake" / "file")]
    assert (scan.files, scan.bytes) == (2, len(content))
    assert BOB not in str(scan.traces[0])


def test_erasures_are_remembered_by_marks_that_tell_nobody(store: Store, engine: DuckDBEngine) -> None:
    lake = Lake(store, engine)
    for name, login in (("first", BOB), ("second", JIM), ("again", BOB)):
        remember_erased(
            lake.store.lakehouse,
            lake.engine,
            lake.person(login),
            erasure_id=name,
            erased_at=datetime(2026, 3, 1, tzinfo=UTC),
            pseudonym_key_id="key-1",
            staging_folder=lake.store.staging,
        )
    snapshot = lake.store.lakehouse.snapshot("erased_persons")
    marks = erased_marks(read(lake.store.lakehouse, lake.engine, snapshot, None))
    assert {kind: len(own) for kind, own in marks.items()} == {"login": 2}
    assert not {lake.hashed(BOB), lake.hashed(JIM)} & set(marks["login"])
    assert erased_marks(None) == {}
