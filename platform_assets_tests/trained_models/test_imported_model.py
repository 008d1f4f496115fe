"""An imported model in the graph: declared, scored by its own feature code, judged by the gate as any other."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import ibis
import numpy as np
import pandas as pd
import pytest
import skops.io

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.contracts.model_tables import training_set_contract
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.imported_models.declaration import imported_model, is_imported
from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.modelling.time_split import split_by_time
from platform_assets.partitions import daily
from platform_assets.predictions.scores import predictions_assets
from platform_assets.table_asset import contract_of, table_asset
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.trained_models.gate import judge
from platform_assets_tests.model_worlds import TRAINING_DATE, logistic, training_rows
from platform_assets_tests.resources.model_registry.foreign_models import (
    DAY,
    FEATURE_CODE,
    RATES,
    TYPES,
    boosting,
    built,
    day_rows,
    labels,
    table_rows,
    written,
)
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, read
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.imported.imported_code import Hooks
from resources.model_registry.imported.importing import TableRows, prepare_import
from resources.model_registry.imported.opening import code_files, open_model
from resources.model_registry.imported.record import ImportRequest, import_record, import_tags
from resources.model_registry.model_version import ModelVersion
from resources.model_registry.registry import ModelRegistry
from resources.model_registry.resource import ModelRegistryResource

SCORED = day_rows(days=2)
DAYS = daily(DAY, DAY + timedelta(days=1))
FEATURES = Contract(
    "user_features",
    "One row is one user on one day.",
    key=("event_date", "user_id"),
    columns=tuple(Column(name, dtype, name) for name, dtype in TYPES.items()),
)


def declared(name: str, columns: tuple[str, ...]) -> ModelSpec:
    return imported_model(
        name=name,
        description="Who will leave.",
        owner="team:crm",
        features=(FeatureColumns("user_features", columns),),
        label=LabelRule("purchase", horizon_days=7, maturity_days=8),
    )


CHURN = declared("churn", ("visits", "value", "age"))


def registered(
    registry: ModelRegistry, name: str, path: Path, table: TableRows, trained_until: date, code: tuple[Path, ...] = ()
) -> ModelVersion:
    hooks = Hooks(features="features.py:build") if code else Hooks()
    prepared = prepare_import(open_model(path, hooks, code_files(code)), table, where=name)
    request = ImportRequest(name, "Who.", "team:crm", "elsewhere", trained_until, TRAINING_DATE, 1)
    tags = import_tags(request, prepared)
    return registry.register_import(
        import_record(request, prepared, None), tags=tags, comparison="none", as_challenger=True
    )


@pytest.fixture
def model_registry(tmp_path: Path) -> ModelRegistryResource:
    return ModelRegistryResource(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", artifact_root=f"{tmp_path}/artifacts")


def test_an_imported_model_has_the_assets_of_any_other_and_nothing_that_trains_it() -> None:
    assets = trained_models_assets(CHURN, {"user_features": FEATURES}, DAYS)
    executable = {asset.key.to_user_string(): asset.is_executable for asset in assets}
    assert executable == {"churn_training_set": True, "churn_model": False, "churn_champion": True}
    assert [contract_of(asset) is None for asset in assets] == [False, True, False]
    assert is_imported(CHURN)
    with pytest.raises(ConfigurationError, match="isn't trained here"):
        CHURN.estimator(1)


def test_days_are_scored_by_the_feature_code_as_it_came(tmp_path: Path, model_registry: ModelRegistryResource) -> None:
    frame = day_rows()
    model = boosting().fit(built(frame), labels(frame))
    skops.io.dump(model, tmp_path / "model.skops")
    code = (written(tmp_path, "features.py", FEATURE_CODE), written(tmp_path, "rates.py", RATES))
    registry = model_registry.registry
    version = registered(registry, "churn", tmp_path / "model.skops", table_rows(frame), DAY, code)
    registry.promote(version, reason="moved in", decided_by="a person")
    scores = scored(tmp_path, model_registry)
    assert set(scores["model_version"]) == {version.version}
    assert scores.groupby("event_date")["in_sample"].all().tolist() == [True, False]
    for day, rows in SCORED.groupby("event_date"):
        rows = rows.reset_index(drop=True)
        expected = pd.Series(model.predict_proba(built(rows))[:, 1], index=rows["user_id"])
        found = scores[scores["event_date"] == pd.Timestamp(day)].set_index("user_id")["score"]
        np.testing.assert_array_equal(found.sort_index(), expected.sort_index())


def scored(folder: Path, model_registry: ModelRegistryResource) -> pd.DataFrame:
    """Both days, scored in one run of the graph."""

    @table_asset(FEATURES, partitions_def=DAYS)
    def user_features() -> ibis.Table:
        return ibis.memtable(SCORED.astype({"age": "float64"}), schema=FEATURES.schema())

    engine = DuckDBEngine(spill_folder=folder / "spill")
    lakehouse = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging")
    tags = dict(zip(("start", "end"), DAYS.get_partition_keys(), strict=True))
    done = dg.materialize(
        [user_features, *predictions_assets(CHURN, DAYS)],
        resources={"lakehouse": lakehouse, "model_registry": model_registry},
        tags={f"dagster/asset_partition_range_{end}": key for end, key in tags.items()},
    )
    assert done.success
    return read(lakehouse.lakehouse, engine, lakehouse.lakehouse.snapshot("churn_scores"), None).to_pandas()


@pytest.mark.parametrize(("unseen_days", "objections"), [(1, ()), (0, ("seen_days",))])
def test_the_gate_judges_an_import_on_days_that_it_has_not_seen(
    tmp_path: Path, model_registry: ModelRegistryResource, unseen_days: int, objections: tuple[str, ...]
) -> None:
    spec = declared("conversion", ("visits", "carts", "noise"))
    rows = training_rows(spec)
    first_held_out = split_by_time(rows, spec).holdout["feature_date"].min()
    earlier = rows[rows["feature_date"] < first_held_out]
    model = logistic(1).fit(earlier[list(spec.feature_names)], earlier["label"])
    skops.io.dump(model, tmp_path / "model.skops")
    types = {name: ibis.dtype("float64") for name in spec.feature_names}
    sample = ibis.memtable(rows[["user_id", *types]].head(50)).to_pyarrow()
    table = TableRows("user_features", {"user_id": ibis.dtype("string"), **types}, ("user_id",), None, sample)
    seen = first_held_out - timedelta(days=unseen_days)
    challenger = registered(model_registry.registry, "conversion", tmp_path / "model.skops", table, seen)
    features = Contract(
        "user_features",
        "One row is one user on one day.",
        key=("event_date", "user_id"),
        columns=(
            Column("event_date", "date", "The day"),
            Column("user_id", "string", "Who"),
            *(Column(name, "float64", name) for name in spec.feature_names),
        ),
    )
    contract = training_set_contract(spec, {"user_features": features})
    verdict = judge(model_registry.registry, spec, contract, rows, challenger, None)
    assert verdict.objections == objections
    assert verdict.promoted is (not objections)
