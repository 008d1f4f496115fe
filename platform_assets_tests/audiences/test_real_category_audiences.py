"""Real visits through the whole graph: every visit is of a category or counted as unknown; panelists are members."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.definitions import build_definitions
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

CONFIG = Path(__file__).parents[1] / "config"
FIRST, LAST, LANDED = "2019-02-27", "2019-08-14", "2019-08-15"
VISITS, UNKNOWN = 49_583, 27_973
"""Of 49,612 records, 29 have an address without a host (a file)."""


@pytest.mark.long
def test_real_visits_become_audiences(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARED_DATA", str(shared_data))
    folder = tmp_path / "landing" / "webtrackr" / LANDED
    folder.mkdir(parents=True)
    shutil.copyfile(shared_data / "webtrackr_visits" / "visits.parquet", folder / "visits.parquet")
    text = (CONFIG / "real_sources.yaml").read_text()
    (tmp_path / "sources.yaml").write_text("sources:\n  - name: webtrackr" + text.split("- name: webtrackr")[1])
    settings = Settings(
        environment="laptop",
        home=tmp_path,
        sources_file=tmp_path / "sources.yaml",
        categories_file=CONFIG / "real_categories.yaml",
        pseudonym_key="a-key-that-only-tests-know",
        first_day=date.fromisoformat(FIRST),
        last_day=date.fromisoformat(LANDED),
    )
    definitions = build_definitions(settings)
    job = definitions.resolve_implicit_global_asset_job_def()

    with dg.DagsterInstance.ephemeral() as instance:

        def run(*assets: str, first: str = FIRST, last: str = LAST) -> dg.ExecuteInProcessResult:
            only = job.get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
            return only.execute_in_process(instance=instance, tags=tags)

        run("raw_webtrackr", first=LANDED, last=LANDED)
        run("domain_categories")
        result = run("events", "identifier_pairs", "user_ids", "category_audiences")

    days = [event.metadata for event in result.asset_materializations_for_node("category_audiences")]
    assert sum(day["visits"].value for day in days if "visits" in day) == VISITS
    assert sum(day["visits_unknown"].value for day in days if "visits" in day) == UNKNOWN
    rows = Lakehouse(settings.lake_root).snapshot("category_audiences").delta.to_pyarrow_table().to_pylist()
    assert {"shopping", "press", "reference"} <= {row["category"] for row in rows}
    assert len({row["user_id"] for row in rows}) <= 10  # five panelists with two devices each
