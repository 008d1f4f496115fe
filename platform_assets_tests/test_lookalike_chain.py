"""From a seed audience to its expansion: the assets of one lookalike on a small lakehouse and registry."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import dagster as dg
import ibis
import numpy as np
import pandas as pd
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.lookalike import Lookalike, NobodyInSeed
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.partitions import daily
from platform_assets.predictions.lookalike_audience import lookalike_audience_asset
from platform_assets.predictions.scores import predictions_assets
from platform_assets.table_asset import table_asset
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets_tests.domain.identities import user_ids_of
from platform_assets_tests.model_worlds import small_spec
from platform_assets_tests.test_model_chain import FEATURES, Platform, table_of
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

SEED = AudienceLabel("url_audiences", "buyers", horizon_days=7, maturity_days=8)
LOOKALIKE = Lookalike(model=small_spec(name="lookalike", label=SEED), size=40)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 20)
TRAINING_DATE = date(2026, 2, 20)
SCORED = [TRAINING_DATE + timedelta(days=number) for number in range(1, 19)]
USERS = 400
DAYS = daily(FIRST, LAST)
AUDIENCES = Contract(
    "url_audiences",
    "One row is a member on a day.",
    key=("event_date", "audience", "user_id"),
    columns=(
        Column("event_date", "date", "The day"),
        Column("audience", "string", "Which"),
        Column("user_id", "string", "Who"),
        Column("last_event_date", "date", "When last"),
    ),
)


def world() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features that follow a hidden interest, and who bought in the 10 days up to each day; another audience beside."""
    random = np.random.default_rng(4)
    days = pd.date_range(FIRST, LAST).date
    interest = random.gamma(2.0, 0.5, USERS)
    users = np.array([f"u{number:03d}" for number in range(USERS)])
    visits = random.poisson(np.tile(3 * interest, (len(days), 1))).astype(float)
    features = pd.DataFrame(
        {
            "event_date": np.repeat(days, USERS),
            "user_id": np.tile(users, len(days)),
            "visits": visits.ravel(),
            "carts": random.poisson(np.tile(2 * interest, (len(days), 1))).astype(float).ravel(),
            "noise": random.normal(size=visits.size),
        }
    )
    buys = random.random(visits.shape) < 0.02 * interest**2
    members = []
    for number, day in enumerate(days):
        window = buys[max(0, number - 9) : number + 1]
        belongs = window.any(axis=0)
        ago = window[::-1].argmax(axis=0)
        last = [day - timedelta(days=int(each)) for each in ago[belongs]]
        members.append(
            pd.DataFrame({"event_date": day, "audience": "buyers", "user_id": users[belongs], "last_event_date": last})
        )
    readers = pd.DataFrame({"event_date": days, "audience": "readers", "user_id": "u000", "last_event_date": days})
    return features, pd.concat([*members, readers])


def user_ids() -> dg.AssetsDefinition:
    @table_asset(USER_IDS, partitions_def=DAYS)
    def everybody_stays() -> ibis.Table:
        return user_ids_of([(FIRST, "c", "u000")])

    return everybody_stays


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The chain, run once: trained, promoted, scored, the seed expanded for a range of days."""
    folder = tmp_path_factory.mktemp("lookalike")
    features, members = world()
    assets = [table_of(contract, frame, DAYS) for contract, frame in ((FEATURES, features), (AUDIENCES, members))]
    assets += [user_ids(), *trained_models_assets(LOOKALIKE.model, {"user_features": FEATURES}, DAYS)]
    assets += [*predictions_assets(LOOKALIKE.model, DAYS), lookalike_audience_asset(LOOKALIKE, DAYS)]
    engine = DuckDBEngine(spill_folder=folder / "spill")
    io_manager = DeltaIOManager(Lakehouse(str(folder / "lake")), engine, folder / "staging", allow_emptying=False)
    registry = ModelRegistryResource(
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts")
    )
    with dg.DagsterInstance.ephemeral() as instance:
        chain = Platform(io_manager, registry, Pictures(root=str(folder / "pictures")), instance, assets)
        for table in ("user_features", "url_audiences"):
            chain.run(table, FIRST, LAST)
        chain.run("user_ids", FIRST)
        chain.run("lookalike_training_set", TRAINING_DATE)
        chain.run("lookalike_model", TRAINING_DATE)
        chain.run("lookalike_champion")
        chain.run("lookalike_scores", TRAINING_DATE - timedelta(days=10), SCORED[-1])
        chain.run("lookalike_audience", SCORED[0], SCORED[-1])
        yield chain


def members_when_begins(day: date) -> set[str]:
    _, members = world()
    held = members[(members.event_date == day - timedelta(days=1)) & (members.audience == "buyers")]
    return set(held.user_id)


def chosen(platform: Platform, day: date) -> pd.DataFrame:
    rows = platform.rows("lookalike_audience")
    return rows[pd.to_datetime(rows.event_date).dt.date == day].sort_values("rank", ignore_index=True)


def test_a_day_is_expanded_by_the_best_scored_who_were_no_members_when_it_began(platform: Platform) -> None:
    scores = platform.rows("lookalike_scores")
    for day in SCORED:
        outside = scores[
            (pd.to_datetime(scores.event_date).dt.date == day) & ~scores.user_id.isin(members_when_begins(day))
        ]
        best = outside.sort_values(["score", "user_id"], ascending=[False, True]).head(LOOKALIKE.size)
        rows = chosen(platform, day)
        assert rows.user_id.tolist() == best.user_id.tolist()
        assert rows["rank"].tolist() == list(range(1, LOOKALIKE.size + 1))
        assert set(rows.audience) == {"buyers"}


def test_as_many_join_as_was_expected(platform: Platform) -> None:
    _, members = world()
    rows = ibis.memtable(platform.rows("lookalike_audience"))
    found = labelled(
        rows.mutate(event_date=rows.event_date.cast("date")),
        ibis.memtable(members, schema=AUDIENCES.schema()),
        user_ids_of([]),
        SEED,
        entity="user_id",
        day="event_date",
    ).to_pandas()
    found = found.sort_values(["event_date", "rank"])
    realised = found.groupby("event_date").label.cumsum() / found["rank"]
    inside = realised.between(found.expected_precision_low, found.expected_precision_high)
    assert inside.mean() >= 0.9
    at_size = found[found["rank"] == LOOKALIKE.size]
    assert found.label.mean() == pytest.approx(at_size.expected_precision.mean(), abs=0.06)
    assert at_size.expected_precision_high.max() < 1


def test_a_day_alone_gives_the_rows_of_the_range_and_the_same_again(platform: Platform) -> None:
    before = platform.io_manager.lakehouse.slice_notes("lookalike_audience")
    platform.run("lookalike_audience", SCORED[3])
    assert platform.io_manager.lakehouse.slice_notes("lookalike_audience") == before


def test_days_that_the_model_or_its_calibration_has_seen_are_told(platform: Platform) -> None:
    platform.run("lookalike_audience", TRAINING_DATE - timedelta(days=3))
    flags = {day: set(chosen(platform, day).in_sample) for day in (TRAINING_DATE - timedelta(days=3), *SCORED)}
    assert flags[TRAINING_DATE - timedelta(days=3)] == {True}
    assert flags[SCORED[0]] == {False}


def test_the_ui_shows_figures_of_every_day_and_the_picture_of_the_newest(platform: Platform) -> None:
    records = platform.instance.fetch_materializations(dg.AssetKey("lookalike_audience"), limit=100).records
    metadata = {
        record.asset_materialization.partition: record.asset_materialization.metadata
        for record in reversed(records)
        if record.asset_materialization
    }
    shown = metadata[SCORED[-1].isoformat()]
    assert shown["persons_chosen"].value == LOOKALIKE.size
    assert shown["persons_scored"].value == USERS - len(members_when_begins(SCORED[-1]))
    low, value, high, of_all = (
        float(str(shown[f"expected_precision{suffix}"].value)) for suffix in ("_low", "", "_high", "_of_all")
    )
    assert 0 < low < value < high < 1
    assert value > 1.5 * of_all
    assert "data:image/png;base64," in str(shown["expansion"].value)
    assert "expansion" not in metadata[SCORED[0].isoformat()]


def test_which_versions_were_read_is_recorded_also_for_the_training_set(platform: Platform) -> None:
    event = platform.instance.get_latest_materialization_event(dg.AssetKey("lookalike_audience"))
    assert event is not None and event.asset_materialization is not None
    versions = event.asset_materialization.metadata["input_versions"].value
    assert {"lookalike_scores", "url_audiences", "lookalike_training_set"} == set(versions)


def test_a_seed_without_members_is_an_error_and_not_an_audience_of_everybody(platform: Platform) -> None:
    nobody = AudienceLabel("url_audiences", "nobody", horizon_days=7, maturity_days=8)
    asset = lookalike_audience_asset(Lookalike(model=small_spec(name="lookalike", label=nobody), size=5), DAYS)
    others = [each for each in platform.assets if each.key != asset.key]
    changed = replace(platform, assets=[*others, asset])
    with pytest.raises(NobodyInSeed, match="'nobody' has no member when 2026-02-21 begins"):
        changed.run("lookalike_audience", SCORED[0])
