"""From events to validated forecasts, through the graph: rows, what the UI says of them, and the picture."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import numpy as np
import pyarrow as pa
import pytest

from platform_assets.definitions import declared_sources, resources_for
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.features.traffic_series import traffic_series_asset
from platform_assets.partitions import daily
from platform_assets.predictions.traffic_decomposition import traffic_decomposition_asset
from platform_assets.table_asset import table_asset
from platform_assets.validation_reports.forecast_validation import forecast_validation_asset, interval_coverage_check
from platform_assets_tests.domain.traffic.made_up import MONDAY, counts
from resources.settings import Settings

DAYS = 31
LAST = MONDAY + timedelta(days=DAYS - 1)
Told = dict[str, dict[str, dict[str, Any]]]
"""What the UI was told: metadata by asset and day."""
CHAIN = ("events", "traffic_series", "traffic_decomposition", "forecast_validation")


def made_up_events() -> pa.Table:
    """Page views of four sites, with an outage of one on the last day and an hour without the collector before."""
    values = counts(4, DAYS, level=12)
    values[1, -1, 9:15] = 0
    values[:, -4, 13] = 0
    site, day, hour = (np.repeat(place, values[np.nonzero(values)].astype(int)) for place in np.nonzero(values))
    times = np.datetime64(MONDAY, "us") + (day * 24 + hour) * np.timedelta64(1, "h")
    size = len(times)
    given = {
        "event_id": pa.array([str(number) for number in range(size)]),
        "event_time": pa.array(times + np.arange(size) % 3600 * np.timedelta64(1, "s")),
        "event_date": pa.array(times.astype("datetime64[D]")),
        "source": pa.repeat("made_up", size),
        "event_type": pa.repeat("page_view", size),
        "domain": pa.array([f"site-{number}.example" for number in site]),
        "is_bot": pa.repeat(False, size),
    }
    schema = EVENTS.schema().to_pyarrow()
    return pa.table({field.name: given.get(field.name, pa.nulls(size, field.type)) for field in schema}).cast(schema)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The chain run over all days at once; what the UI was told, by asset and day."""
    settings = Settings(home=tmp_path_factory.mktemp("traffic"), first_day=MONDAY, last_day=LAST)
    days = daily(MONDAY, LAST)
    resources = resources_for(settings, declared_sources(settings))
    rows = made_up_events()

    @table_asset(EVENTS, partitions_def=days)
    def events() -> Any:
        return resources["engine"].from_arrow("made_up", rows)

    @table_asset(DOMAIN_CATEGORIES)
    def domain_categories() -> Any:
        known = {"map": "m", "precedence": 1, "category": "news", "valid_from": MONDAY, "known_until": MONDAY}
        sites = [known | {"domain": f"site-{number}.example"} for number in (0, 3)]
        return ibis.memtable(pa.Table.from_pylist(sites, schema=DOMAIN_CATEGORIES.schema().to_pyarrow()))

    assets = [
        events,
        domain_categories,
        traffic_series_asset(days),
        traffic_decomposition_asset(days),
        forecast_validation_asset(days),
    ]
    definitions = dg.Definitions(assets=assets, asset_checks=[interval_coverage_check()], resources=resources)
    job = definitions.resolve_implicit_global_asset_job_def()
    tags = {
        "dagster/asset_partition_range_start": MONDAY.isoformat(),
        "dagster/asset_partition_range_end": LAST.isoformat(),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, tags=tags)
    told: Told = {name: {} for name in (*CHAIN, "domain_categories")}
    for event in result.get_asset_materialization_events():
        values = {name: value.value for name, value in event.materialization.metadata.items()}
        told[event.asset_key.path[-1]][str(event.partition)] = values
    (check,) = result.get_asset_check_evaluations()
    told["checks"] = {"interval_coverage": {"passed": check.passed, "description": check.description}}
    return told


def test_every_series_of_every_day_with_enough_history_is_decomposed(told: Told) -> None:
    series = told["traffic_decomposition"][LAST.isoformat()]["series"]
    assert series == 7  # all, four sites, one category, one event type
    assert told["traffic_decomposition"][LAST.isoformat()]["dagster/partition_row_count"] == 7 * 8 * 24
    early = told["traffic_decomposition"][MONDAY.isoformat()]
    assert (early["series"], early["no_rows_because"]) == (0, "1 days of history, at least 14 are needed")


def test_the_outage_and_the_gap_are_told(told: Told) -> None:
    today = told["traffic_decomposition"][LAST.isoformat()]
    (outage,) = today["most_extreme_anomalies"].records
    assert outage.data["series"] == "site:site-1.example"
    assert 9 <= outage.data["first_hour"] <= outage.data["last_hour"] <= 14
    assert today["gap_hours"] == 0
    assert told["traffic_decomposition"][(LAST - timedelta(days=3)).isoformat()]["gap_hours"] == 1


def test_forecasts_are_validated_once_they_and_the_week_before_are_there(told: Told) -> None:
    last = told["forecast_validation"][LAST.isoformat()]
    assert last["series"] == 7
    assert 0.8 < last["coverage"] < 0.99
    assert last["share_better_than_naive"] >= 0.8
    assert told["forecast_validation"][MONDAY.isoformat()]["dagster/partition_row_count"] == 0
    assert told["checks"]["interval_coverage"]["passed"], told["checks"]


def test_the_picture_of_the_newest_day_is_kept_and_shown(told: Told) -> None:
    today = told["traffic_decomposition"][LAST.isoformat()]
    assert today["all_events"].startswith("![all_events of traffic_decomposition](data:image/png")
    folder = Path(today["pictures"])
    assert {file.name for file in folder.iterdir()} == {"all_events.png", "busiest_site.png"}
    assert [day for day, shown in told["traffic_decomposition"].items() if "pictures" in shown] == [LAST.isoformat()]
