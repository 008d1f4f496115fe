"""A model that was trained elsewhere, declared: with the declaration it has scores, validation and drift as any other.

It is not trained here. `platform models import` brings its versions, the gate or a person makes one of them champion.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import Label
from platform_assets.domain.model_policies import DriftPolicy, PromotionPolicy, RetrainPolicy
from platform_assets.domain.model_spec import PERSON, FeatureColumns, ModelSpec

_NEVER = RetrainPolicy(fresh_days=None, metric_fall=None, on_drift=False, new_labels=None)


def imported_model(
    *,
    name: str,
    description: str,
    owner: str,
    features: tuple[FeatureColumns, ...],
    label: Label,
    entity: str = PERSON,
    metric: str = "auc",
    promotion: PromotionPolicy | None = None,
    drift: DriftPolicy | None = None,
    scores_due: str = "0 6 * * *",
    alerts: tuple[str, ...] = (),
) -> ModelSpec:
    """The spec of a model whose versions are imported under `name`.

    `features` are the columns that it, or its feature code, reads; `label` is what its scores are compared with once
    it is known. Raises ConfigurationError as `ModelSpec` does.
    """
    return ModelSpec(
        name=name,
        description=description,
        owner=owner,
        features=features,
        label=label,
        entity=entity,
        metric=metric,
        estimator=trained_elsewhere,
        search_space=_no_search,
        promotion=promotion or PromotionPolicy(),
        drift=drift or DriftPolicy(),
        retraining=_NEVER,
        scores_due=scores_due,
        alerts=alerts,
    )


def is_imported(spec: ModelSpec) -> bool:
    """Whether a model's versions are imported, and never trained here."""
    return spec.estimator is trained_elsewhere


def trained_elsewhere(seed: int) -> NoReturn:
    """Stands for the estimator of an imported model. Raises ConfigurationError: there is nothing to train."""
    raise ConfigurationError(
        "an imported model isn't trained here",
        where="the estimator of its spec",
        todo="import a version by `platform models import`, or declare a ModelSpec with an estimator",
    )


def _no_search(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    return []
