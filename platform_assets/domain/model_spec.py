"""What makes one model: the `ModelSpec`, checked when it is written down.

A factory in every stage package turns a spec into assets (training set, model, promotion, scores, validation). Which
models exist stands in `platform_assets.trained_models`, one spec a file; how a model is trained, measured and judged
stands in `platform_assets.domain.modelling`, what a label is in `platform_assets.domain.label_rules`.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import AudienceLabel, Label

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

PERSON = "user_id"
"""The entity whose ids may merge: it is looked up in `user_ids`. Any other is a column of `events`."""

RESERVED_COLUMNS = frozenset({"training_date", "feature_date", "event_date", "user_id", "label", "score"})
"""Names that the platform gives to columns of model tables; no feature may carry one."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model of the platform, from what it predicts to when a successor may replace it.

    `estimator(seed)` returns the scikit-learn pipeline, `search_space(seed)` the grid of its parameters; both import
    scikit-learn when called, so that a spec costs nothing to load.
    """

    name: str
    """Prefix of the model's assets and tables, and its name in the registry."""
    description: str
    """What the model is for, in words that its card repeats."""
    owner: str
    """Who answers for it, `team:<name>` or an e-mail address."""
    features: tuple[str, ...]
    """Columns of the feature table that the model reads, all numeric or boolean."""
    label: Label
    estimator: Callable[[int], "Pipeline"]
    search_space: Callable[[int], Sequence[Mapping[str, Sequence[Any]]]]
    entity: str = PERSON
    """The key of a feature row within its day."""
    feature_table: str = "user_features"
    feature_date_column: str = "event_date"
    """The day of a feature row in the feature table; every feature is computed from days strictly before it."""
    scoring: str = "roc_auc"
    """The scikit-learn score that the search maximises."""
    folds: int = 3
    training_window_days: int = 42
    """Feature days a training set looks back on, from the last day with a mature label."""
    training_step_days: int = 2
    """Every how many days a snapshot is taken: neighbouring days repeat each other. Prime to 7, to see all weekdays."""
    holdout_days: int = 7
    """The last days of a training set, which the search never sees and promotion is decided on."""
    sample_limit: int = 200_000
    """Rows a training set holds at most; above it, an even sample by a hash of the key."""
    promotion_margin: float = 0.0
    """How much AUC a successor must be better by, at the lower end of the interval of the difference."""
    seed: int = 20_240_607

    def __post_init__(self) -> None:
        for holds, what, todo in _rules(self):
            if not holds:
                raise ConfigurationError(what, where=f"model {self.name!r}", todo=todo)

    def feature_days(self, training_date: date) -> tuple[date, ...]:
        """The feature days of the training set as of `training_date`, oldest first.

        They are counted back from the last day with a mature label, so that the newest mature day is always used.
        """
        last = self.label.last_mature(training_date)
        back = range(0, self.training_window_days, self.training_step_days)
        return tuple(sorted(last - timedelta(days=days) for days in back))

    @property
    def fingerprint(self) -> str:
        """Changes with every field; functions count by their name, their code counts with their module's."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        named = {name: f"{v.__module__}.{v.__qualname__}" if callable(v) else repr(v) for name, v in values.items()}
        return hashlib.sha256(repr(sorted(named.items())).encode()).hexdigest()[:12]

    def waiting_for(self, lateness_days: int) -> "ModelSpec":
        """The same spec, whose labels wait until events that are `lateness_days` late have landed."""
        needed = self.label.horizon_days - 1 + lateness_days
        if needed <= self.label.maturity_days:
            return self
        return replace(self, label=replace(self.label, maturity_days=needed))

    def table(self, suffix: str) -> str:
        """The name of one of the model's tables or assets, e.g. `conversion_scores`."""
        return f"{self.name}_{suffix}"


def _rules(spec: ModelSpec) -> list[tuple[bool, str, str]]:
    """The promises of a spec: whether each holds, what is wrong if not, and what to do then."""
    reserved = sorted(RESERVED_COLUMNS.intersection(spec.features) | {spec.entity}.intersection(spec.features))
    needed_days = spec.holdout_days + 2 * spec.label.horizon_days + spec.folds * spec.training_step_days
    positive = ("folds", "training_window_days", "training_step_days", "holdout_days", "sample_limit")
    return [
        (
            re.fullmatch(r"[a-z][a-z0-9_]*", spec.name) is not None,
            f"{spec.name!r} is no asset name",
            "use lower-case letters, digits and underscores, starting with a letter",
        ),
        (bool(spec.description.strip()), "the description is empty", "say in a sentence what the model is for"),
        (
            spec.owner.startswith("team:") or "@" in spec.owner,
            f"owner {spec.owner!r} is neither a team nor a person",
            "write 'team:<name>' or an e-mail address",
        ),
        (bool(spec.features), "there are no feature columns", f"name columns of {spec.feature_table}"),
        (
            len(set(spec.features)) == len(spec.features),
            "a feature column is named twice",
            "name every column once",
        ),
        (not reserved, f"columns {reserved} are no features", "leave keys, days, label and score out of the features"),
        (
            spec.entity == PERSON or not isinstance(spec.label, AudienceLabel),
            f"an audience has persons, but the entity is {spec.entity!r}",
            f"leave the entity {PERSON!r}, or label by a LabelRule",
        ),
        *(
            (getattr(spec, name) >= 1, f"{name} is {getattr(spec, name)}", "give a number of at least 1")
            for name in positive
        ),
        (spec.folds >= 2, f"{spec.folds} fold can't compare candidates over time", "give at least 2 folds"),
        (
            spec.training_window_days >= needed_days,
            f"a window of {spec.training_window_days} days is too short: the holdout of {spec.holdout_days}, "
            f"two embargoes of {spec.label.horizon_days} and {spec.folds} folds need {needed_days}",
            "widen training_window_days, or lower holdout_days, folds or training_step_days",
        ),
        (
            0 <= spec.promotion_margin < 0.5,
            f"promotion_margin {spec.promotion_margin} is no difference of AUCs",
            "give a number from 0 up to 0.5",
        ),
    ]
