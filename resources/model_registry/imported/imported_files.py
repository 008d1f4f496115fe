"""Files of an imported model in the registry: manifest, model, code and signature, loaded only if they are untouched.

The digest of a version covers the code as well, so that changed code is refused like a changed model, before it runs.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.model_registry.imported.estimator import SCORE
from resources.model_registry.imported.imported_code import Hooks
from resources.model_registry.imported.scorer import ImportedScorer, Manifest
from resources.model_registry.model_files import digest_of, read_files, require_untouched
from resources.model_registry.model_version import ModelVersion, SignatureMismatch

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.types import ColSpec

_MANIFEST = "import.json"
_CODE = "code/"
_DAY_OF_TRAINING_SETS = "feature_date"


@dataclass(frozen=True)
class LoadedImport:
    """A verified imported model, ready to score rows of the table it was checked against."""

    version: ModelVersion
    scorer: ImportedScorer

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of the table that it is given, without day and key."""
        manifest = self.scorer.manifest
        return tuple(name for name in manifest.types if name not in (manifest.day_column, *manifest.key))

    @property
    def needs_whole_days(self) -> bool:
        """Whether code came with the model: it may look at the day's rows together."""
        return bool(self.scorer.manifest.hooks.files)

    def score(self, rows: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """The score of every row; NaN where the feature code left a row out. Extra columns are ignored."""
        outputs = self.outputs(rows)
        if SCORE not in outputs.columns:
            raise SignatureMismatch(
                f"it gives {', '.join(outputs.columns)} and no {SCORE}",
                where=str(self.version),
                todo=f"import it with a predict function that returns one column {SCORE}",
            )
        return outputs[SCORE].to_numpy(dtype="float64")

    def outputs(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Every output of every row; a day named as training sets name it counts as the table's day."""
        day = self.scorer.manifest.day_column
        if day is not None and day not in rows.columns and _DAY_OF_TRAINING_SETS in rows.columns:
            rows = rows.rename(columns={_DAY_OF_TRAINING_SETS: day})
        wanted = [name for name in self.scorer.manifest.types if name in rows.columns]
        given = pa.Table.from_pandas(rows[wanted], preserve_index=False)
        return self.scorer.scored(given).outputs.reindex(range(len(rows)))


def write_import(folder: Path, scorer: ImportedScorer, outputs: tuple[str, ...]) -> str:
    """Write the files of an imported model into a new folder and return their digest."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema

    folder.mkdir(parents=True)
    manifest = scorer.manifest
    (folder / manifest.model_file).write_bytes(scorer.model)
    for name, content in scorer.code.items():
        place = folder / _CODE / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (folder / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
    described = Model(
        signature=ModelSignature(
            inputs=Schema([_column(name, dtype) for name, dtype in manifest.types.items()]),
            outputs=Schema([_column(name, "float64") for name in outputs]),
        )
    )
    described.add_flavor("imported", format=manifest.format, data=manifest.model_file, manifest=_MANIFEST)
    described.save(str(folder / "MLmodel"))
    return digest_of(read_files(folder))


def is_import(files: Mapping[str, bytes]) -> bool:
    """Whether the files are those of an imported model."""
    return _MANIFEST in files


def load_verified_import(files: Mapping[str, bytes], version: ModelVersion) -> LoadedImport:
    """The imported model in `files`. Raises ModelTampered where they are not those that were registered."""
    require_untouched(files, version)
    fields = json.loads(files[_MANIFEST])
    lists = {name: tuple(fields[name]) for name in ("inputs", "key")}
    manifest = Manifest(**{**fields, **lists, "hooks": Hooks(**fields["hooks"])})
    code = {name.removeprefix(_CODE): content for name, content in files.items() if name.startswith(_CODE)}
    return LoadedImport(version, ImportedScorer(manifest, code, files[manifest.model_file], str(version)))


def _column(name: str, dtype: str) -> "ColSpec":
    from mlflow.types import ColSpec, DataType

    parsed = ibis.dtype(dtype)
    kinds = (
        (parsed.is_boolean(), DataType.boolean),
        (parsed.is_integer(), DataType.long),
        (parsed.is_numeric(), DataType.double),
        (parsed.is_date() or parsed.is_timestamp(), DataType.datetime),
    )
    return ColSpec(next((kind for holds, kind in kinds if holds), DataType.string), name)
