"""How the parameters of an estimator are searched for: the kinds of search that a spec may name."""

from dataclasses import dataclass

from platform_assets.domain.errors import ConfigurationError


@dataclass(frozen=True)
class GridSearch:
    """Every candidate of the search space, on all rows."""


@dataclass(frozen=True)
class HalvingSearch:
    """Every candidate on few rows first; of each round the best 1/`factor` go on with `factor` times the rows."""

    factor: int = 3

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise ConfigurationError(
                f"a factor of {self.factor} leaves nobody out", where="halving search", todo="give 2 or more"
            )


@dataclass(frozen=True)
class RandomSearch:
    """`candidates` of the search space, drawn by the spec's seed."""

    candidates: int = 10

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ConfigurationError(
                f"{self.candidates} candidates can't be compared", where="random search", todo="give 1 or more"
            )


Search = GridSearch | HalvingSearch | RandomSearch
