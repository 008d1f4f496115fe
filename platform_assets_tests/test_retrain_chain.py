"""A model that trains itself: decisions by the asset, runs by real ticks of the sensor, on a small lakehouse."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import ibis
import pytest
from dagster._core.test_utils import create_run_for_test

from platform_assets.domain.contracts.model_tables import validation_contract
from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.retraining.evidence import Request
from platform_assets.validation_reports.retrain_requests import RetrainRequests
from platform_assets_tests.model_worlds import small_spec
from platform_assets_tests.self_training import LAG, TRAINABLE, SelfTraining, registry_in, tell_what_has_landed
from platform_assets_tests.test_model_chain import LAST
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import slicing_for
from resources.model_registry.model_version import RegistryUnavailable
from resources.model_registry.resource import ModelRegistryResource

FAILED, STARTED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features, events and persons of the whole world, and an empty registry; nothing was trained."""
    home = tmp_path_factory.mktemp("begun")
    with dg.DagsterInstance.ephemeral() as instance:
        SelfTraining.at(home, instance).begin()
    assert registry_in(home).registry.versions("conversion") == []
    return home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        tell_what_has_landed(instance)
        yield instance


@pytest.fixture
def training(begun: Path, instance: dg.DagsterInstance, tmp_path: Path) -> SelfTraining:
    """A model that was never trained, on a lake and a registry of its own."""
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    return SelfTraining.at(home, instance)


@pytest.fixture(scope="module")
def trained_home(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, once the model was decided on, trained and judged by hand on the first day that allows it."""
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(begun, home)
    with dg.DagsterInstance.ephemeral() as instance:
        tell_what_has_landed(instance)
        training = SelfTraining.at(home, instance)
        training.decide(TRAINABLE)
        training.run("conversion_training_set", "conversion_model", "conversion_champion", first=TRAINABLE)
    return home


@pytest.fixture
def trained(trained_home: Path, instance: dg.DagsterInstance, tmp_path: Path) -> SelfTraining:
    """A model with a champion, on a lake and a registry of its own."""
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    return SelfTraining.at(home, instance)


def test_a_model_trains_and_promotes_itself_in_one_run_on_the_first_day_that_allows_it(training: SelfTraining) -> None:
    assert training.decide(TRAINABLE - timedelta(days=1))["reason"].startswith(f"no: {LAG.history_days - 1} days with")
    assert training.tick() == ([], "no decided training waits for a run")
    assert training.decide(TRAINABLE)["reason"] == "yes: no version is champion"

    (request,), _ = training.tick()
    assert training.obey(request).success

    champion = training.resource.registry.require_champion("conversion")
    assert champion.training_date == TRAINABLE
    assert training.tick() == ([], "no decided training waits for a run")
    again = training.decide(TRAINABLE)
    assert again["retrain"] and training.tick() == ([], "no decided training waits for a run")
    after = training.decide(TRAINABLE + timedelta(days=1))
    assert (after["champion_version"], after["training_date"], after["retrain"]) == (1, None, False)


def test_days_decided_in_one_run_are_those_decided_one_by_one(training: SelfTraining) -> None:
    days = [TRAINABLE + timedelta(days=number) for number in range(-2, 5)]
    for day in days:
        training.decide(day)
    one_by_one = training.decisions()
    training.decide(days[0], days[-1])
    assert training.decisions() == one_by_one
    assert [day for day, row in one_by_one.items() if row["retrain"]] == [TRAINABLE]


def test_a_request_is_the_same_until_its_run_is_there_and_none_is_made_beside_it(training: SelfTraining) -> None:
    training.decide(TRAINABLE)
    (request,), _ = training.tick()
    (same,), _ = training.tick()
    assert request.run_key == same.run_key == f"conversion {TRAINABLE} attempt 1"
    training.in_status(request, STARTED)
    assert training.tick() == ([], f"conversion as of {TRAINABLE}: a run is under way")


def test_a_run_that_somebody_else_started_is_waited_for(training: SelfTraining) -> None:
    training.decide(TRAINABLE)
    create_run_for_test(training.instance, asset_selection=frozenset({dg.AssetKey("conversion_model")}), status=STARTED)
    assert training.tick() == ([], f"conversion as of {TRAINABLE}: a run is under way")


def test_failed_runs_are_tried_again_three_times_and_then_given_up_until_somebody_asks(training: SelfTraining) -> None:
    training.decide(TRAINABLE)
    for attempt in (1, 2, 3):
        (request,), _ = training.tick()
        assert request.run_key == f"conversion {TRAINABLE} attempt {attempt}"
        training.in_status(request, FAILED)
    requests, why = training.tick()
    assert not requests and why.startswith(f"conversion as of {TRAINABLE}: given up after 3 failed runs")
    row = training.decide(TRAINABLE + timedelta(days=1))
    assert f"the training as of {TRAINABLE} was given up after 3 failed runs" in row["reason"]
    assert row["training_date"] is None


def test_a_run_that_died_between_training_and_verdict_is_finished_by_the_next_one(training: SelfTraining) -> None:
    training.decide(TRAINABLE)
    (request,), _ = training.tick()
    training.run("conversion_training_set", "conversion_model", first=TRAINABLE)
    training.in_status(request, FAILED)
    assert training.resource.registry.champion("conversion") is None

    (again,), _ = training.tick()
    assert training.obey(again).success
    assert [each.version for each in training.resource.registry.versions("conversion")] == [1]
    assert training.resource.registry.require_champion("conversion").version == 1


def test_what_was_trained_and_judged_by_hand_is_not_trained_again(trained: SelfTraining) -> None:
    assert trained.tick() == ([], "no decided training waits for a run")


def test_without_the_registry_the_sensor_waits_and_comes_back_and_a_decision_names_the_error(
    training: SelfTraining, instance: dg.DagsterInstance
) -> None:
    training.decide(TRAINABLE)
    down = ModelRegistryResource(tracking_uri="http://127.0.0.1:9", artifact_root="unused")
    cut_off = SelfTraining(training.io_manager, down, instance)
    requests, why = cut_off.tick()
    assert not requests and why.startswith("what is trained is not known now: http://127.0.0.1:9")
    with pytest.raises(RegistryUnavailable, match="start it or correct PLATFORM_MLFLOW_URI"):
        cut_off.decide(TRAINABLE + timedelta(days=1))
    assert len(training.tick()[0]) == 1


def test_who_asks_is_served_once_within_the_cooldown_and_named(trained: SelfTraining) -> None:
    asked, after = TRAINABLE + timedelta(days=2), TRAINABLE + timedelta(days=3)
    manager = trained.io_manager
    requests = RetrainRequests(manager.lakehouse, manager.engine, manager.staging_folder)
    requests.ask("conversion", Request(asked, "ann", "prices changed"), datetime(2026, 3, 1, tzinfo=UTC))
    rows = [trained.decide(TRAINABLE + timedelta(days=1)), trained.decide(asked), trained.decide(after)]
    assert [row["retrain"] for row in rows] == [False, True, False]
    assert rows[1]["reason"] == "yes: ann asked for it: prices changed"
    assert (rows[1]["requested_by"], rows[2]["requested_by"], rows[2]["request_date"]) == ("ann", None, asked)
    assert trained.decide(asked) == rows[1]


def test_another_feature_list_is_trained_after_the_cooldown(trained: SelfTraining) -> None:
    other = small_spec(features=("visits", "carts"), owner="team:others")
    changed = SelfTraining(trained.io_manager, trained.resource, trained.instance, other)
    row = changed.decide(TRAINABLE + timedelta(days=1), TRAINABLE + timedelta(days=7))
    assert [each["retrain"] for each in changed.decisions().values()].count(True) == 2
    assert row["reason"] == "yes: the spec changed since version 1 was trained"
    renamed = SelfTraining(trained.io_manager, trained.resource, trained.instance, small_spec(owner="team:others"))
    assert renamed.decide(TRAINABLE + timedelta(days=7))["code_fired"] is False


def test_violated_days_are_noticed_from_the_validations_of_the_champion(trained: SelfTraining) -> None:
    validated = [LAST - timedelta(days=8 + number) for number in range(6)]
    trained.run("conversion_scores", first=validated[-1], last=LAST)
    trained.run("conversion_validation", first=validated[-1], last=validated[0])
    assert trained.decide(LAST)["metric_value"] == 0

    reached = trained.resource.registry.metrics(trained.resource.registry.require_champion("conversion"))
    strict = small_spec(retraining=RetrainPolicy(metric_fall=0.0001))
    spoil(trained, reached["holdout_auc"] - 0.01)
    row = SelfTraining(trained.io_manager, trained.resource, trained.instance, strict).decide(LAST)
    assert (row["metric_value"], row["metric_fired"], row["retrain"]) == (5, True, False)
    assert row["reason"].startswith("no, noticed: auc was violated on 5 of the last 5 matured days, until 2026-02-25")
    assert row["change_date"] == validated[4] + timedelta(days=strict.label.horizon_days - 1)


def spoil(training: SelfTraining, ceiling: float) -> None:
    """Republish the validations with intervals below `ceiling`."""
    contract = validation_contract(training.spec)
    rows = training.io_manager.published_rows(contract.name, None)
    publish(
        rows.mutate(auc_high=ibis.literal(ceiling)),
        contract,
        slicing_for(contract, None),
        sorted(str(day)[:10] for day in rows.event_date.execute().unique()),
        engine=training.io_manager.engine,
        lakehouse=training.io_manager.lakehouse,
        staging_folder=training.io_manager.staging_folder,
        provenance={},
    )
