"""How far back a model learns, and how much each day counts: the kinds of training window that a spec may name."""

from abc import ABC
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from platform_assets.domain.errors import ConfigurationError

ALL_DAYS = 1_095
"""So many days "all data" looks back at most: three years."""


@dataclass(frozen=True, kw_only=True)
class TrainingWindow(ABC):
    """Feature days that a training set looks back on, from the last day with a mature label.

    `step_days` is every how many days a snapshot is taken: neighbouring days repeat each other. Prime to 7, so that all
    weekdays are seen.
    """

    days: int
    step_days: int = 2

    def __post_init__(self) -> None:
        for name, value in (("days", self.days), ("step_days", self.step_days)):
            if value < 1:
                raise ConfigurationError(
                    f"{name} is {value}",
                    where=f"training window {type(self).__name__}",
                    todo="give a number of at least 1",
                )

    def feature_days(self, last_mature: date) -> tuple[date, ...]:
        """The feature days up to `last_mature`, oldest first; counted back from it, so that it is always among them."""
        return tuple(sorted(last_mature - timedelta(days=back) for back in range(0, self.days, self.step_days)))

    def weights(self, ages_in_days: npt.ArrayLike) -> npt.NDArray[np.float64] | None:
        """How much rows of these ages count in a fit; None where all count alike. The newest row has age 0."""
        return None

    @property
    def continues_the_champion(self) -> bool:
        """Whether a fit starts from what the champion has learnt."""
        return False


@dataclass(frozen=True, kw_only=True)
class Trailing(TrainingWindow):
    """The last `days` days, all alike."""

    days: int = 42


@dataclass(frozen=True, kw_only=True)
class AllData(TrainingWindow):
    """All days there are, all alike."""

    days: int = ALL_DAYS


@dataclass(frozen=True, kw_only=True)
class AllWithDecay(TrainingWindow):
    """All days there are; a row counts half as much as one that is `half_life_days` newer."""

    days: int = ALL_DAYS
    half_life_days: float = 28.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.half_life_days > 0:
            raise ConfigurationError(
                f"half_life_days is {self.half_life_days}",
                where="training window AllWithDecay",
                todo="give a number above 0",
            )

    def weights(self, ages_in_days: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Halved with every half-life."""
        return np.power(0.5, np.asarray(ages_in_days, dtype=np.float64) / self.half_life_days)


@dataclass(frozen=True, kw_only=True)
class WarmStart(TrainingWindow):
    """The last `days` days, on which the champion is fitted on: its parameters are taken over, not searched for.

    Where there is no champion yet, or it has seen days of the holdout, reads other features or ends in another kind of
    estimator, a search starts from nothing.
    """

    days: int = 42

    @property
    def continues_the_champion(self) -> bool:
        """Yes."""
        return True
