"""ONNX graphs: one matrix or one input a column, and what float32 can and can't keep."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from platform_assets.domain.imported_models.column_pair import Tolerance
from platform_assets.domain.imported_models.signature import TableDoesNotFit
from platform_assets_tests.resources.model_registry.foreign_models import (
    COLUMNS,
    DAY,
    boosting,
    day_rows,
    forest,
    labels,
    plain,
    scaled,
    table_rows,
)
from resources.model_registry.imported.imported_code import Hooks
from resources.model_registry.imported.importing import Prepared, compare_with, prepare_import
from resources.model_registry.imported.onnx_model import OnnxGraphNotUnderstood
from resources.model_registry.imported.opening import open_model
from resources.model_registry.imported.record import ImportRequest, import_record
from resources.model_registry.registry import ModelRegistry

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FRAME = day_rows().assign(age=lambda rows: rows["age"].fillna(40))
TABLE = table_rows(FRAME)


def imported(path: Path, **options: Any) -> Prepared:
    return prepare_import(open_model(path, Hooks(), {}, **options), TABLE, where="churn")


def converted(folder: Path, model: Any, *, double: bool = False, zipmap: bool = False) -> Path:
    skl2onnx = pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if double else FloatTensorType
    options = {id(model): {"zipmap": zipmap}}
    graph = skl2onnx.to_onnx(model, initial_types=[("X", kind([None, len(COLUMNS)]))], options=options)
    path = folder / "model.onnx"
    path.write_bytes(graph.SerializeToString())
    return path


def by_column(folder: Path, **types: int) -> Path:
    """A graph that adds up inputs of one column each, as double."""
    helper, double = onnx.helper, onnx.TensorProto.DOUBLE
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in types.items()]
    casts = [helper.make_node("Cast", [name], [f"{name}_d"], to=double) for name in types]
    total = helper.make_node("Sum", [f"{name}_d" for name in types], ["total"])
    output = helper.make_tensor_value_info("total", double, [None, 1])
    graph = helper.make_graph([*casts, total], "sum", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def before(model: Any) -> pd.DataFrame:
    return FRAME[["user_id"]].assign(score=model.predict_proba(plain(FRAME))[:, 1])


def test_a_double_graph_keeps_the_scores_to_nine_digits(tmp_path: Path) -> None:
    model = scaled().fit(plain(FRAME), labels(FRAME))
    prepared = imported(converted(tmp_path, model, double=True), names=COLUMNS)
    assert prepared.opened.precision == "float64"
    assert compare_with(before(model), prepared, TABLE, Tolerance()).equal


@pytest.mark.parametrize("estimator", [scaled, pytest.param(forest, marks=pytest.mark.long)])
def test_a_float_graph_differs_at_nine_digits_and_the_report_says_why(tmp_path: Path, estimator: Any) -> None:
    model = estimator().fit(plain(FRAME), labels(FRAME))
    prepared = imported(converted(tmp_path, model), names=COLUMNS)
    found = compare_with(before(model), prepared, TABLE, Tolerance())
    assert not found.equal
    assert any("computes in float32" in note for note in prepared.notes)
    assert compare_with(before(model), prepared, TABLE, Tolerance(rtol=1e-5)).equal


@pytest.mark.long
def test_chances_as_a_map_for_each_row_are_read(tmp_path: Path) -> None:
    model = scaled().fit(plain(FRAME), labels(FRAME))
    prepared = imported(converted(tmp_path, model, zipmap=True), names=COLUMNS)
    assert list(prepared.scored.outputs) == ["score"]
    assert compare_with(before(model), prepared, TABLE, Tolerance(rtol=1e-5)).equal


def test_inputs_of_one_column_each_are_taken_by_name_and_type(tmp_path: Path) -> None:
    path = by_column(tmp_path, value=onnx.TensorProto.DOUBLE, visits=onnx.TensorProto.INT64)
    prepared = imported(path)
    np.testing.assert_array_equal(prepared.scored.outputs["score"], FRAME["value"] + FRAME["visits"])


def test_a_graph_that_the_table_does_not_fit_says_all_that_is_wrong(tmp_path: Path) -> None:
    lacking = table_rows(day_rows())
    path = by_column(tmp_path, value=onnx.TensorProto.INT64, age=onnx.TensorProto.INT64, sales=onnx.TensorProto.DOUBLE)
    with pytest.raises(TableDoesNotFit) as raised:
        prepare_import(open_model(path, Hooks(), {}), lacking, where="churn")
    assert "column value is float64, the model takes whole numbers" in str(raised.value)
    assert "column age has no value in" in str(raised.value)
    assert "column sales is missing" in str(raised.value)


def test_a_matrix_without_names_needs_them(tmp_path: Path) -> None:
    model = scaled().fit(plain(FRAME), labels(FRAME))
    with pytest.raises(TableDoesNotFit, match="takes 3 columns and doesn't name them"):
        imported(converted(tmp_path, model))


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(OnnxGraphNotUnderstood):
        imported(tmp_path / "model.onnx")


def test_a_registered_graph_gives_the_same_scores_again(tmp_path: Path) -> None:
    prepared = imported(by_column(tmp_path, value=onnx.TensorProto.DOUBLE))
    registry = ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "artifacts"))
    request = ImportRequest("churn", "Who will leave.", "team:crm", "elsewhere", DAY, DAY, 3)
    version = registry.register_import(
        import_record(request, prepared, None), tags={}, comparison="none", as_challenger=True
    )
    np.testing.assert_array_equal(registry.load(version).score(FRAME), FRAME["value"])


@pytest.mark.long
def test_boosting_is_converted_where_the_converter_can(tmp_path: Path) -> None:
    model = boosting().fit(plain(FRAME), labels(FRAME))
    try:
        path = converted(tmp_path, model)
    except Exception as error:
        pytest.skip(f"the converter can't: {error}")
    assert compare_with(before(model), imported(path, names=COLUMNS), TABLE, Tolerance(rtol=1e-5)).rows_compared == 120
