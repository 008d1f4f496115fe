"""An imported scikit-learn model in skops format: nothing in it runs, types outside the platform's list are refused."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_assets.domain.imported_models.signature import Kind, ModelInput
from resources.model_registry.imported.estimator import input_count, input_names, predicted
from resources.model_registry.model_files import TRUSTED_TYPES
from resources.model_registry.model_version import ModelTypeNotTrusted

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SkopsModel:
    """A loaded estimator. `names` are its inputs in order, None where neither it nor the caller names them."""

    estimator: Any
    names: tuple[str, ...] | None
    warnings: tuple[str, ...]
    precision: str = "float64"

    @classmethod
    def read(cls, content: bytes, where: str, names: Sequence[str] = ()) -> "SkopsModel":
        """Load a skops file. Raises ModelTypeNotTrusted, naming every type that the platform doesn't know."""
        import skops.io
        from sklearn.exceptions import InconsistentVersionWarning

        found = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
        if found:
            raise ModelTypeNotTrusted(
                f"it holds types that the platform doesn't trust: {', '.join(found)}",
                where=where,
                todo="have the types reviewed and added to TRUSTED_TYPES in resources/model_registry/model_files.py; a "
                "class of your own comes in as code: give its file by --include and a function that loads the model by "
                "--load file.py:function",
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
        told = {str(each.message) for each in caught if issubclass(each.category, InconsistentVersionWarning)}
        return cls(estimator, input_names(estimator) or tuple(names) or None, tuple(sorted(told)))

    @property
    def count(self) -> int | None:
        """How many columns the estimator takes."""
        return input_count(self.estimator)

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """Its inputs in order. Text is taken where one of its steps encodes categories."""
        kind = Kind.CATEGORY if _takes_text(self.estimator) else Kind.NUMBER
        return tuple(ModelInput(name, kind) for name in self.names or ())

    def predict(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """The outputs for rows that hold exactly the inputs, in order."""
        return predicted(self.estimator, frame)


def _takes_text(estimator: Any) -> bool:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.utils import get_tags

    if isinstance(estimator, Pipeline):
        return any(_takes_text(step) for _, step in estimator.steps)
    if isinstance(estimator, ColumnTransformer):
        return any(_takes_text(step) for _, step, _ in estimator.transformers_)
    if isinstance(estimator, FeatureUnion):
        return any(_takes_text(step) for _, step in estimator.transformer_list)
    if isinstance(estimator, str) or not hasattr(estimator, "__sklearn_tags__"):
        return False
    tags = get_tags(estimator).input_tags
    return bool(tags.string or tags.categorical)
