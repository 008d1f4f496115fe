"""An imported ONNX graph, computed by ONNX Runtime on one thread, so that its sums come out the same everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.imported_models.signature import Kind, ModelInput
from resources.model_registry.imported.estimator import SCORE, as_outputs

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "tensor(float)": (Kind.NUMBER, "float32"),
    "tensor(double)": (Kind.NUMBER, "float64"),
    "tensor(int32)": (Kind.INTEGER, "int32"),
    "tensor(int64)": (Kind.INTEGER, "int64"),
    "tensor(bool)": (Kind.BOOLEAN, "bool"),
    "tensor(string)": (Kind.TEXT, "object"),
}


class OnnxRuntimeMissing(PlatformError):
    """An ONNX model is to be opened, and the package that computes it is not installed."""


class OnnxGraphNotUnderstood(PlatformError):
    """The file is no ONNX graph, or one whose inputs or outputs can't be taken for columns and a score."""


@dataclass(frozen=True)
class OnnxModel:
    """A graph with either one matrix of all columns or one input for each column."""

    session: Any
    matrix: bool
    names: tuple[str, ...] | None
    output: str
    where: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, content: bytes, where: str, names: Sequence[str] = (), output: str = "") -> "OnnxModel":
        """Open a graph; `names` are the columns of its matrix, `output` is asked for where it has several.

        Raises OnnxRuntimeMissing, or OnnxGraphNotUnderstood with what it takes and gives.
        """
        session = _session(content, where)
        inputs = session.get_inputs()
        wrong = {each.name: each.type for each in inputs if each.type not in _KINDS}
        wide = [each for each in inputs if len(each.shape) == 2 and each.shape[1] != 1]
        if wrong or (wide and len(inputs) > 1):
            raise _not_understood(session, where, "its inputs are neither one matrix nor one column each")
        matrix = bool(wide) or (len(inputs) == 1 and len(names) == 1)
        named = tuple(names) or None if matrix else tuple(each.name for each in inputs)
        return cls(session, matrix, named, output or _score_output(session, where), where)

    @property
    def count(self) -> int | None:
        """How many columns the graph takes, None where it doesn't say."""
        inputs = self.session.get_inputs()
        if not self.matrix:
            return len(inputs)
        width = inputs[0].shape[1]
        return width if isinstance(width, int) else None

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """Its inputs in order; only floating ones take missing values."""
        given = self.session.get_inputs()
        kinds = [_KINDS[each.type][0] for each in (given * len(self.names or ()) if self.matrix else given)]
        return tuple(
            ModelInput(name, kind, kind is Kind.NUMBER) for name, kind in zip(self.names or (), kinds, strict=True)
        )

    @property
    def precision(self) -> str:
        """`float32` where the graph takes or gives such numbers: about seven digits."""
        types = [each.type for each in (*self.session.get_inputs(), *self.session.get_outputs())]
        return "float32" if any("float)" in each for each in types) else "float64"

    def predict(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """The outputs for rows that hold exactly the inputs, in order."""
        import numpy as np
        import pandas as pd

        inputs = self.session.get_inputs()
        if self.matrix:
            feed = {inputs[0].name: frame.to_numpy().astype(_KINDS[inputs[0].type][1])}
        else:
            columns = [frame[each.name].to_numpy().astype(_KINDS[each.type][1]) for each in inputs]
            feed = {
                each.name: column.reshape(-1, 1) if len(each.shape) == 2 else column
                for each, column in zip(inputs, columns, strict=True)
            }
        (values,) = self.session.run([self.output], feed)
        if isinstance(values, list):  # a sequence of maps, one a row: class → chance
            chances = pd.DataFrame.from_records(values)
            return as_outputs(chances.to_numpy(), chances.columns)
        return as_outputs(np.asarray(values)).astype("float64")


def _session(content: bytes, where: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxRuntimeMissing(
            "an ONNX model needs the package onnxruntime, which is not installed",
            where=where,
            todo='install the extra: pip install "ml-data-platform[onnx]" (in a checkout: pip install -e ".[onnx]")',
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has an exception class for each status and no base of its own
        raise OnnxGraphNotUnderstood(
            str(error).partition("\n")[0],
            where=where,
            todo="give a file that onnx.checker accepts, without external data",
        ) from error


def _score_output(session: Any, where: str) -> str:
    """The output that holds scores: the only one, the only one of chances, else nobody can tell."""
    outputs = session.get_outputs()
    scores = [
        each for each in outputs if each.type.startswith("seq(map(") or each.type in ("tensor(float)", "tensor(double)")
    ]
    if len(scores) != 1:
        raise _not_understood(session, where, f"{len(scores)} of its outputs could be the {SCORE}")
    return scores[0].name


def _not_understood(session: Any, where: str, what: str) -> OnnxGraphNotUnderstood:
    takes = ", ".join(f"{each.name} {each.type}{each.shape}" for each in session.get_inputs())
    gives = ", ".join(f"{each.name} {each.type}" for each in session.get_outputs())
    return OnnxGraphNotUnderstood(
        f"{what}. It takes {takes} and gives {gives}",
        where=where,
        todo="name the output by --output, or give a loader and a predict function by --load and --predict",
    )
