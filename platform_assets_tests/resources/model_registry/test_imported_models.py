"""Models from elsewhere: read in every format, their code unchanged and fenced in, refused where they changed."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io

from platform_assets.domain.imported_models.column_pair import Tolerance
from platform_assets.domain.imported_models.signature import TableDoesNotFit
from platform_assets_tests.resources.model_registry.foreign_models import (
    COLUMNS,
    DAY,
    FEATURE_CODE,
    RATES,
    boosting,
    built,
    calibrated,
    day_rows,
    encoding,
    forest,
    labels,
    logistic,
    plain,
    table_rows,
    written,
)
from resources.model_registry.imported.imported_code import CodeTask, Hooks, ImportedCodeFailed, run_code
from resources.model_registry.imported.importing import Prepared, compare_with, prepare_import
from resources.model_registry.imported.opening import ModelFormatUnknown, PickleNotTrusted, code_files, open_model
from resources.model_registry.imported.record import ImportRequest, import_record, import_tags
from resources.model_registry.model_version import ModelTampered, ModelTypeNotTrusted, ModelVersion
from resources.model_registry.registry import ModelRegistry

FRAME = day_rows()
LABELS = labels(FRAME)
TABLE = table_rows(FRAME)
REQUEST = ImportRequest("churn", "Who will leave.", "team:crm", "the former system", DAY, DAY, 3)


def trained(estimator: Callable[[], Any], inputs: Callable[[pd.DataFrame], pd.DataFrame] = plain) -> Any:
    return estimator().fit(inputs(FRAME), LABELS)


def imported(path: Path, **options: Any) -> Prepared:
    opened = open_model(path, Hooks(), {}, **options)
    return prepare_import(opened, TABLE, where="churn")


def with_code(folder: Path, model: Path, function: str = "build") -> Prepared:
    code = [written(folder, "features.py", FEATURE_CODE), written(folder, "rates.py", RATES)]
    opened = open_model(model, Hooks(features=f"features.py:{function}"), code_files(code))
    return prepare_import(opened, TABLE, where="churn")


def saved(folder: Path, model: Any) -> Path:
    skops.io.dump(model, folder / "model.skops")
    return folder / "model.skops"


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose tables exist: making them takes MLflow seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    ModelRegistry(f"sqlite:///{path}", str(path.parent)).champion("nothing")
    return path


@pytest.fixture
def registry(empty_store: Path, tmp_path: Path) -> ModelRegistry:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", str(tmp_path / "artifacts"))


def registered(registry: ModelRegistry, prepared: Prepared, comparison: str = "none") -> ModelVersion:
    return registry.register_import(
        import_record(REQUEST, prepared, None),
        tags=import_tags(REQUEST, prepared),
        comparison=comparison,
        as_challenger=comparison != "different",
    )


@pytest.mark.parametrize("estimator", [logistic, boosting, forest, calibrated])
def test_a_skops_model_gives_the_scores_it_gave_before(tmp_path: Path, estimator: Callable[[], Any]) -> None:
    model = trained(estimator)
    prepared = imported(saved(tmp_path, model))
    before = FRAME[["user_id"]].assign(score=model.predict_proba(plain(FRAME))[:, 1])
    assert prepared.inputs == tuple(COLUMNS)
    assert compare_with(before, prepared, TABLE, Tolerance(rtol=1e-12)).equal


def test_texts_reach_a_model_that_encodes_them(tmp_path: Path) -> None:
    inputs = FRAME[["country", "value"]]
    model = encoding().fit(inputs, LABELS)
    prepared = imported(saved(tmp_path, model))
    np.testing.assert_allclose(prepared.scored.outputs["score"], model.predict_proba(inputs)[:, 1], rtol=1e-12)


def test_a_model_with_several_classes_gives_a_column_for_each(tmp_path: Path) -> None:
    model = logistic().fit(plain(FRAME), np.where(FRAME["value"] > 25, "high", FRAME["country"]))
    assert list(imported(saved(tmp_path, model)).scored.outputs) == [
        "score_de",
        "score_fr",
        "score_high",
        "score_it",
    ]


def test_a_model_of_unknown_types_is_refused_and_they_are_named(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    path = saved(tmp_path, FunctionTransformer(day_rows).fit(plain(FRAME)))
    with pytest.raises(ModelTypeNotTrusted, match=r"foreign_models\.day_rows.*--load"):
        imported(path)


def test_everything_that_does_not_fit_is_told_before_a_row_is_scored(tmp_path: Path) -> None:
    inputs = plain(FRAME).rename(columns={"value": "values", "age": "country"})
    path = saved(tmp_path, boosting().fit(inputs, LABELS))
    with pytest.raises(TableDoesNotFit) as raised:
        imported(path)
    assert "column values is missing (is it value?)" in str(raised.value)
    assert "column country is string, the model takes numbers" in str(raised.value)


def test_a_model_without_names_needs_them_in_number_and_order(tmp_path: Path) -> None:
    model = boosting().fit(plain(FRAME).to_numpy(), LABELS)
    path = saved(tmp_path, model)
    with pytest.raises(TableDoesNotFit, match="takes 3 columns and doesn't name them"):
        imported(path)
    with pytest.raises(TableDoesNotFit, match="takes 3 columns, 2 are named"):
        imported(path, names=["visits", "value"])
    outputs = imported(path, names=COLUMNS).scored.outputs
    np.testing.assert_array_equal(outputs["score"], model.predict_proba(plain(FRAME).to_numpy())[:, 1])


def test_names_that_contradict_the_model_are_told(tmp_path: Path) -> None:
    with pytest.raises(TableDoesNotFit, match="was fitted on visits, value, age; --features names value, visits, age"):
        imported(saved(tmp_path, trained(boosting)), names=["value", "visits", "age"])


def test_a_pickle_is_not_opened_without_trust_and_its_digest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(Trap(tmp_path / "ran"), path)
    with pytest.raises(PickleNotTrusted, match=hashlib.sha256(path.read_bytes()).hexdigest()):
        imported(path)
    assert not (tmp_path / "ran").exists()


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.place,))


def test_a_trusted_pickle_becomes_skops_with_the_same_scores_and_is_not_kept(
    tmp_path: Path, registry: ModelRegistry
) -> None:
    model = trained(forest)
    joblib.dump(model, tmp_path / "model.joblib")
    prepared = imported(tmp_path / "model.joblib", trust_pickle=True)
    version = registered(registry, prepared)
    np.testing.assert_allclose(registry.load(version).score(FRAME), model.predict_proba(plain(FRAME))[:, 1], rtol=1e-14)
    assert any("converted from pickle to skops" in note for note in prepared.notes)
    assert sorted(path.name for path in Path(version.uri.removeprefix("file://")).iterdir()) == [
        "MLmodel",
        "import.json",
        "model.skops",
    ]


def test_a_pickle_of_foreign_classes_is_refused_with_the_way_out(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    joblib.dump(FunctionTransformer(json.dumps), tmp_path / "foreign.joblib")
    with pytest.raises(ModelTypeNotTrusted, match=r"can't be kept without pickle.*json\.dumps.*--load"):
        imported(tmp_path / "foreign.joblib", trust_pickle=True)


def test_feature_code_runs_unchanged_on_the_rows_of_the_table(tmp_path: Path) -> None:
    model = trained(boosting, built)
    prepared = with_code(tmp_path, saved(tmp_path, model))
    before = built(FRAME).assign(user_id=FRAME["user_id"], score=model.predict_proba(built(FRAME))[:, 1])
    found = compare_with(before, prepared, TABLE, Tolerance())
    assert found.equal
    assert [column.name for column in found.columns] == ["value_per_visit", "rate", "place", "score"]
    card = import_record(REQUEST, prepared, found).documents["model_card.md"].decode()
    assert f"Its code ran without network: {prepared.scored.isolation}" in card
    assert "Equal: 120 rows" in card


def test_rows_that_feature_code_shuffles_or_leaves_out_are_known_by_their_key(tmp_path: Path) -> None:
    model = trained(boosting, built)
    prepared = with_code(tmp_path, saved(tmp_path, model), "shuffled")
    before = FRAME[["user_id"]].assign(score=model.predict_proba(built(FRAME))[:, 1])
    found = compare_with(before, prepared, TABLE, Tolerance())
    assert (found.missing_here, found.keys_missing_here) == (1, ("u0119",))
    assert found.columns[-1].differing == 0


@pytest.mark.long
def test_rows_without_key_that_are_not_all_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImportedCodeFailed, match="returned 119 rows for 120 without"):
        with_code(tmp_path, saved(tmp_path, trained(boosting, built)), "nameless")


def test_an_error_of_the_code_is_told_with_its_line(tmp_path: Path) -> None:
    code = written(tmp_path, "features.py", "def build(rows):\n    return rows['nothing']\n")
    opened = open_model(saved(tmp_path, trained(boosting)), Hooks(features="features.py:build"), code_files([code]))
    with pytest.raises(ImportedCodeFailed, match=r"features\.py:2: KeyError: 'nothing'"):
        prepare_import(opened, TABLE, where="churn")


def test_code_has_no_network_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    code = """
import os, socket

def build(rows):
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
        reached = "reached"
    except OSError as error:
        reached = type(error).__name__
    return rows[["user_id"]].assign(reached=reached, secret=os.environ.get("AWS_SECRET_ACCESS_KEY", "none"))
"""
    task = CodeTask(Hooks(features="probe.py:build"), {"probe.py": code.encode()}, key=("user_id",))
    result = run_code(task, TABLE.rows)
    assert result.features is not None
    assert set(result.features["reached"]) == {"PermissionError"}
    assert set(result.features["secret"]) == {"none"}
    assert result.isolation in ("network namespace", "Python sockets refused")


@pytest.mark.long
def test_a_process_that_dies_or_never_ends_is_an_error() -> None:
    dies = {"dies.py": b"import os\ndef build(rows):\n    os._exit(3)\n"}
    with pytest.raises(ImportedCodeFailed, match="ended with code 3"):
        run_code(CodeTask(Hooks(features="dies.py:build"), dies), TABLE.rows)
    waits = {"waits.py": b"import time\ndef build(rows):\n    time.sleep(60)\n"}
    with pytest.raises(ImportedCodeFailed, match="without an end"):
        run_code(CodeTask(Hooks(features="waits.py:build"), waits, timeout_seconds=0.5), TABLE.rows)


LOADER = """
import json

def load(path):
    with open(path) as file:
        return json.load(file)

def predict(model, features):
    return model["weight"] * features["visits"] + model["offset"]
"""


def test_any_file_comes_in_with_a_loader_and_a_predict_function(tmp_path: Path, registry: ModelRegistry) -> None:
    model = written(tmp_path, "weights.json", json.dumps({"weight": 0.01, "offset": 0.2}))
    code = code_files([written(tmp_path, "scoring.py", LOADER)])
    opened = open_model(model, Hooks(load="scoring.py:load", predict="scoring.py:predict"), code, names=["visits"])
    version = registered(registry, prepare_import(opened, TABLE, where="churn"))
    np.testing.assert_array_equal(registry.load(version).score(FRAME), 0.01 * FRAME["visits"] + 0.2)


PICKLED_CLASS = """
import joblib

class Scorer:
    def __init__(self, weight):
        self.weight = weight

    def predict_proba(self, frame):
        chance = 1 / (1 + self.weight * frame[["visits"]].to_numpy())
        return chance.repeat(2, axis=1)

def load(path):
    return joblib.load(path)
"""


def test_a_pickled_class_of_its_own_comes_in_with_its_code(tmp_path: Path, registry: ModelRegistry) -> None:
    code = written(tmp_path, "their_scoring.py", PICKLED_CLASS)
    make = "import joblib, their_scoring; joblib.dump(their_scoring.Scorer(0.5), 'm.joblib')"
    subprocess.run([sys.executable, "-c", make], cwd=tmp_path, check=True)
    opened = open_model(
        tmp_path / "m.joblib", Hooks(load="their_scoring.py:load"), code_files([code]), names=["visits"]
    )
    version = registered(registry, prepare_import(opened, TABLE, where="churn"))
    np.testing.assert_array_equal(registry.load(version).score(FRAME), 1 / (1 + 0.5 * FRAME["visits"]))


def test_a_file_in_no_known_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatUnknown, match=r"\.bin is none of \.skops.*--load"):
        imported(written(tmp_path, "model.bin", "x"))
    with pytest.raises(ModelFormatUnknown, match="no such file"):
        imported(tmp_path / "absent.skops")


@pytest.mark.long
def test_a_folder_that_mlflow_wrote_is_read(tmp_path: Path) -> None:
    import mlflow.sklearn

    model = trained(boosting)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "m",
        serialization_format="skops",
        pip_requirements=[],
        skops_trusted_types=["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"],
    )
    np.testing.assert_array_equal(
        imported(tmp_path / "m").scored.outputs["score"], model.predict_proba(plain(FRAME))[:, 1]
    )


@pytest.mark.long
def test_a_range_of_days_gives_what_its_days_give(tmp_path: Path, registry: ModelRegistry) -> None:
    """The feature code ranks within what it is given: only days by themselves give the same."""
    version = registered(registry, with_code(tmp_path, saved(tmp_path, trained(boosting, built))))
    frame, loaded = day_rows(days=2).sample(frac=1, random_state=1), registry.load(version)
    together = pd.Series(loaded.score(frame), index=frame.index)
    alone = pd.concat([pd.Series(loaded.score(part), index=part.index) for _, part in frame.groupby("event_date")])
    pd.testing.assert_series_equal(together.sort_index(), alone.sort_index())


def test_a_model_without_code_needs_its_inputs_alone(tmp_path: Path, registry: ModelRegistry) -> None:
    loaded = registry.load(registered(registry, imported(saved(tmp_path, trained(boosting)))))
    assert loaded.features == tuple(COLUMNS)
    np.testing.assert_array_equal(loaded.score(plain(FRAME)), loaded.score(FRAME))


@pytest.mark.long
def test_feature_code_is_given_the_day_as_training_sets_name_it(tmp_path: Path, registry: ModelRegistry) -> None:
    loaded = registry.load(registered(registry, with_code(tmp_path, saved(tmp_path, trained(boosting, built)))))
    rows = FRAME.rename(columns={"event_date": "feature_date"}).assign(label=1)
    np.testing.assert_array_equal(loaded.score(rows), loaded.score(FRAME))


def test_files_that_changed_after_the_import_are_refused(tmp_path: Path, registry: ModelRegistry) -> None:
    version = registered(registry, with_code(tmp_path, saved(tmp_path, trained(boosting, built))))
    folder = Path(version.uri.removeprefix("file://"))
    for name in ("code/features.py", "code/rates.py", "model.skops", "import.json"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b"\n")
        with pytest.raises(ModelTampered):
            registry.load(version)
        (folder / name).write_bytes(before)
    registry.load(version)


def test_an_import_is_challenger_with_its_origin_and_never_champion(tmp_path: Path, registry: ModelRegistry) -> None:
    path = saved(tmp_path, trained(boosting))
    version = registered(registry, imported(path))
    tags = registry.tags(version)
    assert registry.challenger("churn") == version
    assert registry.champion("churn") is None
    assert (tags["imported"], tags["runs_code"], tags["comparison"]) == ("true", "no", "none")
    assert list(json.loads(tags["origin_digests"])) == ["model.skops"]
    assert registered(registry, imported(path)) == version


def test_an_import_that_differs_is_kept_and_challenges_only_when_it_is_equal(
    tmp_path: Path, registry: ModelRegistry
) -> None:
    prepared = imported(saved(tmp_path, trained(boosting)))
    version = registered(registry, prepared, "different")
    assert registry.challenger("churn") is None
    assert registered(registry, prepared, "equal") == version
    assert registry.challenger("churn") == version
    assert registry.tags(version)["comparison"] == "equal"
    registered(registry, prepared, "different")
    assert registry.challenger("churn") is None
