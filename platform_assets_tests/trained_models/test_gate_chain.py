"""The gate in the graph: who becomes champion, what is refused and recorded, on a small lakehouse and registry."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg
import ibis
import pandas as pd
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.contracts.model_tables import training_set_contract
from platform_assets.domain.model_policies import PromotionPolicy
from platform_assets.domain.modelling.training import train
from platform_assets.partitions import daily
from platform_assets.table_asset import table_asset
from platform_assets.trained_models.champion import champion_asset, gate_check
from platform_assets.trained_models.model import model_asset
from platform_assets.trained_models.promotion_decisions import promotion_decisions_asset
from platform_assets_tests.model_worlds import small_spec, training_rows
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.model_version import ModelVersion
from resources.model_registry.resource import ModelRegistryResource
from resources.search_workers import SearchWorkers

SPEC = small_spec(promotion=PromotionPolicy(slices=("visits",)))
DATES = [date(2026, 3, day) for day in range(1, 3)]
FIRST, SECOND = DATES
DAYS = daily(DATES[0], DATES[-1])
FEATURES = Contract(
    "user_features",
    "One row is one user on one day.",
    key=("event_date", "user_id"),
    columns=(
        Column("event_date", "date", "The day"),
        Column("user_id", "string", "Who"),
        *(Column(name, "float64", name) for name in SPEC.feature_names),
    ),
)
TRAINING_SET = training_set_contract(SPEC, {"user_features": FEATURES})


def training_sets(rows: dict[date, pd.DataFrame]) -> dg.AssetsDefinition:
    @table_asset(TRAINING_SET, partitions_def=DAYS)
    def given(context: dg.AssetExecutionContext) -> ibis.Table:
        asked = [rows[date.fromisoformat(key)] for key in context.partition_keys]
        return ibis.memtable(
            pd.concat(asked, ignore_index=True)[list(TRAINING_SET.column_names)], schema=TRAINING_SET.schema()
        )

    return given


@dataclass
class Gate:
    """Training sets of some dates, a registry into which tests put models, and the gate's assets."""

    io_manager: DeltaIOManager
    resource: ModelRegistryResource
    instance: dg.DagsterInstance
    rows: dict[date, pd.DataFrame]
    assets: list[dg.AssetsDefinition | dg.AssetChecksDefinition] = field(default_factory=list)

    def trained(self, day: date, *, backwards: bool = False) -> ModelVersion:
        """A challenger as of a date; a bad one has learnt the opposite of what came true."""
        rows = self.rows[day]
        if backwards:
            rows = rows.assign(label=1 - rows["label"])
        return self.resource.registry.register(SPEC, train(rows, SPEC, day), card="# card", picture=b"", tags={})

    def run(self, *assets: str, day: date | None = None, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            self.assets,
            resources={"lakehouse": self.io_manager, "model_registry": self.resource},
            instance=self.instance,
            selection=[*assets] or ["conversion_champion", "promotion_decisions"],
            partition_key=str(day) if day else None,
            raise_on_error=raise_on_error,
        )

    def verdict(self) -> dict[str, object]:
        """The row of the last verdict, after the gate was asked."""
        self.run()
        (row,) = self.io_manager.published_rows("conversion_champion", None).to_pandas().to_dict("records")
        return row

    def check(self) -> dg.AssetCheckEvaluation:
        result = dg.materialize(
            self.assets,
            resources={"lakehouse": self.io_manager, "model_registry": self.resource},
            instance=self.instance,
            selection=dg.AssetSelection.assets("conversion_champion"),
        )
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation

    @property
    def champion(self) -> int | None:
        champion = self.resource.registry.champion(SPEC.name)
        return champion.version if champion else None

    def decisions(self) -> pd.DataFrame:
        rows = self.io_manager.published_rows("promotion_decisions", None).to_pandas()
        return rows.sort_values("decided_at", ignore_index=True)


@pytest.fixture
def gate(tmp_path: Path, empty_mlflow: Path) -> Iterator[Gate]:
    rows = {day: training_rows(SPEC, day, users=100, seed=day.day) for day in DATES}
    engine = DuckDBEngine(spill_folder=tmp_path / "spill")
    io_manager = DeltaIOManager(Lakehouse(str(tmp_path / "lake")), engine, tmp_path / "staging", allow_emptying=False)
    resource = ModelRegistryResource(tracking_uri=f"sqlite:///{empty_mlflow}", artifact_root=str(tmp_path / "files"))
    assets = [
        training_sets(rows),
        model_asset(SPEC, DAYS, SearchWorkers()),
        champion_asset(SPEC, TRAINING_SET),
        promotion_decisions_asset([SPEC]),
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        found = Gate(io_manager, resource, instance, rows, [*assets, gate_check(SPEC)])
        tags = {
            "dagster/asset_partition_range_start": str(DATES[0]),
            "dagster/asset_partition_range_end": str(DATES[-1]),
        }
        dg.materialize(
            found.assets,
            resources={"lakehouse": io_manager, "model_registry": resource},
            instance=instance,
            selection=["conversion_training_set"],
            tags=tags,
        )
        yield found


def test_every_decision_is_a_row_with_its_numbers_and_the_run_that_made_it(gate: Gate) -> None:
    gate.trained(FIRST)
    result = gate.run()
    (row,) = gate.decisions().to_dict("records")
    assert (row["decision"], row["decided_by"], row["version"]) == ("promoted", "gate", 1)
    assert pd.isna(row["champion_before"]) and row["dagster_run_id"] == result.run_id
    assert row["rival"].startswith("the single feature") and row["worst_slice"].startswith("visits")
    assert row["value"] > row["rival_value"] and row["difference_low"] > row["margin"]
    assert pd.Timestamp(row["training_date"]).date() == FIRST
    shown = gate.instance.get_latest_materialization_event(dg.AssetKey("promotion_decisions"))
    assert shown is not None and shown.asset_materialization is not None
    assert "promoted" in str(shown.asset_materialization.metadata["newest_decisions"].value)


def test_a_planted_bad_challenger_is_refused_and_the_champion_stays(gate: Gate) -> None:
    gate.trained(FIRST)
    gate.run()
    gate.trained(SECOND, backwards=True)
    row = gate.verdict()
    assert not row["promoted"] and row["objections"] == "not_better, calibration, slice, knows_nothing"
    assert "the challenger is worse than the champion" in str(row["reason"])
    assert gate.champion == 1
    assert gate.decisions()["decision"].tolist() == ["promoted", "refused"]


def test_asking_again_decides_nothing_anew(gate: Gate) -> None:
    gate.trained(FIRST)
    gate.run()
    gate.trained(SECOND, backwards=True)
    first = gate.verdict()
    assert gate.verdict() == first
    assert len(gate.decisions()) == 2


def test_a_challenger_whose_files_were_changed_is_refused_and_the_check_warns(gate: Gate) -> None:
    gate.trained(FIRST)
    gate.run()
    tampered = gate.trained(SECOND)
    path = Path(tampered.uri.removeprefix("file://")) / "model.skops"
    path.write_bytes(path.read_bytes() + b" ")
    row = gate.verdict()
    assert row["objections"] == "digest" and "registered was" in str(row["reason"])
    assert gate.champion == 1
    check = gate.check()
    assert not check.passed and check.severity is dg.AssetCheckSeverity.WARN
    assert "registered was" in str(check.description)


def test_a_challenger_without_a_signature_is_refused(gate: Gate) -> None:
    version = gate.trained(FIRST)
    described = Path(version.uri.removeprefix("file://")) / "MLmodel"
    lines = described.read_text().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("signature:"))
    end = next(number for number in range(start + 1, len(lines)) if not lines[number].startswith(" "))
    described.write_text("".join(lines[:start] + lines[end:]))
    registered_as_it_is(gate, version)
    row = gate.verdict()
    assert row["objections"] == "signature" and "doesn't name the columns" in str(row["reason"])
    assert gate.champion is None


def test_a_champion_whose_files_were_changed_lets_nobody_pass_unmeasured(gate: Gate) -> None:
    first = gate.trained(FIRST)
    gate.run()
    (Path(first.uri.removeprefix("file://")) / "extra.py").write_text("print('hello')")
    gate.trained(SECOND)
    assert gate.verdict()["objections"] == "digest"
    assert gate.champion == 1


def test_training_judging_and_recording_are_one_run_of_one_day(gate: Gate) -> None:
    assets = ["conversion_training_set", "conversion_model", "conversion_champion", "promotion_decisions"]
    for day in (FIRST, SECOND):
        assert gate.run(*assets, day=day).success
    decisions = gate.decisions()
    assert [day.date() for day in pd.to_datetime(decisions["training_date"])] == [FIRST, SECOND]
    assert decisions["version"].tolist() == [1, 2]
    assert decisions["decision"].tolist()[0] == "promoted"


def registered_as_it_is(gate: Gate, version: ModelVersion) -> None:
    """Give a version the digest that its files have now."""
    from resources.model_registry.model_files import digest_of, read_files

    digest = digest_of(read_files(Path(version.uri.removeprefix("file://"))))
    with gate.resource.registry._connection.reach() as client:
        client.set_model_version_tag(version.name, str(version.version), "digest", digest)


def test_a_promotion_by_hand_and_a_rollback_are_decisions_too(gate: Gate) -> None:
    registry = gate.resource.registry
    gate.trained(FIRST)
    gate.run()
    bad = gate.trained(SECOND, backwards=True)
    gate.run()
    registry.promote(bad, reason="a campaign needs it", decided_by="ops")
    assert gate.champion == 2
    row = gate.verdict()
    assert row["promoted"] and row["reason"] == "a campaign needs it"
    registry.roll_back(SPEC.name, reason="it was wrong", decided_by="ops")
    assert gate.champion == 1
    again = gate.verdict()
    assert again["objections"] == "rolled_back"
    decisions = gate.decisions()
    assert decisions["decision"].tolist() == ["promoted", "refused", "promoted_by_hand", "rolled_back", "refused"]
    assert decisions["version"].tolist() == [1, 2, 2, 1, 2]
    assert decisions["champion_before"].tolist()[1:] == [1, 1, 2, 1]
    assert decisions["decided_by"].tolist() == ["gate", "gate", "ops", "ops", "gate"]


def test_without_the_registry_the_gate_says_so_within_seconds_and_data_assets_go_on(gate: Gate) -> None:
    nowhere = ModelRegistryResource(tracking_uri="http://127.0.0.1:9", artifact_root="unused")
    started = time.monotonic()
    result = dg.materialize(
        gate.assets,
        resources={"lakehouse": gate.io_manager, "model_registry": nowhere},
        instance=gate.instance,
        selection=["conversion_training_set", "conversion_champion", "promotion_decisions"],
        partition_key=str(FIRST),
        raise_on_error=False,
    )
    assert time.monotonic() - started < 30
    assert result.asset_materializations_for_node("conversion_training_set")
    (failure,) = (event for event in result.all_events if event.event_type_value == "STEP_FAILURE")
    assert failure.step_key == "conversion_champion"
    assert "RegistryUnavailable" in str(failure.step_failure_data.error)
    assert "correct PLATFORM_MLFLOW_URI" in str(failure.step_failure_data.error)
    assert gate.champion is None
