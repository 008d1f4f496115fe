"""A feature comes into a spec or leaves it: everything is made on as before, and nothing must be migrated."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.training_windows import WarmStart
from platform_assets.predictions.scores import predictions_assets
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets_tests.model_worlds import small_spec
from platform_assets_tests.test_model_chain import (
    DAYS,
    EVENTS,
    FEATURES,
    FIRST,
    LAST,
    SCORED,
    TRAINING_DATE,
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

MOODS = Contract(
    "user_moods",
    "One row is one user on one day.",
    key=("event_date", "user_id"),
    columns=(
        Column("event_date", "date", "The day"),
        Column("user_id", "string", "Who"),
        Column("mood", "float64", "How they feel", nullable=False),
    ),
)


def filled_logistic(seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline([("fill", SimpleImputer()), ("classify", LogisticRegression(random_state=seed))])


TABLES = {each.name: each for each in (FEATURES, MOODS)}
BEFORE = small_spec(features=("visits", "carts", "noise"), estimator=filled_logistic)
AFTER = replace(
    BEFORE, features=(FeatureColumns("user_features", ("visits", "carts")), FeatureColumns("user_moods", ("mood",)))
)
WARM = replace(BEFORE, window=WarmStart(), features=(*BEFORE.features, FeatureColumns("user_moods", ())))


def assets_of(spec: ModelSpec) -> list[dg.AssetsDefinition]:
    features, purchases = world()
    moods = features[features["user_id"] > "u020"].assign(mood=1.0)
    tables = [table_of(FEATURES, features), table_of(MOODS, moods), table_of(EVENTS, purchases), user_ids()]
    return [*tables, *trained_models_assets(spec, TABLES, DAYS), *predictions_assets(spec, DAYS)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Two training dates, one by each spec, and a day scored while the first model is still champion."""
    folder = tmp_path_factory.mktemp("changes")
    engine = DuckDBEngine(spill_folder=folder / "spill")
    io_manager = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging")
    registry = ModelRegistryResource(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts")
    )
    with dg.DagsterInstance.ephemeral() as instance:
        pictures = Pictures(root=str(folder / "pictures"))
        before = Platform(io_manager, registry, pictures, instance, assets_of(BEFORE))
        for table in ("user_features", "user_moods", "events", "user_ids"):
            before.run(table, FIRST, LAST)
        before.run("conversion_training_set", TRAINING_DATE)
        before.run("conversion_model", TRAINING_DATE)
        before.run("conversion_champion")
        before.run("conversion_scores", SCORED)
        after = Platform(io_manager, registry, pictures, instance, assets_of(AFTER))
        after.run("conversion_scores", SCORED + timedelta(days=1))
        after.run("conversion_training_set", LAST)
        after.run("conversion_model", LAST)
        yield after


def test_the_champion_scores_on_with_what_it_was_trained_on(platform: Platform) -> None:
    scores = platform.rows("conversion_scores")
    assert scores.groupby("event_date")["model_version"].unique().map(list).tolist() == [[1], [1]]
    registry = platform.resource.registry
    champion = registry.load(registry.require_champion("conversion"))
    assert champion.features == ("visits", "carts", "noise")
    features, _ = world()
    day = SCORED + timedelta(days=1)
    rows = features[features["event_date"] == day].sort_values("user_id")
    of_the_day = scores[pd.to_datetime(scores["event_date"]).dt.date == day].sort_values("user_id")
    np.testing.assert_array_equal(of_the_day["score"], champion.score(rows))


def test_a_new_training_reads_the_new_features_and_the_missing_ones_are_missing(platform: Platform) -> None:
    registry = platform.resource.registry
    challenger = registry.challenger("conversion")
    assert challenger is not None
    assert registry.load(challenger).features == ("visits", "carts", "mood")
    rows = platform.rows("conversion_training_set")
    rows = rows[pd.to_datetime(rows["training_date"]).dt.date == LAST]
    assert rows["mood"].isna().equals(rows["user_id"] <= "u020")


def test_champion_and_challenger_of_different_features_are_judged_on_the_same_rows(platform: Platform) -> None:
    platform.run("conversion_champion")
    (row,) = platform.rows("conversion_champion").to_dict("records")
    assert (row["champion_version"], row["challenger_version"]) == (1, 2)
    assert row["rows"] > 0


def test_a_warm_start_names_the_champion_that_it_goes_on_from(platform: Platform) -> None:
    """The table that the spec no longer reads columns of is still there, so that nothing of its tables changes."""
    replace(platform, assets=assets_of(WARM)).run("conversion_model", LAST)
    registry = platform.resource.registry
    challenger = registry.challenger("conversion")
    assert challenger is not None and challenger.version == 3
    assert registry.tags(challenger)["input_model.conversion"] == "1"
    event = platform.instance.get_latest_materialization_event(dg.AssetKey("conversion_model"))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.metadata["input_models"].value == {"conversion": 1}
