"""What a spec demands of its model in service: when it is promoted, when it counts as drifted, when it retrains.

Each policy checks itself when it is written down. What follows from the figures is decided in the packages
`promotion`, `drift` and `retraining` of the domain.
"""

from dataclasses import dataclass

from platform_assets.domain.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class PromotionPolicy:
    """When a challenger may replace the champion."""

    margin: float = 0.0
    """How much better the spec's metric must be, at the lower end of the 95 % interval of the difference."""
    calibration_margin: float = 0.01
    """How much larger than the champion's the expected calibration error may be, as a share."""
    slices: tuple[str, ...] = ()
    """Feature columns whose values (numbers: known or missing, and halves at the median) make slices."""
    slice_margin: float = 0.02
    """How much the metric of a slice may fall, at the upper end of its interval, without refusing the challenger."""

    def __post_init__(self) -> None:
        _require(
            "promotion",
            (0 <= self.margin < 0.5, f"margin {self.margin} is no difference", "give a number from 0 up to 0.5"),
            (
                0 <= self.calibration_margin <= 1,
                f"calibration_margin {self.calibration_margin} is no share",
                "give a number from 0 to 1",
            ),
            (
                0 <= self.slice_margin < 0.5,
                f"slice_margin {self.slice_margin} is no difference",
                "give a number from 0 up to 0.5",
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DriftPolicy:
    """When what a model reads or says counts as drifted."""

    psi: float = 0.2
    """Population stability index from which a column has moved (0.1 to 0.2 is watched, above 0.2 acted on)."""
    missing_change: float = 0.1
    """Change of the share of missing values from which a column has moved."""
    new_categories: float = 0.03
    """Share of rows with values that the reference never saw, of a column of few values, from which it has moved."""
    significance: float = 0.01
    """Share of columns that may be called drifted by mistake in a day, over all columns tested together."""
    columns: int = 1
    """So many drifted columns make a day a drifted one, of which the trigger `drift` needs several."""

    def __post_init__(self) -> None:
        _require(
            "drift",
            (self.psi > 0, f"psi {self.psi} is no threshold", "give a number above 0, e.g. 0.2"),
            *(
                (0 < share <= 1, f"{name} {share} is no share", "give a number above 0, at most 1")
                for name, share in (("missing_change", self.missing_change), ("new_categories", self.new_categories))
            ),
            (
                0 < self.significance < 0.5,
                f"significance {self.significance} is no error rate",
                "give a number above 0, e.g. 0.01",
            ),
            (self.columns >= 1, f"columns is {self.columns}", "give a number of at least 1"),
        )


@dataclass(frozen=True, kw_only=True)
class RetrainPolicy:
    """When a model is trained again. Every trigger can be left out with None; asking by hand always works."""

    fresh_days: int | None = 60
    """A challenger older than so many days makes the trigger `freshness`."""
    metric_fall: float | None = 0.03
    """A matured day is violated where the upper end of its metric's interval lies by more than this below what the
    champion reached on its holdout."""
    violated_days: int = 2
    """So many bad days among the last `matured_days`, the latest included, make the triggers `metric` (of matured days)
    and `drift` (of compared days): one noisy day makes none."""
    matured_days: int = 5
    on_drift: bool = True
    """Whether the trigger `drift` counts."""
    new_labels: int | None = None
    """So many positive labels that matured since the challenger was trained make the trigger `new_labels`."""
    learnable_days: int = 7
    """After a change, retraining waits until a training set would hold so many mature days from after it to learn from
    beside those it holds out: before, a challenger could not know better."""
    cooldown_days: int = 7
    """So many days lie at least between two trainings that were not asked for by hand."""
    attempts: int = 3
    """So often a decided training is tried before it is given up."""

    def __post_init__(self) -> None:
        given = vars(self)
        at_least_one = ("violated_days", "matured_days", "attempts")
        at_least_none = ("learnable_days", "cooldown_days")
        optional = ("fresh_days", "new_labels")
        _require(
            "retraining",
            *((given[name] >= 1, f"{name} is {given[name]}", "give a number of at least 1") for name in at_least_one),
            *((given[name] >= 0, f"{name} is {given[name]}", "give 0 or more days") for name in at_least_none),
            *(
                (given[name] is None or given[name] >= 1, f"{name} is {given[name]}", "give 1 or more, or None")
                for name in optional
            ),
            (
                self.metric_fall is None or self.metric_fall > 0,
                f"metric_fall is {self.metric_fall}",
                "give a number above 0, or None",
            ),
            (
                self.violated_days <= self.matured_days,
                f"{self.violated_days} of {self.matured_days} days can't be violated",
                "give violated_days up to matured_days",
            ),
        )


def _require(where: str, *rules: tuple[bool, str, str]) -> None:
    for holds, what, todo in rules:
        if not holds:
            raise ConfigurationError(what, where=f"policy {where!r}", todo=todo)
