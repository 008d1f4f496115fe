"""A day's files land below a live `dagster dev`, and nobody does anything: in a while its scores are there."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from platform_assets.automation.conditions import in_service_checks
from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets_tests.run_recovery.dagster_dev import ROOT, DagsterDev
from resources.model_registry.registry import ModelRegistry
from resources.settings import Settings

FIRST, DAYS = date(2026, 1, 5), 5
"""The last day is scored from the day before it, whose files land while everything is running."""
KEYS = [str(FIRST + timedelta(days=number)) for number in range(DAYS)]
PATIENCE_SECONDS = 1_200
LONG_AGO = 1_767_225_600


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster")
    for name, value in {
        "DAGSTER_HOME": tmp_path / "dagster",
        "PLATFORM_HOME": tmp_path,
        "PLATFORM_FIRST_DAY": KEYS[0],
        "PLATFORM_LAST_DAY": KEYS[-1],
        "PYTHONPATH": ROOT,
        "PYTHONWARNINGS": "ignore",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


def put_into_service(registry: ModelRegistry, instance: dg.DagsterInstance) -> None:
    """A champion of `conversion`, learnt from noise; the gate says that it is there."""
    from platform_assets.domain.modelling.training import train

    spec = CONVERSION
    days, persons, random = spec.feature_days(FIRST), 60, np.random.default_rng(1)
    size = len(days) * persons
    keys = {
        "training_date": FIRST,
        "feature_date": np.repeat(np.array(days, dtype=object), persons),
        "user_id": np.tile([f"u{number}" for number in range(persons)], len(days)),
        "label": random.integers(0, 2, size).astype("int8"),
    }
    features = {name: random.normal(size=size) for name in spec.feature_names}
    version = registry.register(spec, train(pd.DataFrame(keys | features), spec, FIRST), card="", picture=b"png")
    registry.promote(version, reason="for this test", decided_by="test")
    _, by_hand = in_service_checks(spec.name)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(check_name=by_hand.name, asset_key=by_hand.asset_key, passed=True, metadata={})
    )


@pytest.mark.long
def test_files_land_and_a_while_later_the_scores_are_there(home: Path, instance: dg.DagsterInstance) -> None:
    settings = Settings()
    landing, kept = Path(settings.landing_root), home / "kept"
    simulate(landing, first_day=FIRST, days=DAYS - 1, events=3_000, seed=3)
    late = [folder for folder in landing.rglob(KEYS[-2]) if folder.is_dir()]
    for number, folder in enumerate(late):
        kept.mkdir(exist_ok=True)
        shutil.move(folder, kept / str(number))
    definitions = build_definitions(settings)
    put_into_service(definitions.resources["model_registry"].registry, instance)  # type: ignore[index]
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("domain_categories")])
    span = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-3]}
    history = (
        *("raw_web_events", "events", "identifier_pairs", "user_ids", "user_id_merges", "user_features"),
        *("category_audiences", "url_audiences", "traffic_series", "traffic_decomposition", "forecast_validation"),
    )
    job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(name) for name in history], tags=span)

    live = DagsterDev(home, "platform_assets.definitions")
    try:
        for number, folder in enumerate(late):
            shutil.move(kept / str(number), folder)
            for file in folder.rglob("*"):
                os.utime(file, (LONG_AGO, LONG_AGO))
        began, scores = time.monotonic(), dg.AssetKey(CONVERSION.table("scores"))
        while KEYS[-1] not in instance.get_materialized_partitions(scores):
            assert time.monotonic() - began < PATIENCE_SECONDS, (home / "dev.log").read_text()[-4_000:]
            time.sleep(2)
        print(f"{time.monotonic() - began:.0f} s from files to scores")
    finally:
        live.kill()
    failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert [run.asset_selection for run in failed] == []
    tries = instance.fetch_planned_materializations(dg.AssetKey("user_features"), limit=50).records
    assert sorted(record.partition_key for record in tries) == KEYS
