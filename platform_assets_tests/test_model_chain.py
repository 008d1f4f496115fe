"""From features to validation: the assets of one spec, wired by their factories, on a small lakehouse and registry."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn

from platform_assets.cli.erasure.survey import affected_models, affected_predictions
from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.erasure import Person
from platform_assets.domain.modelling.feature_rows import feature_rows
from platform_assets.domain.modelling.validation import LabelsNotMature
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets.partitions import daily
from platform_assets.predictions.scores import predictions_assets, scores_of_day
from platform_assets.table_asset import table_asset
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.validation_reports.validation import validation_reports_assets
from platform_assets_tests.domain.identities import one_cookie_each
from platform_assets_tests.model_worlds import small_spec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, read
from resources.lakehouse.person_search import PersonSearch
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.model_version import ModelNotFound
from resources.model_registry.provenance import LOCK_FILE
from resources.model_registry.registry import ModelRegistry
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

SPEC = small_spec()
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 5)
TRAINING_DATE = date(2026, 2, 20)
SCORED = date(2026, 2, 22)
USERS = 200
DAYS = daily(FIRST, LAST)
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
EVENTS = Contract(
    "events",
    "One row is one event.",
    key=("event_date", "cookie_id"),
    columns=(
        Column("event_date", "date", "The day"),
        *(Column(name, "string", "Who") for name in ("login_hash", "cookie_id", "device_id")),
        Column("event_type", "string", "What"),
        Column("is_bot", "boolean", "A machine"),
    ),
)


def world() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and purchases that follow one hidden interest a user."""
    random = np.random.default_rng(4)
    days = pd.date_range(FIRST, LAST).date
    interest = np.tile(random.gamma(2.0, 0.5, USERS), len(days))
    keys = pd.DataFrame(
        {"event_date": np.repeat(days, USERS), "user_id": np.tile([f"u{n:03d}" for n in range(USERS)], len(days))}
    )
    visits, carts = random.poisson(3 * interest).astype(float), random.poisson(2 * interest).astype(float)
    features = keys.assign(visits=visits, carts=carts, noise=random.normal(size=len(keys)))
    buys = random.random(len(keys)) < 0.04 * interest**2
    purchases = keys[buys].rename(columns={"user_id": "cookie_id"})
    return features, purchases.assign(login_hash=None, device_id=None, event_type="purchase", is_bot=False)


def table_of(contract: Contract, frame: pd.DataFrame, days: dg.DailyPartitionsDefinition = DAYS) -> dg.AssetsDefinition:
    def rows() -> ibis.Table:
        return ibis.memtable(frame[list(contract.column_names)], schema=contract.schema())

    return table_asset(contract, partitions_def=days)(rows)


def user_ids() -> dg.AssetsDefinition:
    @table_asset(USER_IDS, partitions_def=DAYS)
    def one_each(events: ibis.Table) -> ibis.Table:
        return one_cookie_each(events)

    return one_each


@dataclass
class Platform:
    """The chain's assets on an instance of their own."""

    io_manager: DeltaIOManager
    resource: ModelRegistryResource
    pictures: Pictures
    instance: dg.DagsterInstance
    assets: list[dg.AssetsDefinition] = field(default_factory=list)

    def run(self, asset: str, first: date | None = None, last: date | None = None) -> dg.ExecuteInProcessResult:
        tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
        return dg.materialize(
            self.assets,
            resources={"lakehouse": self.io_manager, "model_registry": self.resource, "pictures": self.pictures},
            instance=self.instance,
            selection=asset,
            partition_key=str(first) if first and not last else None,
            tags=tags if last else {},
        )

    def rows(self, table: str) -> pd.DataFrame:
        snapshot = self.io_manager.lakehouse.snapshot(table)
        return read(self.io_manager.lakehouse, self.io_manager.engine, snapshot, None).to_pandas()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The chain, run once: trained, promoted, a few days scored, one validated."""
    folder = tmp_path_factory.mktemp("chain")
    features, purchases = world()
    assets = [table_of(FEATURES, features), table_of(EVENTS, purchases), user_ids()]
    assets += trained_models_assets(
        SPEC, {"user_features": FEATURES}, DAYS, ui_url="https://dagster.example/"
    ) + predictions_assets(SPEC, DAYS)
    assets += validation_reports_assets(SPEC, DAYS, ["raw_clicks"])
    assets += [dg.AssetsDefinition(specs=[dg.AssetSpec("raw_clicks", partitions_def=DAYS)])]
    engine = DuckDBEngine(spill_folder=folder / "spill")
    io_manager = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging", allow_emptying=False)
    resource = ModelRegistryResource(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts")
    )
    with dg.DagsterInstance.ephemeral() as instance:
        for landed in pd.date_range(FIRST, LAST).date:
            instance.report_runless_asset_event(dg.AssetMaterialization("raw_clicks", partition=str(landed)))
        chain = Platform(io_manager, resource, Pictures(root=str(folder / "pictures")), instance, assets)
        chain.run("user_features", FIRST, LAST)
        chain.run("events", FIRST, LAST)
        chain.run("user_ids", FIRST, LAST)
        chain.run("conversion_training_set", TRAINING_DATE)
        chain.run("conversion_model", TRAINING_DATE)
        chain.run("conversion_champion")
        chain.run("conversion_scores", TRAINING_DATE - timedelta(days=30), SCORED + timedelta(days=8))
        chain.run("conversion_validation", SCORED)
        yield chain


@pytest.fixture
def registry(platform: Platform) -> ModelRegistry:
    return platform.resource.registry


def test_groups_are_the_stage_folders(platform: Platform) -> None:
    groups = {
        asset.key.to_user_string(): group for asset in platform.assets for group in asset.group_names_by_key.values()
    }
    assert {name: group for name, group in groups.items() if name.startswith("conversion")} == {
        "conversion_training_set": "trained_models",
        "conversion_model": "trained_models",
        "conversion_champion": "trained_models",
        "conversion_scores": "predictions",
        "conversion_validation": "validation_reports",
    }


def test_a_planted_interest_makes_a_champion_with_its_reason(platform: Platform, registry: ModelRegistry) -> None:
    (row,) = platform.rows("conversion_champion").to_dict("records")
    assert row["promoted"]
    assert row["reason"].startswith("promoted: the candidate for first champion beats")
    assert registry.require_champion("conversion").version == row["challenger_version"]


def test_the_ui_says_why_the_champion_was_promoted(platform: Platform) -> None:
    event = platform.instance.get_latest_materialization_event(dg.AssetKey("conversion_champion"))
    assert event is not None and event.asset_materialization is not None
    assert str(event.asset_materialization.metadata["reason"].value).startswith("promoted")


def test_the_version_names_run_code_and_delta_versions_it_was_made_from(registry: ModelRegistry) -> None:
    tags = registry.tags(registry.require_champion("conversion"))
    tables = ("conversion_training_set", "events", "user_features", "user_ids")
    assert {f"delta_version.{table}" for table in tables} <= set(tags)
    assert (tags["dagster_asset"], tags["dagster_partition"]) == ("conversion_model", str(TRAINING_DATE))
    assert tags["dagster_run_url"] == f"https://dagster.example/runs/{tags['dagster_run_id']}"
    assert tags["spec_fingerprint"] == SPEC.training_fingerprint
    assert tags["code_version"].endswith(f"-{SPEC.training_fingerprint}")
    assert tags["lock_file"] == hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
    assert tags["code_revision"].startswith(tags["mlflow.source.git.commit"])
    assert tags["package.scikit-learn"] == sklearn.__version__
    assert {"input_schemas", "seed", "python", "package.numpy"} <= set(tags)


def test_the_ui_shows_picture_card_and_figures_of_the_model(platform: Platform) -> None:
    event = platform.instance.get_latest_materialization_event(dg.AssetKey("conversion_model"))
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert "data:image/png;base64," in str(metadata["picture"].value)
    low, auc, high = (float(str(metadata[name].value)) for name in ("auc_low", "auc", "auc_high"))
    assert low < auc < high


def test_training_again_on_the_same_rows_registers_nothing_new(platform: Platform, registry: ModelRegistry) -> None:
    before = registry.challenger("conversion")
    platform.run("conversion_model", TRAINING_DATE)
    assert registry.challenger("conversion") == before


def test_asking_for_the_verdict_again_keeps_it(platform: Platform) -> None:
    before = platform.rows("conversion_champion")["reason"].tolist()
    platform.run("conversion_champion")
    assert platform.rows("conversion_champion")["reason"].tolist() == before


def test_scores_carry_the_version_and_tell_the_days_it_has_seen(platform: Platform, registry: ModelRegistry) -> None:
    scores = platform.rows("conversion_scores")
    champion = registry.require_champion("conversion")
    assert scores.groupby("event_date").size().eq(USERS).all()
    assert set(scores["model_version"]) == {champion.version}
    seen = pd.to_datetime(scores["event_date"]) <= pd.Timestamp(champion.trained_until)
    assert scores["in_sample"].equals(seen)
    assert 0 < seen.sum() < len(seen)


def test_a_day_is_scored_in_parts_that_together_are_all_of_it(platform: Platform, registry: ModelRegistry) -> None:
    lakehouse = platform.io_manager
    rows = feature_rows({"user_features": lakehouse.published_rows("user_features", [str(SCORED)])}, SPEC)
    champion = registry.load(registry.require_champion("conversion"))
    parts = list(scores_of_day(rows, SCORED, SPEC, champion, rows_at_once=USERS // 3))
    assert [len(part) for part in parts] == [66, 66, 66, 2]
    whole = pa.concat_tables(parts).to_pandas()
    assert whole["user_id"].is_monotonic_increasing
    published = platform.rows("conversion_scores").query("event_date == @pd.Timestamp(@SCORED)").sort_values("user_id")
    np.testing.assert_allclose(whole["score"], published["score"], rtol=1e-12)


def test_validation_finds_that_scores_of_later_days_came_true(platform: Platform) -> None:
    (row,) = platform.rows("conversion_validation").to_dict("records")
    assert pd.Timestamp(row["event_date"]).date() == SCORED
    assert pd.Timestamp(row["mature_at"]).date() == SCORED + timedelta(days=8)
    assert not row["in_sample"]
    assert 0.6 < row["auc_low"] < row["auc"]


def test_the_validation_says_what_was_expected_and_shows_it(platform: Platform, registry: ModelRegistry) -> None:
    (row,) = platform.rows("conversion_validation").to_dict("records")
    reached = registry.metrics(registry.require_champion("conversion"))
    assert row["expected_auc"] == reached["holdout_auc"]
    event = platform.instance.get_latest_materialization_event(dg.AssetKey("conversion_validation"))
    assert event is not None and event.asset_materialization is not None
    assert "data:image/png;base64," in str(event.asset_materialization.metadata["validation"].value)


def test_a_day_whose_labels_can_still_change_is_not_validated(platform: Platform) -> None:
    with pytest.raises(LabelsNotMature, match="complete until 2026-03-05"):
        platform.run("conversion_validation", LAST - timedelta(days=7))


def test_without_a_champion_nothing_is_scored(platform: Platform, tmp_path: Path) -> None:
    empty = ModelRegistryResource(tracking_uri=platform.resource.tracking_uri, artifact_root="unused", prefix="no.one")
    with pytest.raises(ModelNotFound, match=r"no\.one\.conversion.*no version is champion"):
        replace(platform, resource=empty).run("conversion_scores", SCORED)


def search_for(platform: Platform, folder: Path, user: str) -> PersonSearch:
    person = Person({"login": frozenset({user})})
    return PersonSearch(platform.io_manager.lakehouse, platform.io_manager.engine, person, {}, folder / "scratch")


def test_before_an_erasure_it_is_told_which_models_learnt_from_the_person(
    platform: Platform, registry: ModelRegistry, tmp_path: Path
) -> None:
    (model,) = affected_models(search_for(platform, tmp_path, "u001"), SPEC, registry)
    assert (model.model, model.version, model.certain) == (registry.registered_name(SPEC.name), 1, True)
    assert model.training_date == TRAINING_DATE.isoformat()
    scored = platform.rows("conversion_scores")
    assert model.scored_days == tuple(sorted(str(day)[:10] for day in scored["event_date"].unique()))
    assert affected_models(search_for(platform, tmp_path, "nobody-at-all"), SPEC, registry) == []


def test_before_an_erasure_it_is_told_which_predictions_were_made_of_the_persons_rows(
    platform: Platform, tmp_path: Path
) -> None:
    held = search_for(platform, tmp_path, "u001").in_table("conversion_scores")
    told = affected_predictions(held, platform.io_manager.lakehouse)
    theirs = platform.rows("conversion_scores").query("user_id == 'u001'")
    assert [each.day for each in told] == sorted(str(day)[:10] for day in theirs["event_date"])
    assert {(each.version, each.rows, each.live) for each in told} == {(1, 1, True)}


def data_version(platform: Platform, day: date) -> str:
    wanted = dg.AssetRecordsFilter(dg.AssetKey("conversion_scores"), asset_partitions=[str(day)])
    event = platform.instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
    assert event is not None and event.tags is not None
    return event.tags["dagster/data_version"]


def test_a_day_scored_again_by_the_same_champion_alone_is_the_same_bit_by_bit(platform: Platform) -> None:
    before, rows = data_version(platform, SCORED), platform.rows("conversion_scores")
    platform.run("conversion_scores", SCORED)
    assert data_version(platform, SCORED) == before
    key = ["event_date", "user_id"]
    pd.testing.assert_frame_equal(
        platform.rows("conversion_scores").sort_values(key, ignore_index=True), rows.sort_values(key, ignore_index=True)
    )


def test_after_another_version_scored_a_day_both_are_judged_side_by_side(
    platform: Platform, registry: ModelRegistry
) -> None:
    day = SCORED + timedelta(days=1)
    platform.run("conversion_validation", day)
    platform.run("conversion_training_set", TRAINING_DATE + timedelta(days=1))
    platform.run("conversion_model", TRAINING_DATE + timedelta(days=1))
    successor = registry.challenger("conversion")
    assert successor is not None
    registry.record_verdict(successor, Verdict(True, "promoted: for this test"))
    before = platform.io_manager.lakehouse.snapshot("conversion_scores").version
    platform.run("conversion_scores", day)
    assert set(platform.rows("conversion_scores").query("event_date == @pd.Timestamp(@day)")["model_version"]) == {2}
    lakehouse, engine = platform.io_manager.lakehouse, platform.io_manager.engine
    earlier = read(lakehouse, engine, lakehouse.snapshot("conversion_scores", before), [str(day)]).to_pandas()
    assert set(earlier["model_version"]) == {1}, "what was served stays in the history"
    platform.run("conversion_validation", day)
    rows = (
        platform.rows("conversion_validation").query("event_date == @pd.Timestamp(@day)").sort_values("model_version")
    )
    assert rows[["model_version", "is_current"]].to_numpy().tolist() == [[1, False], [successor.version, True]]
    assert rows["auc"].notna().all()
