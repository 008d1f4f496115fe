"""What makes one model: the `ModelSpec`, checked when it is written down.

A factory in every stage package turns a spec into assets (training set, model, promotion, scores, validation). Which
models exist stands in `platform_assets.trained_models`, one spec a file; how a model is trained, measured and judged
stands in `platform_assets.domain.modelling`, what a label is in `platform_assets.domain.label_rules`.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import AudienceLabel, Label
from platform_assets.domain.model_policies import DriftPolicy, PromotionPolicy, RetrainPolicy
from platform_assets.domain.parameter_search import GridSearch, Search
from platform_assets.domain.training_windows import Trailing, TrainingWindow

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

PERSON = "user_id"
"""The entity whose ids may merge: it is looked up in `user_ids`. Any other is a column of `events`."""

RESERVED_COLUMNS = frozenset({"training_date", "feature_date", "event_date", "user_id", "label", "score"})
"""Names that the platform gives to columns of model tables; no feature may carry one."""


METRICS = {"auc": "roc_auc", "log_loss": "neg_log_loss", "brier": "neg_brier_score"}
"""Metrics a spec may be judged by, each with the scikit-learn score that the search maximises for it."""

_LEARNT_BY = (
    *("name", "entity", "features", "label", "estimator", "search_space", "metric", "search", "folds"),
    *("window", "holdout_days", "sample_limit", "sample_fraction", "seed"),
)
"""Fields of a spec that decide what a training of it gives."""


@dataclass(frozen=True)
class FeatureColumns:
    """Columns of one feature table, all numeric or boolean, that a model reads.

    A table without columns is read for a champion that was trained when the spec still named some.
    """

    table: str
    columns: tuple[str, ...]
    date_column: str = "event_date"
    """The day of a feature row in the table; every feature is computed from days strictly before it."""


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
    features: tuple[FeatureColumns, ...]
    """What the model reads. The first table says which entities have a row on a day; what others lack is missing."""
    label: Label
    estimator: Callable[[int], "Pipeline"]
    search_space: Callable[[int], Sequence[Mapping[str, Sequence[Any]]]]
    entity: str = PERSON
    """The key of a feature row within its day."""
    metric: str = "auc"
    """What the search maximises, the gate compares and validation watches, one of `METRICS`."""
    search: Search = field(default_factory=GridSearch)
    folds: int = 3
    window: TrainingWindow = field(default_factory=Trailing)
    holdout_days: int = 7
    """The last days of a training set, which the search never sees and promotion is decided on."""
    sample_limit: int = 200_000
    """Rows a training set holds at most; above it, an even sample by a hash of the key."""
    sample_fraction: float = 1.0
    """Of so many entities a training set has rows, of each all or none: `PLATFORM_SAMPLE_FRACTION` sets it."""
    promotion: PromotionPolicy = field(default_factory=PromotionPolicy)
    drift: DriftPolicy = field(default_factory=DriftPolicy)
    retraining: RetrainPolicy = field(default_factory=RetrainPolicy)
    scores_due: str = "0 6 * * *"
    """Cron expression (UTC) of the instants by which the scores of the day before must be there."""
    alerts: tuple[str, ...] = ()
    """Names of targets that are told of this model, as config/alerts.yaml declares them; none: the default targets."""
    seed: int = 20_240_607

    def __post_init__(self) -> None:
        for holds, what, todo in _rules(self):
            if not holds:
                raise ConfigurationError(what, where=f"model {self.name!r}", todo=todo)

    def feature_days(self, training_date: date) -> tuple[date, ...]:
        """The feature days of the training set as of `training_date`, oldest first.

        They are counted back from the last day with a mature label, so that the newest mature day is always used.
        """
        return self.window.feature_days(self.label.last_mature(training_date))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """All feature columns in the order in which the model reads them."""
        return tuple(name for each in self.features for name in each.columns)

    @property
    def feature_table(self) -> str:
        """The table that says which entities have a row on a day."""
        return self.features[0].table

    @property
    def feature_date_column(self) -> str:
        """The day column of `feature_table`."""
        return self.features[0].date_column

    @property
    def scoring(self) -> str:
        """The scikit-learn score that the search maximises."""
        return METRICS[self.metric]

    @property
    def fingerprint(self) -> str:
        """Changes with every field; functions count by their name, their code counts with their module's."""
        return self._fingerprint_of(each.name for each in fields(self))

    @property
    def training_fingerprint(self) -> str:
        """Changes with what a model learns from and how, and with nothing else: not with owner, texts or policies."""
        return self._fingerprint_of(_LEARNT_BY)

    def _fingerprint_of(self, names: Iterable[str]) -> str:
        values = {name: getattr(self, name) for name in names}
        named = {name: f"{v.__module__}.{v.__qualname__}" if callable(v) else repr(v) for name, v in values.items()}
        return hashlib.sha256(repr(sorted(named.items())).encode()).hexdigest()[:12]

    def waiting_for(self, lateness_days: int) -> "ModelSpec":
        """The same spec, whose labels wait until events that are `lateness_days` late have landed."""
        needed = self.label.horizon_days - 1 + lateness_days
        if needed <= self.label.maturity_days:
            return self
        return replace(self, label=replace(self.label, maturity_days=needed))

    def learning_from(self, fraction: float) -> "ModelSpec":
        """The same spec, whose training sets have rows of so many of the entities only."""
        return self if fraction == self.sample_fraction else replace(self, sample_fraction=fraction)

    def table(self, suffix: str) -> str:
        """The name of one of the model's tables or assets, e.g. `conversion_scores`."""
        return f"{self.name}_{suffix}"


def _rules(spec: ModelSpec) -> list[tuple[bool, str, str]]:
    """The promises of a spec: whether each holds, what is wrong if not, and what to do then."""
    names = spec.feature_names
    reserved = sorted((RESERVED_COLUMNS | {spec.entity}).intersection(names))
    # Of the horizon alone: how late events land is a matter of sources; a training that it makes impossible says so.
    embargo = spec.label.horizon_days
    needed_days = spec.holdout_days + 2 * embargo + spec.folds * spec.window.step_days
    tables = [each.table for each in spec.features]
    positive = ("folds", "holdout_days", "sample_limit")
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
        (
            bool(names),
            "there are no feature columns",
            "name tables and their columns: features=(FeatureColumns('user_features', ('events_7d',)),)",
        ),
        (len(set(names)) == len(names), "a feature column is named twice", "name every column once"),
        (not reserved, f"columns {reserved} are no features", "leave keys, days, label and score out of the features"),
        (
            len(set(tables)) == len(tables),
            "a feature table is named twice",
            "name all columns of a table in one FeatureColumns",
        ),
        (
            0 < spec.sample_fraction <= 1,
            f"sample_fraction {spec.sample_fraction} is no share",
            "give a number above 0, up to 1",
        ),
        (
            spec.metric in METRICS,
            f"{spec.metric!r} is no metric",
            f"use one of {', '.join(METRICS)}",
        ),
        (
            set(spec.promotion.slices) <= set(names),
            f"slices {sorted(set(spec.promotion.slices) - set(names))} are no features of the model",
            "slice by feature columns",
        ),
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
            spec.window.days >= needed_days,
            f"a window of {spec.window.days} days is too short: the holdout of {spec.holdout_days}, "
            f"two embargoes of {embargo} and {spec.folds} folds need {needed_days}",
            "widen the window, or lower holdout_days, folds or step_days",
        ),
    ]
