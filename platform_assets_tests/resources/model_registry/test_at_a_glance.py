"""What a look at MLflow's tables tells is what MLflow's client tells; looking makes and changes nothing."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from platform_assets.domain.status.models import Registered
from resources.model_registry.at_a_glance import Standing, _by_client, standings
from resources.model_registry.model_version import RegistryUnavailable

MODELS = ["conversion", "lookalike", "unheard_of"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made by MLflow itself: two versions of one model, one of another, with aliases."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client = MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}")
    experiment = client.create_experiment("any", artifact_location=str(path.parent))
    for model, versions in (("conversion", 2), ("lookalike", 1)):
        name = f"main.platform.{model}"
        client.create_registered_model(name)
        for number in range(1, versions + 1):
            run = client.create_run(experiment).info.run_id
            client.log_metric(run, "holdout_auc", 0.7 + number / 100)
            client.log_metric(run, "holdout_log_loss", float("nan"))
            tags = {"training_date": f"2026-03-0{number}", "trained_until": "2026-02-01", "digest": "d"}
            client.create_model_version(name, source="file:///m", run_id=run, tags=tags)
        client.set_registered_model_alias(name, "challenger", str(versions))
    client.set_registered_model_alias("main.platform.conversion", "champion", "1")
    return path


def test_the_tables_tell_who_is_champion_and_what_training_measured(store: Path) -> None:
    found = standings(f"sqlite:///{store}", MODELS)
    assert found["conversion"].champion == Registered(1, date(2026, 3, 1), {"holdout_auc": 0.71})
    assert found["conversion"].challenger == Registered(2, date(2026, 3, 2), {"holdout_auc": 0.72})
    assert found["lookalike"] == Standing(None, Registered(1, date(2026, 3, 1), {"holdout_auc": 0.71}))
    assert found["unheard_of"] == Standing()


def test_the_client_tells_the_same(store: Path) -> None:
    by_client = _by_client(f"sqlite:///{store}", MODELS, "main.platform")
    for model, standing in standings(f"sqlite:///{store}", MODELS).items():
        for ours, theirs in zip(vars(standing).values(), vars(by_client[model]).values(), strict=True):
            assert (ours and (ours.version, ours.training_date)) == (theirs and (theirs.version, theirs.training_date))
            assert ours is None or ours.metrics["holdout_auc"] == theirs.metrics["holdout_auc"]


def test_a_store_that_does_not_exist_is_no_error_and_is_not_made(tmp_path: Path) -> None:
    assert standings(f"sqlite:///{tmp_path / 'none.db'}", ["conversion"]) == {"conversion": Standing()}
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_broken_or_away_is_named_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RegistryUnavailable, match="not a database"):
        standings(f"sqlite:///{tmp_path / 'mlflow.db'}", ["conversion"])
    with pytest.raises(RegistryUnavailable) as told:
        standings("postgresql+psycopg2://me:secret@127.0.0.1:9/mlflow", ["conversion"])
    assert "secret" not in str(told.value)


def test_a_look_waits_for_no_writer_and_holds_none_up(store: Path) -> None:
    with sqlite3.connect(store) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert standings(f"sqlite:///{store}", ["conversion"])["conversion"].champion is not None
