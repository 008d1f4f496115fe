"""A platform's home with versions of the model `conversion`, their training sets and decisions, made in a blink."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import ibis
import numpy as np
import pandas as pd

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.model_tables import scores_contract, training_set_contract
from platform_assets.domain.contracts.user_features import USER_FEATURES
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training import train
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets.partitions import daily
from platform_assets.table_asset import table_asset
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets_tests.model_worlds import logistic, small_space
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.registry import ModelRegistry
from resources.settings import Settings

SPEC = replace(CONVERSION, estimator=logistic, search_space=small_space, folds=2)
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 8)
SCORED = date(2026, 3, 9)
YES, NO = Verdict(True, "promoted: first"), Verdict(False, "refused: it is not shown to beat the champion")


def rows_as_of(training_date: date, users: int = 60) -> pd.DataFrame:
    """A training set of `conversion` whose labels follow its first feature."""
    random = np.random.default_rng(training_date.toordinal())
    days = SPEC.feature_days(training_date)
    size = users * len(days)
    frame = pd.DataFrame({name: random.poisson(2.0, size).astype(float) for name in SPEC.feature_names})
    chance = 1 / (1 + np.exp(2.0 - frame[SPEC.feature_names[0]]))
    return frame.assign(
        training_date=training_date,
        feature_date=np.repeat(np.array(days, dtype=object), users),
        user_id=np.tile([f"u{number:03d}" for number in range(users)], len(days)),
        label=(random.random(size) < chance).astype("int8"),
    )


def scores(spec: ModelSpec, version: int) -> pd.DataFrame:
    """Scores of one day by a version."""
    row = {"event_date": SCORED, "user_id": "u000", "score": 0.5, "model_name": f"main.platform.{spec.name}"}
    return pd.DataFrame([{**row, "model_version": version, "trained_until": FIRST, "in_sample": False}])


def make_home(home: Path, store: Path) -> ModelRegistry:
    """Version 1 is champion; version 2, of a later date, was refused. `store` is an empty MLflow store to copy."""
    settings = Settings(home=home)
    place = Path(settings.tracking_uri.removeprefix("sqlite:///"))
    place.parent.mkdir(parents=True)
    place.write_bytes(store.read_bytes())
    registry = ModelRegistry(settings.tracking_uri, settings.model_files_root)
    for day, verdict in ((FIRST, YES), (SECOND, NO)):
        trained = train(rows_as_of(day), SPEC, day)
        version = registry.register(SPEC, trained, card=f"# conversion as of {day}", picture=b"png", tags={})
        registry.record_verdict(version, verdict)
    _publish(
        settings, home, training_set_contract(SPEC, {USER_FEATURES.name: USER_FEATURES}), rows_as_of(SECOND), SECOND
    )
    _publish(settings, home, scores_contract(SPEC), scores(SPEC, 1), SCORED)
    return registry


def _publish(settings: Settings, home: Path, contract: Contract, frame: pd.DataFrame, day: date) -> None:
    @table_asset(contract, partitions_def=daily(FIRST, SCORED))
    def given() -> ibis.Table:
        return ibis.memtable(frame[list(contract.column_names)], schema=contract.schema())

    engine = DuckDBEngine(spill_folder=home / "spill")
    lakehouse = DeltaIOManager(Lakehouse(settings.lake_root), engine, home / "staging", allow_emptying=False)
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([given], resources={"lakehouse": lakehouse}, instance=instance, partition_key=str(day))
