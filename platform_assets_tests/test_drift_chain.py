"""The drift of a model on a small lakehouse: what is compared, what is found, and what is said where parts are missing.

A day of features is changed by hand: from then on some columns don't look as the model knows them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from platform_assets.predictions.scores import predictions_assets
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.validation_reports.drift import drift_asset, no_drift_check
from platform_assets_tests.test_model_chain import (
    DAYS,
    EVENTS,
    FEATURES,
    FIRST,
    LAST,
    SPEC,
    TRAINING_DATE,
    USERS,
    Platform,
    table_of,
    user_ids,
    world,
)
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

QUIET, UNSCORED, CHANGED, EMPTY = (date(2026, 2, day) for day in (22, 23, 26, 28))
RUN = (QUIET, EMPTY)


def changed_world() -> tuple[pd.DataFrame, pd.DataFrame]:
    """From CHANGED on, visits are three times as many; on UNSCORED, a third of `carts` is missing; EMPTY has nobody."""
    features, purchases = world()
    features.loc[features["event_date"] >= CHANGED, "visits"] *= 3
    broken = (features["event_date"] == UNSCORED) & (features["user_id"] < "u070")
    features.loc[broken, "carts"] = None
    return features[features["event_date"] != EMPTY], purchases


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Trained and promoted on quiet days, then a week of scores and drift."""
    folder = tmp_path_factory.mktemp("drift")
    features, purchases = changed_world()
    assets = [table_of(FEATURES, features), table_of(EVENTS, purchases), user_ids()]
    assets += trained_models_assets(SPEC, {"user_features": FEATURES}, DAYS) + predictions_assets(SPEC, DAYS)
    assets.append(drift_asset(SPEC, DAYS, ["raw_clicks"]))
    engine = DuckDBEngine(spill_folder=folder / "spill")
    io_manager = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging", allow_emptying=True)
    resource = ModelRegistryResource(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts")
    )
    with dg.DagsterInstance.ephemeral() as instance:
        for landed in pd.date_range(FIRST, date(2026, 2, 26)).date:
            instance.report_runless_asset_event(dg.AssetMaterialization("raw_clicks", partition=str(landed)))
        chain = Platform(io_manager, resource, Pictures(root=str(folder / "pictures")), instance, assets)
        for table in ("user_features", "events", "user_ids"):
            chain.run(table, FIRST, LAST)
        chain.run("conversion_drift", date(2026, 2, 1))
        for name in ("training_set", "model"):
            chain.run(f"conversion_{name}", TRAINING_DATE)
        chain.run("conversion_champion")
        chain.run("conversion_scores", QUIET - timedelta(days=7), QUIET)
        chain.run("conversion_scores", UNSCORED + timedelta(days=1), EMPTY - timedelta(days=1))
        chain.run("conversion_drift", *RUN)
        yield chain


def drift(platform: Platform, day: date) -> pd.DataFrame:
    rows = platform.rows("conversion_drift")
    return rows[pd.to_datetime(rows["event_date"]) == pd.Timestamp(day)]


def told(platform: Platform, day: date) -> dict[str, Any]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey("conversion_drift"), asset_partitions=[str(day)])
    event = platform.instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
    assert event is not None
    return {name: value.value for name, value in event.metadata.items()}


def named(rows: pd.DataFrame) -> set[tuple[str, str, str]]:
    return set(rows[["reference", "kind", "subject"]].itertuples(index=False, name=None))


def test_features_scores_labels_and_volume_are_compared_with_training_and_last_week(platform: Platform) -> None:
    rows = drift(platform, QUIET)
    features = {("feature", name) for name in SPEC.feature_names}
    subjects = {*features, ("score", "score"), ("label", "label"), ("volume", "user_features")}
    assert named(rows) == {(each, *subject) for each in ("training", "last_week") for subject in subjects}
    assert (rows["rows"] == USERS).all()
    assert not rows["drifted"].any()
    observed = rows.set_index("kind")["observed_date"].astype(str).to_dict()
    assert observed["label"] == str(QUIET - timedelta(days=SPEC.label.maturity_days + 1))
    assert observed["feature"] == observed["score"] == str(QUIET)


def test_a_reference_holds_days_of_the_same_weekday_of_the_training_set(platform: Platform) -> None:
    rows = drift(platform, QUIET).query("reference == 'training'").set_index("kind")
    sundays = [day for day in SPEC.feature_days(TRAINING_DATE) if day.weekday() == QUIET.weekday()]
    assert rows.loc["feature", "reference_rows"].unique().tolist() == [USERS * len(sundays)]
    assert rows.loc["volume", "reference_rows"] == USERS


def test_a_change_is_found_on_its_day_and_against_last_week_as_well(platform: Platform) -> None:
    found = named(drift(platform, CHANGED).query("drifted"))
    assert {("training", "feature", "visits"), ("last_week", "feature", "visits")} <= found
    assert {("training", "score", "score"), ("last_week", "score", "score")} <= found
    assert {kind for _, kind, _ in found} == {"feature", "score"}
    assert not {subject for _, kind, subject in found if kind == "feature"} - {"visits"}


def test_missing_values_are_found_on_their_day(platform: Platform) -> None:
    rows = drift(platform, UNSCORED).query("drifted")
    assert named(rows) == {("training", "feature", "carts"), ("last_week", "feature", "carts")}
    assert rows["reason"].str.startswith("35.0% are missing instead of 0.0%").all()


def test_a_day_without_rows_has_drifted_by_its_volume_and_the_rest_is_named(platform: Platform) -> None:
    rows = drift(platform, EMPTY)
    assert named(rows) == {("training", "volume", "user_features"), ("last_week", "volume", "user_features")}
    assert rows["drifted"].all()
    assert set(rows["reason"].str.slice(0, 22)) == {"0 rows instead of 200 "}
    missing = told(platform, EMPTY)["not_compared"]
    assert f"scores against training: conversion_scores has no rows of {EMPTY}" in missing
    assert "labels of 2026-02-19 wait for landing day 2026-02-27" in missing


def test_a_day_without_scores_is_told_for_the_champion(platform: Platform) -> None:
    rows = drift(platform, UNSCORED)
    assert "score" not in set(rows["kind"])
    assert set(rows["model_version"]) == {1}
    assert (
        f"scores against last_week: conversion_scores has no rows of {UNSCORED}"
        in (told(platform, UNSCORED)["not_compared"])
    )


def test_without_a_champion_the_day_is_compared_with_last_week_only(platform: Platform) -> None:
    early = drift(platform, date(2026, 2, 1))
    assert set(early["reference"]) == {"last_week"}
    assert early["model_version"].isna().all()
    assert "features against training: no version is champion" in told(platform, date(2026, 2, 1))["not_compared"]


def test_single_days_give_what_the_range_gave(platform: Platform) -> None:
    before = platform.rows("conversion_drift")
    versions = platform.io_manager.lakehouse.snapshot("conversion_drift").version
    for day in (QUIET, CHANGED):
        platform.run("conversion_drift", day)
    order = ["event_date", "reference", "kind", "subject"]
    after = platform.rows("conversion_drift")
    pd.testing.assert_frame_equal(
        after.sort_values(order, ignore_index=True), before.sort_values(order, ignore_index=True)
    )
    assert platform.io_manager.lakehouse.snapshot("conversion_drift").version >= versions


def test_the_versions_of_all_that_was_read_are_recorded(platform: Platform) -> None:
    read = told(platform, QUIET)["input_versions"]
    assert set(read) == {"user_features", "conversion_scores", "conversion_training_set", "events", "user_ids"}
    assert told(platform, QUIET)["input_models"] == {"conversion": 1}


def test_every_day_has_a_report_beside_it_and_the_ui_says_where(platform: Platform) -> None:
    for day in (QUIET, CHANGED, EMPTY):
        page = Path(told(platform, day)["report"]).read_text()
        assert f"Drift of conversion on {day:%A, %d %B %Y}" in page
        assert str(told(platform, day)["verdict"]) in page.replace("&#x27;", "'")
    assert "| feature | visits | training | values have moved" in told(platform, CHANGED)["reasons"]


def test_the_check_names_what_has_drifted_on_the_newest_day(platform: Platform) -> None:
    check = no_drift_check(SPEC)
    result = check(lakehouse=platform.io_manager)
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed and result.severity is dg.AssetCheckSeverity.WARN
    assert f"{EMPTY}: volume user_features against last_week: 0 rows instead of 200" in str(result.description)


def test_a_registry_without_the_model_says_so(platform: Platform) -> None:
    empty = ModelRegistryResource(tracking_uri=platform.resource.tracking_uri, artifact_root="unused", prefix="no.one")
    day = QUIET - timedelta(days=10)
    replace(platform, resource=empty).run("conversion_drift", day)
    assert set(drift(platform, day)["reference"]) == {"last_week"}
