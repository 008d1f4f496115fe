"""An imported model on rows of a table: through its feature code, if it has any, to its outputs.

The same object scores at import and after registration, so that what was proved is what is registered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa

from resources.model_registry.imported.imported_code import CodeResult, CodeTask, Hooks, run_code
from resources.model_registry.imported.opening import scoring_model
from resources.model_registry.model_version import SignatureMismatch

if TYPE_CHECKING:
    import pandas as pd

NUMERIC_OBJECTS = ("boolean", "decimal", "empty")
"""What pandas keeps as objects where a value is missing, though it is a number."""


@dataclass(frozen=True)
class Manifest:
    """What is kept beside the files of an imported model, to score with them again."""

    format: str
    model_file: str
    hooks: Hooks
    table: str
    """The table that it was checked against."""
    types: Mapping[str, str]
    """The columns of the table that it is given, with their Ibis types."""
    inputs: tuple[str, ...]
    """What the model takes in order: columns of the table, or of what its feature code makes."""
    key: tuple[str, ...]
    day_column: str | None
    output: str = ""


@dataclass(frozen=True)
class Scored:
    """What a model made of rows: both frames are by the place of a row; rows that its code left out are missing."""

    features: "pd.DataFrame"
    outputs: "pd.DataFrame"
    warnings: tuple[str, ...] = ()
    """What the code warned of."""
    isolation: str = ""
    """How the network was cut off from the code, empty where none ran."""


@dataclass(frozen=True)
class ImportedScorer:
    """The files of an imported model, `code/…` and the model file, with their manifest."""

    manifest: Manifest
    code: Mapping[str, bytes]
    model: bytes
    where: str

    def scored(self, rows: pa.Table) -> Scored:
        """Features and outputs of `rows`, which hold at least the columns of the manifest.

        Raises SignatureMismatch where they don't, ImportedCodeFailed where the code fails.
        """
        ordered, places = self._ordered(rows)
        result = self._through_code(ordered)
        features = _by_place(result.features) if result and result.features is not None else ordered.to_pandas()
        if result and result.scores is not None:
            outputs = _by_place(result.scores)
        elif len(features):
            outputs = self._outputs(features)
        else:
            outputs = features[[]].assign(score=np.empty(0))
        told = (result.warnings, result.isolation) if result else ((), "")
        return Scored(_placed(features, places), _placed(outputs, places), *told)

    def features(self, rows: pa.Table) -> "pd.DataFrame":
        """What the feature code makes of `rows`, by the place of a row; the rows themselves where there is none."""
        ordered, places = self._ordered(rows)
        if not self.manifest.hooks.features:
            features = ordered.to_pandas()
        else:
            task = CodeTask(Hooks(features=self.manifest.hooks.features, takes=self.manifest.hooks.takes), self.code)
            features = _by_place(_required(run_code(self._on_rows(task), ordered).features))
        return _placed(features, places)

    def _through_code(self, rows: pa.Table) -> CodeResult | None:
        hooks = self.manifest.hooks
        if not (hooks.features or hooks.load):
            return None
        loads = bool(hooks.load)
        task = CodeTask(hooks, self.code, self.model if loads else None, self.manifest.model_file if loads else "")
        return run_code(self._on_rows(task), rows)

    def _on_rows(self, task: CodeTask) -> CodeTask:
        named = self.manifest
        key = tuple(name for name in named.key if name in named.types)
        day = named.day_column if named.day_column in named.types else None
        return replace(task, inputs=named.inputs, key=key, day_column=day)

    def _outputs(self, features: "pd.DataFrame") -> "pd.DataFrame":
        named = self.manifest
        missing = [name for name in named.inputs if name not in features.columns]
        if missing:
            raise SignatureMismatch(
                f"columns {missing} are missing", where=self.where, todo=f"the model takes {', '.join(named.inputs)}"
            )
        inputs = finite_inputs(features[list(named.inputs)], self.where)
        model = scoring_model(named.format, self.model, self.where, named.inputs, named.output)
        return model.predict(inputs.reset_index(drop=True)).set_axis(inputs.index)

    def _ordered(self, rows: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """The columns of the manifest with its types, ordered by day and key, and the place of each row before."""
        named = self.manifest
        if missing := [name for name in named.types if name not in rows.column_names]:
            raise SignatureMismatch(
                f"columns {missing} are missing", where=self.where, todo=f"give the columns of {named.table}"
            )
        schema = ibis.schema(dict(named.types)).to_pyarrow()
        placed = rows.select(list(named.types)).cast(schema).append_column("_place", pa.array(np.arange(rows.num_rows)))
        order = [name for name in (named.day_column, *named.key) if name in named.types]
        placed = placed.sort_by([(name, "ascending") for name in (*order, "_place")])
        return placed.drop_columns("_place"), placed["_place"].to_numpy()


def finite_inputs(inputs: "pd.DataFrame", where: str) -> "pd.DataFrame":
    """The inputs with numbers where they hold numbers. Raises SignatureMismatch where one is infinite."""
    import pandas as pd

    objects = [name for name, column in inputs.items() if column.dtype == object]
    kinds = {name: pd.api.types.infer_dtype(inputs[name], skipna=True) for name in objects}
    numbers = {name: inputs[name].astype("float64") for name, kind in kinds.items() if kind in NUMERIC_OBJECTS}
    typed = inputs.assign(**numbers)
    infinite = [
        name
        for name, column in typed.items()
        if pd.api.types.is_float_dtype(column.dtype) and np.isinf(column.to_numpy(dtype="float64")).any()
    ]
    if infinite:
        raise SignatureMismatch(
            f"columns {infinite} hold infinite values", where=where, todo="give finite values, or none"
        )
    return typed


def _by_place(frame: "pd.DataFrame") -> "pd.DataFrame":
    return frame.set_index("_row").sort_index()


def _placed(frame: "pd.DataFrame", places: np.ndarray) -> "pd.DataFrame":
    """The frame by the places that its rows had before they were ordered."""
    return frame.set_axis(places[frame.index]).sort_index()


def _required(frame: "pd.DataFrame | None") -> "pd.DataFrame":
    assert frame is not None  # a task with a feature function and rows makes features
    return frame
