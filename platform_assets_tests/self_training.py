"""A model that trains itself: its assets, decisions and sensor on a lakehouse, registry and instance of its own."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from dagster._core.test_utils import create_run_for_test

from platform_assets.automation.dead_runs import dead_runs
from platform_assets.automation.retraining import retrain_sensor
from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.label_lag import label_lag
from platform_assets.predictions.scores import predictions_assets
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.trained_models.promotion_decisions import promotion_decisions_asset
from platform_assets.validation_reports.drift import drift_asset
from platform_assets.validation_reports.retrain_decisions import retrain_decisions_asset
from platform_assets.validation_reports.validation import validation_reports_assets
from platform_assets_tests.model_worlds import small_spec
from platform_assets_tests.test_model_chain import DAYS, EVENTS, FEATURES, FIRST, LAST, table_of, user_ids, world
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, read
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures
from resources.run_recovery.executor import recovering_executor

LAG = label_lag(small_spec())
TRAINABLE = FIRST + timedelta(days=LAG.history_days - 1 + small_spec().label.maturity_days)
"""The first landing day on which there is history enough."""
LANDING = "raw_clicks"


@dataclass
class SelfTraining:
    """The assets of one model with its decisions and its sensor; runs are executed here, as the daemon would."""

    io_manager: DeltaIOManager
    resource: ModelRegistryResource
    instance: dg.DagsterInstance
    spec: ModelSpec = field(default_factory=small_spec)
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        features, purchases = world()
        trained = trained_models_assets(self.spec, {"user_features": FEATURES}, DAYS)
        self.definitions = dg.Definitions(
            assets=[
                *(table_of(FEATURES, features), table_of(EVENTS, purchases), user_ids()),
                *(*trained, *predictions_assets(self.spec, DAYS)),
                *(*validation_reports_assets(self.spec, DAYS, [LANDING]), drift_asset(self.spec, DAYS, [LANDING])),
                retrain_decisions_asset([self.spec], DAYS, [LANDING], trained),
                promotion_decisions_asset([self.spec]),
                dg.AssetSpec(LANDING, partitions_def=DAYS),
            ],
            sensors=[dead_runs, retrain_sensor([self.spec], also=[PROMOTION_DECISIONS.name])],
            executor=recovering_executor,
            resources={
                "lakehouse": self.io_manager,
                "model_registry": self.resource,
                "pictures": Pictures(root=str(self.io_manager.staging_folder / "pictures")),
            },
        )

    @classmethod
    def at(cls, home: Path, instance: dg.DagsterInstance, **changes: Any) -> "SelfTraining":
        """Everything below a folder; `changes` replace fields of the spec."""
        engine = DuckDBEngine(spill_folder=home / "spill", threads=1)
        manager = DeltaIOManager(Lakehouse(str(home / "lake")), engine, home / "staging", allow_emptying=False)
        return cls(manager, registry_in(home), instance, small_spec(**changes))

    def begin(self) -> None:
        """The tables that nothing is trained without, over all days."""
        self.run("user_features", "events", "user_ids", first=FIRST, last=LAST)

    def run(self, *assets: str, first: date, last: date | None = None) -> dg.ExecuteInProcessResult:
        """Compute assets over a range of days, or for one."""
        span = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
        return self._execute(
            [dg.AssetKey(asset) for asset in assets], span if last else {"dagster/partition": str(first)}
        )

    def obey(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Execute what the sensor requests."""
        return self._execute(list(request.asset_selection or ()), dict(request.tags))

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        """What the sensor requests, or why it doesn't."""
        sensor = self.definitions.resolve_sensor_def("retrain")
        resources: dict[str, Any] = {"lakehouse": self.io_manager, "model_registry": self.resource}
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, sensor_name="retrain", resources=resources
        ) as context:
            data = sensor.evaluate_tick(context)
        return list(data.run_requests or ()), data.skip_message or ""

    def decide(self, first: date, last: date | None = None) -> dict[str, Any]:
        """Compute decisions; the last one."""
        self.run("retrain_decisions", first=first, last=last)
        return self.decisions()[last or first]

    def decisions(self) -> dict[date, dict[str, Any]]:
        """All decisions by day."""
        snapshot = self.io_manager.lakehouse.snapshot("retrain_decisions")
        rows = read(self.io_manager.lakehouse, self.io_manager.engine, snapshot, None).to_pyarrow().to_pylist()
        return {row["decision_date"]: row for row in rows}

    def in_status(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
        """A run of the request, in a status that was reached elsewhere."""
        create_run_for_test(
            self.instance,
            tags=dict(request.tags),
            asset_selection=frozenset(request.asset_selection or ()),
            status=status,
        )

    def _execute(self, keys: list[dg.AssetKey], tags: dict[str, str]) -> dg.ExecuteInProcessResult:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=self.instance, tags=tags, asset_selection=keys)


def registry_in(folder: Path) -> ModelRegistryResource:
    """A registry below a folder."""
    return ModelRegistryResource(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts")
    )


def tell_what_has_landed(instance: dg.DagsterInstance) -> None:
    """Every day of the world has landed."""
    for landed in pd.date_range(FIRST, LAST).date:
        instance.report_runless_asset_event(dg.AssetMaterialization(LANDING, partition=str(landed)))
