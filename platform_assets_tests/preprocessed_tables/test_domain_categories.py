"""The maps of the simulated world become the planted history; the past is never told otherwise without being asked."""

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.domain.categories.category_map import MapFormat
from platform_assets.preprocessed_tables.domain_categories import MapHistoryRewritten
from platform_assets.preprocessed_tables.map_files import MapFileError, find_map_files, read_map
from platform_assets_tests.domain.category_worlds import declared_map
from platform_assets_tests.stores import S3_CREDENTIALS, new_bucket, s3_client
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST_DAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a simulated world that nobody changes."""
    home = tmp_path_factory.mktemp("maps")
    simulate(home / "landing", first_day=FIRST_DAY, days=6, events=300, seed=3)
    return home


@pytest.fixture
def home(landed: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of its maps."""
    folder = tmp_path / "landing" / "category_maps"
    for file in (landed / "landing" / "category_maps").rglob("*.*"):
        if file.is_file():
            copy = folder / file.relative_to(landed / "landing" / "category_maps")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    yield tmp_path


def materialise(home: Path, *, allow_emptying: bool = False) -> dg.ExecuteInProcessResult:
    settings = Settings(home=home, allow_emptying=allow_emptying)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        only = job.get_subset(asset_selection={dg.AssetKey("domain_categories")})
        return only.execute_in_process(instance=instance)


def history(home: Path) -> list[dict]:
    return Lakehouse(str(home / "lake")).snapshot("domain_categories").delta.to_pyarrow_table().to_pylist()


def deliver(home: Path, day: str, *rows: str) -> None:
    folder = home / "landing" / "category_maps" / "site_topics" / day
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site_topics.csv.gz").write_bytes(gzip.compress("\n".join(["entry,kind,category", *rows, ""]).encode()))


def test_the_simulated_maps_say_what_was_planted(landed: Path, home: Path) -> None:
    assert materialise(home).success
    told = history(home)
    editors = {row["domain"] for row in told if row["map"] == "editors_choice"}
    decided = [row for row in told if row["map"] == "editors_choice" or row["domain"] not in editors]
    found = {(row["domain"], row["category"], row["valid_from"], row["valid_to"]) for row in decided}
    planted = pq.read_table(landed / "truth" / "categories.parquet").to_pylist()
    assert found == {tuple(row.values()) for row in planted}
    assert {row["valid_to"] for row in planted} == {None, date(2026, 1, 8)}
    assert len(editors) == 2


def test_what_is_no_entry_is_quarantined_or_dropped_with_its_reason(home: Path) -> None:
    result = materialise(home)
    (event,) = result.asset_materializations_for_node("domain_categories")
    rejected = event.metadata["rejected_in_run"].value
    assert rejected == {"domain_unreadable": 1, "no_category": 4, "repeated": 2}
    (bad,) = Lakehouse(str(home / "lake")).snapshot("domain_categories_quarantine").delta.to_pyarrow_table().to_pylist()
    assert bad["record"] == "moved to/another address,News"
    assert bad["file"] == "category_maps/site_topics/2026-01-05/site_topics.csv.gz"


def test_a_new_version_ends_what_it_changes_and_leaves_the_past(home: Path) -> None:
    materialise(home)
    before = history(home)
    deliver(home, "2026-01-10", "cooking-corner.example,domain,Gossip")
    materialise(home)
    after = {(row["map"], row["domain"], row["valid_from"]): row for row in history(home)}
    assert {(row["map"], row["domain"], row["valid_from"]) for row in before} < set(after)
    assert after["site_topics", "cooking-corner.example", date(2026, 1, 10)]["category"] == "gossip"
    assert after["site_topics", "cooking-corner.example", date(2026, 1, 5)]["valid_to"] == date(2026, 1, 10)


def test_the_same_files_give_the_same_rows_again(home: Path) -> None:
    materialise(home)
    before = sorted(map(str, history(home)))
    assert materialise(home).success
    assert sorted(map(str, history(home))) == before


def test_a_version_that_was_read_can_not_be_changed_without_being_asked(home: Path) -> None:
    materialise(home)
    before = sorted(map(str, history(home)))
    deliver(home, "2026-01-08", "news-gazette.example,domain,Gossip")
    with pytest.raises(MapHistoryRewritten, match=r"site_topics.*deliver the correction as a new one"):
        materialise(home)
    assert sorted(map(str, history(home))) == before
    assert materialise(home, allow_emptying=True).success
    assert "gossip" in {row["category"] for row in history(home)}


def test_without_maps_the_table_is_there_and_empty(tmp_path: Path) -> None:
    none = tmp_path / "categories.yaml"
    none.write_text("maps: []\n")
    settings = Settings(home=tmp_path, categories_file=none)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        only = job.get_subset(asset_selection={dg.AssetKey("domain_categories")})
        assert only.execute_in_process(instance=instance).success
    assert history(tmp_path) == []


def test_the_simulated_maps_are_the_same_bytes_again_and_leave_nothing_of_another_world(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        found = (tmp_path / "landing" / "category_maps").rglob("*.*")
        return {path: path.read_bytes() for path in found if path.is_file()}

    simulate(tmp_path / "landing", first_day=FIRST_DAY, days=6, events=300, seed=3)
    made = files()
    simulate(tmp_path / "landing", first_day=FIRST_DAY, days=8, events=300, seed=3)
    assert set(files()) != set(made)
    simulate(tmp_path / "landing", first_day=FIRST_DAY, days=6, events=300, seed=3)
    assert files() == made


def test_entries_are_read_as_text_without_those_that_are_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("domain,category,kind\nb.example,01,domain\nc.example,,domain\nd.example/x,5,url\n")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b'domain,kind,category\na.example,domain,"x, y"\n'))
    declared = declared_map(place=f"{tmp_path}/*.csv*", only={"kind": "domain"})
    assert [(row["file"], row["domain"], row["category"]) for row in read_map(declared, "").to_pylist()] == [
        ("a.csv.gz", "a.example", "x, y"),
        ("b.csv", "b.example", "01"),
        ("b.csv", "c.example", ""),
    ]


def test_the_files_of_a_map_may_lie_on_s3(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": moto_server}.items():
        monkeypatch.setenv(name, value)
    bucket, client = new_bucket(moto_server), s3_client(moto_server)
    for day, row in (("2026-02-01", b"b.example,games"), ("2026-01-01", b"a.example,news")):
        body = gzip.compress(b"domain,category\n" + row + b"\n")
        client.put_object(Bucket=bucket, Key=f"landing/maps/{day}/list.csv.gz", Body=body)
    client.put_object(Bucket=bucket, Key="landing/maps/2026-02-01/notes.txt", Body=b"hello")
    declared = declared_map(place="{landing_zone}/maps/{version_date}/*.csv.gz")
    rows = read_map(declared, f"s3://{bucket}/landing").to_pylist()
    assert [(row["file"], row["version_date"], row["domain"]) for row in rows] == [
        ("maps/2026-01-01/list.csv.gz", "2026-01-01", "a.example"),
        ("maps/2026-02-01/list.csv.gz", "2026-02-01", "b.example"),
    ]
    absolute = declared_map(place=f"s3://{bucket}/landing/maps/{{version_date}}/*.csv.gz")
    assert read_map(absolute, "").num_rows == 2


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"domain,label\na.example,news\n", "category"),
        ("a.csv", b"domain,category\na.example,news\nb.example\n", "2 columns"),
        ("a.csv.gz", gzip.compress(b"domain,category\na.example,news\n", mtime=0)[:-9], "can't be read"),
        ("a.csv", b"", "can't be read"),
        ("a.csv", b"domain,category\n\xff\xfe,news\n", "can't be read"),
    ],
)
def test_a_file_that_can_not_be_read_stops_the_run_and_is_named(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MapFileError, match=told) as caught:
        read_map(declared_map(place=f"{tmp_path}/*"), "")
    assert name in str(caught.value)


def test_parquet_needs_its_columns_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"domain": ["a.example"]}), tmp_path / "a.parquet")
    with pytest.raises(MapFileError, match="it has no column category"):
        read_map(declared_map(place=f"{tmp_path}/*.parquet", format=MapFormat.PARQUET), "")


def test_a_map_without_files_and_a_folder_of_no_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match="no file of the map one is there"):
        find_map_files(declared_map(place=f"{tmp_path}/*.csv"), "")
    folder = tmp_path / "2026-02-31"
    folder.mkdir()
    (folder / "a.csv").touch()
    with pytest.raises(MapFileError, match="names no day"):
        find_map_files(declared_map(place=f"{tmp_path}/{{version_date}}/*.csv"), "")
