"""The steps of an import: check the signature, score a day, convert without pickle, say what is to be registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.imported_models.card import FLOAT32_NOTE
from platform_assets.domain.imported_models.column_pair import Tolerance
from platform_assets.domain.imported_models.comparison import Comparison, NothingToCompare, compare_outputs
from platform_assets.domain.imported_models.signature import SignatureCheck, check_signature
from resources.model_registry.imported.imported_code import CodeTask, Hooks, run_code
from resources.model_registry.imported.opening import Opened
from resources.model_registry.imported.scorer import ImportedScorer, Manifest, Scored, finite_inputs

if TYPE_CHECKING:
    import pandas as pd

EQUAL_SCORES = "every score of the day is the same, bit by bit"


class PickleNotConverted(PlatformError):
    """A pickled model gives other scores once it is written without pickle. Nothing was registered."""


@dataclass(frozen=True)
class TableRows:
    """Rows of one day of a table, with what its contract says of it."""

    table: str
    types: Mapping[str, dt.DataType]
    key: tuple[str, ...]
    """What identifies a row within the day."""
    day_column: str | None
    rows: pa.Table


@dataclass(frozen=True)
class Prepared:
    """An import that holds: what will be registered, and what it made of the day."""

    opened: Opened
    scorer: ImportedScorer
    check: SignatureCheck
    scored: Scored
    notes: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the model takes, by name and in order."""
        return self.scorer.manifest.inputs


def prepare_import(opened: Opened, table: TableRows, *, columns: Sequence[str] = (), where: str) -> Prepared:
    """Check a model against a table and score its rows; `columns` are what it is given of the table (all if empty).

    Raises TableDoesNotFit with everything that doesn't fit, before the model has seen a row.
    """
    scorer = ImportedScorer(_manifest(opened, table, columns), opened.code, opened.content, where)
    features = scorer.features(table.rows)
    types = dict(table.types) if not opened.hooks.features else _types_of(features)
    names, problems = _names(opened, [name for name in types if name not in (*table.key, table.day_column)])
    missing = {name: int(count) for name, count in features.isna().sum().items()}
    check = check_signature(opened.inputs(names), types, missing, len(features))
    unknown = [f"--columns names {name}, which {table.table} lacks" for name in columns if name not in table.types]
    check = replace(check, problems=(*unknown, *problems, *check.problems))
    check.require(where)
    given = dict(scorer.manifest.types)
    if not opened.hooks.features:  # nothing but the model reads the table
        given = {name: kind for name, kind in given.items() if name in names}
    scorer = replace(scorer, manifest=replace(scorer.manifest, inputs=tuple(names), types=given))
    scored = scorer.scored(table.rows)
    notes = [
        *check.notes,
        *dict.fromkeys([*opened.warnings, *scored.warnings]),
        *([FLOAT32_NOTE] if opened.precision == "float32" else []),
    ]
    if opened.hooks.features and not features.equals(scored.features):
        notes.append("the feature code gave other values when it ran again on the same rows: it is not deterministic")
    if opened.pickle is not None:
        _require_same_scores(opened, names, features, scored.outputs, where)
        notes.append(f"converted from pickle to skops: {EQUAL_SCORES}; the pickle isn't kept")
    return Prepared(opened, scorer, check, scored, tuple(notes))


def compare_with(theirs: "pd.DataFrame", prepared: Prepared, table: TableRows, tolerance: Tolerance) -> Comparison:
    """What the model made of the day, features and outputs, beside what another system made of it.

    Raises NothingToCompare where the other system's rows hold none of the outputs.
    """
    import pandas as pd

    scored, key = prepared.scored, list(table.key)
    if not set(scored.outputs.columns) & set(theirs.columns):
        raise NothingToCompare(
            f"no column is named {' or '.join(scored.outputs.columns)}",
            where=f"the other system's columns {', '.join(map(str, theirs.columns))}",
            todo="say which column holds the scores by --map theirs=ours",
        )
    keys = table.rows.select(key).to_pandas()
    made = scored.features.drop(columns=[*key, table.day_column], errors="ignore").reindex(scored.outputs.index)
    ours = pd.concat([keys.loc[scored.outputs.index], made, scored.outputs], axis=1)
    inputs = pd.concat([keys.loc[made.index], made[[name for name in made if name in prepared.inputs]]], axis=1)
    return compare_outputs(ours, theirs, key=key, tolerance=tolerance, inputs=inputs)


def _manifest(opened: Opened, table: TableRows, columns: Sequence[str]) -> Manifest:
    kept = [name for name in table.types if not columns or name in (*columns, *table.key, table.day_column)]
    return Manifest(
        format=opened.format,
        model_file=opened.model_file,
        hooks=opened.hooks,
        table=table.table,
        types={name: str(table.types[name]) for name in kept},
        inputs=(),
        key=table.key,
        day_column=table.day_column,
        output=opened.output,
    )


def _names(opened: Opened, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The model's inputs in order, and what is wrong with them."""
    if opened.names is not None and opened.given and opened.names != opened.given:
        said = f"the model was fitted on {', '.join(opened.names)}; --features names {', '.join(opened.given)}"
        return list(opened.names), [said]
    names = list(opened.names or opened.given)
    if not names and opened.count is None:
        return list(columns), []
    if not names and opened.hooks.features and opened.count == len(columns):
        return list(columns), []
    if not names:
        return [], [f"the model takes {opened.count} columns and doesn't name them: name them in order by --features"]
    if opened.count not in (None, len(names)):
        return names, [f"the model takes {opened.count} columns, {len(names)} are named"]
    return names, []


def _types_of(features: "pd.DataFrame") -> dict[str, dt.DataType]:
    schema = pa.Schema.from_pandas(features, preserve_index=False)
    return dict(ibis.Schema.from_pyarrow(schema).items())


def _require_same_scores(
    opened: Opened, names: Sequence[str], features: "pd.DataFrame", outputs: "pd.DataFrame", where: str
) -> None:
    """The pickle, loaded once more in its process, must give what the model gives that was written without it."""
    import numpy as np

    inputs = finite_inputs(features[list(names)], where)
    task = CodeTask(Hooks(), opened.code, opened.pickle, "model.pickle", pickle=True, inputs=tuple(names))
    before = run_code(task, pa.Table.from_pandas(inputs, preserve_index=False)).scores
    assert before is not None  # rows and a model give scores
    pairs = [(before[name].to_numpy(), outputs[name].to_numpy()) for name in outputs.columns if name in before.columns]
    if len(pairs) < len(outputs.columns) or not all(np.array_equal(*pair, equal_nan=True) for pair in pairs):
        raise PickleNotConverted(
            "written without pickle, the model gives other scores",
            where=where,
            todo="give a function that loads it by --load file.py:function; it then runs as the code that it is",
        )
