"""What is registered comes back unchanged, or not at all."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from platform_assets.domain.modelling.prediction import predict
from platform_assets.domain.modelling.training import TrainedModel, feature_matrix, train
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows
from resources.model_registry.model_files import write_model
from resources.model_registry.model_version import (
    ModelNotFound,
    ModelTampered,
    ModelTypeNotTrusted,
    ModelVersion,
    RegistryUnavailable,
    SignatureMismatch,
)
from resources.model_registry.registry import ModelRegistry

SPEC = small_spec()
ROWS = training_rows(SPEC)
YES, NO = Verdict(True, "promoted: better", numbers={"value": 0.8}), Verdict(False, "refused: worse")

Register = Callable[[date], ModelVersion]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(ROWS, SPEC, TRAINING_DATE)


@pytest.fixture
def registry(empty_mlflow: Path, tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(f"sqlite:///{empty_mlflow}", str(tmp_path / "artifacts"))


@pytest.fixture
def register(registry: ModelRegistry, trained: TrainedModel) -> Register:
    def as_of(training_date: date = TRAINING_DATE) -> ModelVersion:
        from dataclasses import replace

        again = replace(trained, training_date=training_date)
        return registry.register(SPEC, again, card="# card", picture=b"png", tags={"dagster_run_id": "r1"})

    return as_of


def test_a_loaded_model_scores_like_the_trained_one(
    registry: ModelRegistry, register: Register, trained: TrainedModel
) -> None:
    version = register(TRAINING_DATE)
    assert (version.name, version.version) == ("main.platform.conversion", 1)
    assert version.trained_until == trained.trained_until
    scores = registry.load(version).score(ROWS)
    np.testing.assert_array_equal(scores, predict(trained.pipeline, feature_matrix(ROWS, SPEC)))


def test_mlflow_itself_can_load_the_model_by_its_alias(registry: ModelRegistry, register: Register) -> None:
    import mlflow

    version = register(TRAINING_DATE)
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(registry.tracking_uri)
        model = mlflow.pyfunc.load_model("models:/main.platform.conversion@challenger")
    finally:
        mlflow.set_tracking_uri(before)
    outside = model.predict(feature_matrix(ROWS, SPEC))[:, 1]
    np.testing.assert_allclose(outside, registry.load(version).score(ROWS))


def test_registering_the_same_training_again_returns_the_same_version(register: Register) -> None:
    assert register(TRAINING_DATE) == register(TRAINING_DATE)


def test_the_run_and_the_version_name_where_they_come_from(registry: ModelRegistry, register: Register) -> None:
    version = register(TRAINING_DATE)
    assert registry.tags(version)["dagster_run_id"] == "r1"
    assert registry.trained_on("conversion", TRAINING_DATE) == version
    assert registry.trained_on("conversion", TRAINING_DATE + timedelta(days=1)) is None


def test_a_registered_model_is_challenger_and_not_champion(registry: ModelRegistry, register: Register) -> None:
    version = register(TRAINING_DATE)
    assert registry.challenger("conversion") == version
    assert registry.champion("conversion") is None
    with pytest.raises(ModelNotFound, match="no version is champion"):
        registry.require_champion("conversion")


def test_an_older_training_does_not_take_the_challengers_place(registry: ModelRegistry, register: Register) -> None:
    newer = register(TRAINING_DATE)
    register(TRAINING_DATE - timedelta(days=1))
    assert registry.challenger("conversion") == newer


def test_a_promoted_version_is_champion_and_a_refused_one_leaves_it(
    registry: ModelRegistry, register: Register
) -> None:
    first = register(TRAINING_DATE)
    registry.record_verdict(first, YES)
    second = register(TRAINING_DATE + timedelta(days=1))
    registry.record_verdict(second, NO)
    assert registry.champion("conversion") == first
    assert registry.recorded_verdict(second) == NO
    assert registry.recorded_verdict(first) == YES


def test_rolling_back_restores_the_champion_before(registry: ModelRegistry, register: Register) -> None:
    first, second = register(TRAINING_DATE), register(TRAINING_DATE + timedelta(days=1))
    registry.record_verdict(first, YES)
    registry.record_verdict(second, YES)
    registry.roll_back("conversion", reason="scores of nobody", decided_by="ops")
    assert registry.champion("conversion") == first
    assert registry.is_rolled_back(second)
    with pytest.raises(ModelNotFound, match="replaced no other champion"):
        registry.roll_back("conversion", reason="again", decided_by="ops")


@pytest.mark.parametrize("file", ["model.skops", "MLmodel"])
def test_a_changed_file_is_refused(registry: ModelRegistry, register: Register, file: str) -> None:
    version = register(TRAINING_DATE)
    path = folder_of(version) / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelTampered, match="registered was"):
        registry.load(version)


def test_a_file_that_was_added_or_removed_is_refused(registry: ModelRegistry, register: Register) -> None:
    version = register(TRAINING_DATE)
    added = folder_of(version) / "extra.py"
    added.write_text("print('hello')")
    with pytest.raises(ModelTampered):
        registry.load(version)
    added.unlink()
    registry.load(version)
    (folder_of(version) / "requirements.txt").unlink()
    with pytest.raises(ModelTampered):
        registry.load(version)


@pytest.mark.parametrize("candidate", range(3))
def test_every_candidate_of_the_platforms_search_is_of_reviewed_types(tmp_path: Path, candidate: int) -> None:
    from threadpoolctl import threadpool_limits

    from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space

    choices = logistic_or_boosting_space(seed=1)[candidate]
    pipeline = logistic_or_boosting(seed=1).set_params(**{name: values[0] for name, values in choices.items()})
    with threadpool_limits(limits=1):
        pipeline.fit(feature_matrix(ROWS, SPEC), ROWS["label"])
    assert write_model(tmp_path / "model", pipeline, SPEC.feature_names)


def test_a_model_of_types_that_nobody_reviewed_is_not_written(tmp_path: Path) -> None:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    pipeline = Pipeline([("own", FunctionTransformer(unreviewed))])
    with pytest.raises(ModelTypeNotTrusted, match="unreviewed"):
        write_model(tmp_path / "model", pipeline, SPEC.feature_names)


def test_rows_that_break_the_signature_are_refused(registry: ModelRegistry, register: Register) -> None:
    model = registry.load(register(TRAINING_DATE))
    with pytest.raises(SignatureMismatch, match=r"\['visits'\] are missing"):
        model.score(ROWS.drop(columns="visits"))
    with pytest.raises(SignatureMismatch, match="not numbers"):
        model.score(ROWS.assign(visits="many"))
    with pytest.raises(SignatureMismatch, match=r"\['visits'\] hold infinite values"):
        model.score(ROWS.assign(visits=np.inf))


def test_the_order_of_columns_does_not_matter_and_no_rows_give_no_scores(
    registry: ModelRegistry, register: Register
) -> None:
    model = registry.load(register(TRAINING_DATE))
    np.testing.assert_array_equal(model.score(ROWS[ROWS.columns[::-1]]), model.score(ROWS))
    assert len(model.score(ROWS.head(0))) == 0


def test_a_column_of_nothing_but_missing_values_is_a_number_that_is_missing(
    registry: ModelRegistry, register: Register
) -> None:
    takes_anything = DummyClassifier().fit(ROWS[list(SPEC.feature_names)], ROWS["label"])
    model = replace(registry.load(register(TRAINING_DATE)), pipeline=takes_anything)
    assert len(model.score(ROWS.assign(noise=None))) == len(ROWS)


def test_an_unknown_version_is_named(registry: ModelRegistry) -> None:
    with pytest.raises(ModelNotFound, match="no version 7"):
        registry.version("conversion", 7)


def test_a_store_that_does_not_answer_is_told_within_seconds() -> None:
    registry = ModelRegistry("http://user:secret@127.0.0.1:9", "/nowhere")
    started = time.monotonic()
    with pytest.raises(RegistryUnavailable) as caught:
        registry.champion("conversion")
    assert time.monotonic() - started < 15
    assert "secret" not in str(caught.value)


def test_importing_the_resource_imports_neither_mlflow_nor_scikit_learn() -> None:
    code = (
        "import sys; import resources.model_registry.resource; "
        "sys.exit(bool({'mlflow', 'sklearn', 'skops', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_resource_hands_out_one_client(tmp_path: Path) -> None:
    from resources.model_registry.resource import ModelRegistryResource

    resource = ModelRegistryResource(tracking_uri="sqlite:///x.db", artifact_root=str(tmp_path))
    assert resource.registry is resource.registry


def unreviewed(rows: object) -> object:
    return rows


def folder_of(version: ModelVersion) -> Path:
    return Path(version.uri.removeprefix("file://"))
