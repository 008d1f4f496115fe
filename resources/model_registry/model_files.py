"""Model files: written in skops format with a signature, loaded from bytes whose digest was checked first.

Loading needs neither MLflow nor its store, so that serving stays light. Types outside `TRUSTED_TYPES` are refused
both ways: extending that list is a review, not a configuration.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.modelling.prediction import predict
from resources.model_registry.model_version import (
    ModelTampered,
    ModelTypeNotTrusted,
    ModelVersion,
    SignatureMismatch,
    SignatureMissing,
)

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
"""Types beyond those that skops trusts by itself; each only holds numbers, or names of things that do.

Their code in scikit-learn runs nothing on the way in: attributes are set, and what they hold is asked for its own type.
"""

_REQUIRED_PACKAGES = ("mlflow", "numpy", "pandas", "scikit-learn", "skops")
_MODEL_FILE = "model.skops"
# MLflow drops this note beside a model whenever it loads it by its registered name.
_NOT_OURS = frozenset({"registered_model_meta"})


class LoadedModel(Protocol):
    """A verified model, ready to score rows that keep its signature: trained here or imported."""

    @property
    def version(self) -> ModelVersion:
        """The registered version."""

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that it takes."""

    @property
    def needs_whole_days(self) -> bool:
        """Whether a row's score may depend on other rows of its day: feature code may rank them."""

    def score(self, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The score of every row; NaN means missing.

        Feature code that came with a model may also need day and entity; other columns are ignored.
        """


@dataclass(frozen=True)
class LoadedPipeline:
    """A verified scikit-learn pipeline of the platform's own training."""

    version: ModelVersion
    features: tuple[str, ...]
    pipeline: "Pipeline"
    needs_whole_days: bool = False

    def score(self, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of a positive label for every row; extra columns are ignored, NaN means missing."""
        missing = [name for name in self.features if name not in rows.columns]
        if missing:
            self._refuse(f"columns {missing} are missing")
        inputs = rows[list(self.features)]
        # A column of nothing but missing values has no type of its own.
        wrong = {
            name: str(dtype)
            for name, dtype in inputs.dtypes.items()
            if not _is_number(dtype) and inputs[name].notna().any()
        }
        if wrong:
            self._refuse(f"columns {wrong} are not numbers")
        matrix = inputs.astype("float64")
        infinite = list(matrix.columns[np.isinf(matrix.to_numpy()).any(axis=0)])
        if infinite:
            self._refuse(f"columns {infinite} hold infinite values")
        return predict(self.pipeline, matrix)

    def _refuse(self, what: str) -> None:
        raise SignatureMismatch(
            what, where=str(self.version), todo=f"give the features it was trained on: {', '.join(self.features)}"
        )


def write_model(folder: Path, pipeline: "Pipeline", features: Sequence[str]) -> str:
    """Write the files of a fitted pipeline into a new folder and return their digest.

    Raises ModelTypeNotTrusted where the pipeline holds a type that is not on the platform's list.
    """
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        mlflow.sklearn.save_model(
            pipeline,
            folder,
            signature=ModelSignature(
                inputs=Schema([ColSpec(DataType.double, name) for name in features]),
                outputs=Schema([TensorSpec(np.dtype("float64"), (-1, 2))]),
            ),
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED_TYPES),
            # Named, because MLflow would otherwise import the model again in a subprocess to guess them.
            pip_requirements=[f"{package}=={installed_version(package)}" for package in _REQUIRED_PACKAGES],
            pyfunc_predict_fn="predict_proba",
        )
    except MlflowException as error:  # MLflow loads what it wrote; to look at the types before would cost as much again
        if isinstance(error.__context__, UntrustedTypesFoundException):
            raise _not_trusted(str(error.__context__), type(pipeline).__name__) from error
        raise
    return digest_of(read_files(folder))


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file of a model by its path within the folder."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _NOT_OURS]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names, lengths and contents, so that nothing can be added, moved or changed unseen."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()


def require_untouched(files: Mapping[str, bytes], version: ModelVersion) -> None:
    """Raise ModelTampered unless the files are those that were registered."""
    found = digest_of(files)
    if found != version.digest:
        raise ModelTampered(
            f"the files have digest {found[:12]}…, registered was {version.digest[:12]}…",
            where=f"{version} at {version.uri}",
            todo="find out who changed the files; restore them from a backup, or train the version again",
        )


def load_verified(files: Mapping[str, bytes], version: ModelVersion) -> LoadedPipeline:
    """The model in `files`, if they are those that were registered: the checked bytes themselves are loaded."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    require_untouched(files, version)
    try:
        pipeline = skops.io.loads(files[_MODEL_FILE], trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException as error:
        raise _not_trusted(str(error), str(version)) from error
    return LoadedPipeline(version=version, features=_signature_inputs(files["MLmodel"], version), pipeline=pipeline)


def _not_trusted(what: str, where: str) -> ModelTypeNotTrusted:
    return ModelTypeNotTrusted(
        what, where=where, todo="use other estimators, or review the types and add them to TRUSTED_TYPES"
    )


def _signature_inputs(mlmodel: bytes, version: ModelVersion) -> tuple[str, ...]:
    import yaml

    signature = yaml.safe_load(mlmodel).get("signature") or {}
    names = tuple(column.get("name") for column in json.loads(signature.get("inputs") or "[]"))
    if not names or None in names:
        raise SignatureMissing(
            "it doesn't name the columns that it reads",
            where=str(version),
            todo="register it with a signature of named columns",
        )
    return names


def _is_number(dtype: object) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
