"""The sensor `retrain` over 20 models with 1,000 days of decisions: how long a tick takes, quiet and with work."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import dagster as dg
import ibis
import pyarrow as pa
from dagster._core.test_utils import create_run_for_test

from benchmarks.report import Section
from platform_assets.automation.retrain_runs import DECISION_TAG, decision_name
from platform_assets.automation.retraining import NAME, retrain_sensor
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decide import decide
from platform_assets.domain.retraining.decision import TRIGGERS
from platform_assets.domain.retraining.evidence import Evidence, KnownVersion, ObservedDay
from platform_assets.domain.retraining.label_lag import label_lag
from platform_assets.trained_models.conversion import CONVERSION
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.resource import ModelRegistryResource

MODELS, DAYS, DAYS_SINCE_CHECKPOINT, EARLIER_RUNS, TICKS = 20, 1_000, 30, 1_000, 9
FIRST_DAY = date(2026, 1, 1)
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
REQUIRED_MS = 200


def measure(scratch: Path) -> Section:
    """Publish the decisions, then tick: nothing to do, one training to ask for, all of them, and all under way."""
    folder = scratch / NAME
    shutil.rmtree(folder, ignore_errors=True)
    specs = [replace(CONVERSION, name=f"model_{number:02}") for number in range(MODELS)]
    engine = DuckDBEngine(spill_folder=folder / "spill", threads=1)
    manager = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging")
    registry = ModelRegistryResource(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder))
    names = [spec.name for spec in specs]
    _publish(manager, names, FIRST_DAY, DAYS - DAYS_SINCE_CHECKPOINT)
    for number in range(DAYS - DAYS_SINCE_CHECKPOINT, DAYS):
        _publish(manager, names, FIRST_DAY + timedelta(days=number), 1)
    (folder / "dagster").mkdir()
    figures: dict[str, tuple[float, float]] = {}
    with dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance:
        _earlier_runs(instance, names)
        tick = _ticker(instance, specs, manager, registry)
        for told, waiting in (("nothing waits", []), ("one training waits", names[:1]), ("all 20 wait", names)):
            _publish(manager, names, LAST_DAY, 1, waiting)
            figures[told] = _timed(tick, len(waiting))
        for name in names:
            _run(instance, name, LAST_DAY, dg.DagsterRunStatus.STARTED)
        figures["all 20 are under way"] = _timed(tick, 0)
    shutil.rmtree(folder)
    return Section(
        title="A tick of the sensor retrain",
        command="python -m benchmarks retrain_tick",
        method=f"{MODELS} models, {DAYS:,} days of decisions in {DAYS_SINCE_CHECKPOINT + 1} commits, {EARLIER_RUNS:,} "
        f"earlier runs, Dagster and MLflow on sqlite; median of {TICKS} ticks after one that isn't counted. At most "
        f"{REQUIRED_MS} ms are wanted.",
        header=("state", "ms a tick", "CPU ms a tick"),
        rows=[(told, f"{wall * 1e3:.0f}", f"{cpu * 1e3:.0f}") for told, (wall, cpu) in figures.items()],
        notes=[f"One decision takes {_decision_seconds(specs[0]) * 1e6:.0f} µs without what is read for it."],
        figures={told: {"seconds": wall, "cpu_seconds": cpu} for told, (wall, cpu) in figures.items()},
    )


def _ticker(
    instance: dg.DagsterInstance,
    specs: Sequence[ModelSpec],
    manager: DeltaIOManager,
    registry: ModelRegistryResource,
) -> Callable[[], int]:
    keys = [dg.AssetSpec(spec.table(suffix)) for spec in specs for suffix in ("training_set", "model", "champion")]
    sensor = retrain_sensor(specs)
    definitions = dg.Definitions(assets=keys)
    resources = {"lakehouse": manager, "model_registry": registry}

    def tick() -> int:
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, sensor_name=NAME, resources=resources
        ) as context:
            return len(sensor(context).run_requests or ())

    return tick


def _timed(tick: Callable[[], int], expected: int) -> tuple[float, float]:
    walls, cpus = [], []
    for _ in range(TICKS + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        requests = tick()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if requests != expected:
            raise AssertionError(f"{requests} requests, expected {expected}")
    return median(walls[1:]), median(cpus[1:])


def _publish(manager: DeltaIOManager, models: list[str], first: date, days: int, waiting: Sequence[str] = ()) -> None:
    dates = [first + timedelta(days=number) for number in range(days)]
    rows = [
        {
            "decision_date": day,
            "model_name": model,
            "retrain": model in waiting,
            "reason": "yes: no version is champion" if model in waiting else "no: nothing calls for it",
            "training_date": day if model in waiting else None,
            **{f"{trigger}_fired": False for trigger in TRIGGERS},
        }
        for day in dates
        for model in models
    ]
    schema = RETRAIN_DECISIONS.schema()
    publish(
        ibis.memtable(pa.Table.from_pylist(rows, schema.to_pyarrow()), schema=schema),
        RETRAIN_DECISIONS,
        Slicing("decision_date"),
        [str(day) for day in dates],
        engine=manager.engine,
        lakehouse=manager.lakehouse,
        staging_folder=manager.staging_folder,
        provenance={},
    )


def _earlier_runs(instance: dg.DagsterInstance, models: Sequence[str]) -> None:
    for number in range(EARLIER_RUNS):
        day = FIRST_DAY + timedelta(days=number % DAYS // 2)
        _run(instance, models[number % len(models)], day, dg.DagsterRunStatus.SUCCESS)


def _run(instance: dg.DagsterInstance, model: str, day: date, status: dg.DagsterRunStatus) -> None:
    tags = {DECISION_TAG: decision_name(model, day), "dagster/partition": str(day)}
    create_run_for_test(instance, tags=tags, asset_selection=frozenset({dg.AssetKey(f"{model}_model")}), status=status)


def _decision_seconds(spec: ModelSpec) -> float:
    """What one decision takes, with days of a champion behind it."""
    champion, lag = KnownVersion(1, FIRST_DAY, "spec", "code"), label_lag(spec)
    days = [ObservedDay(each, each, False) for each in (FIRST_DAY + timedelta(days=number) for number in range(1, 28))]
    evidence = Evidence(
        decision_date=LAST_DAY,
        landed_until=LAST_DAY,
        first_feature_date=FIRST_DAY,
        declared_by="spec",
        made_by="code",
        challenger=champion,
        champion=champion,
        settled_until=FIRST_DAY,
        matured=days,
        drifted=days,
    )
    begun = time.process_time()
    for _ in range(1_000):
        decide(evidence, spec, lag)
    return (time.process_time() - begun) / 1_000
