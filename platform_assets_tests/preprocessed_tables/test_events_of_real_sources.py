"""Real files through the whole graph: rows in = events + quarantined + declared drops, every count pinned."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.definitions import build_definitions
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

SOURCES = Path(__file__).parents[1] / "config" / "real_sources.yaml"

# source, landing days, event days, records received, events, duplicates, quarantined raw records
CASES = [
    ("apache_access", ("2015-05-21", "2015-05-21"), ("2015-05-17", "2015-05-20"), 10_000, 9_999, 0, 1),
    ("webtrackr", ("2019-08-15", "2019-08-15"), ("2019-02-27", "2019-08-14"), 49_612, 49_612, 0, 0),
    ("online_retail", ("2010-12-01", "2011-08-31"), ("2010-12-01", "2011-08-31"), 320_705, 320_705, 0, 0),
]


@pytest.fixture(scope="module")
def platform(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dg.Definitions, dg.DagsterInstance, Lakehouse]]:
    """The platform over the real sources, everything landed and read once."""
    home = tmp_path_factory.mktemp("real")
    land(shared_data / "apache_combined_log" / "access.log.gz", home / "landing" / "apache_access" / "2015-05-21")
    land(shared_data / "webtrackr_visits" / "visits.parquet", home / "landing" / "webtrackr" / "2019-08-15")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SHARED_DATA", str(shared_data))
        settings = Settings(
            environment="laptop",
            home=home,
            sources_file=SOURCES,
            pseudonym_key="a-key-that-only-tests-know",
            first_day=date(2010, 12, 1),
            last_day=date(2019, 8, 31),
        )
        definitions = build_definitions(settings)
        with dg.DagsterInstance.ephemeral() as instance:
            for source, landed, *_ in CASES:
                run(definitions, instance, f"raw_{source}", *landed)
            yield definitions, instance, Lakehouse(settings.lake_root)


def land(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copyfile(file, folder / file.name)


def run(definitions: dg.Definitions, instance: dg.DagsterInstance, asset: str, first: str, last: str) -> None:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = definitions.resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(asset)]
    assert job.get_subset(asset_selection=set(selection)).execute_in_process(instance=instance, tags=tags).success


@pytest.mark.parametrize(("source", "landed", "days", "records", "events", "duplicates", "quarantined"), CASES)
def test_every_record_is_an_event_a_duplicate_or_in_the_quarantine(
    platform: tuple[dg.Definitions, dg.DagsterInstance, Lakehouse],
    source: str,
    landed: tuple[str, str],
    days: tuple[str, str],
    records: int,
    events: int,
    duplicates: int,
    quarantined: int,
) -> None:
    definitions, instance, lakehouse = platform
    run(definitions, instance, "events", *days)
    raw = lakehouse.slice_notes(f"raw_{source}").values()
    told = lakehouse.slice_notes("events")
    of_source = [note for day, note in told.items() if days[0] <= day <= days[1]]
    assert sum(note.rows for note in raw) + sum(note.quarantined for note in raw) == records
    assert sum(note.quarantined for note in raw) == quarantined
    assert sum(note.rows for note in of_source) == events
    assert sum(note.dropped for note in of_source) == duplicates
    assert sum(note.rows + note.quarantined + note.dropped for note in of_source) == records - quarantined
