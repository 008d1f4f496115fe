"""Fits the pipeline of a spec: a search over time-ordered folds, or the champion fitted on.

What the fitted pipeline is worth is measured in `training`.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.parameter_search import GridSearch, HalvingSearch, RandomSearch

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Days = npt.NDArray[np.datetime64]
Folds = Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]


@dataclass(frozen=True)
class StartingPoint:
    """The champion that a fit may go on from: its version, what it reads, its pipeline, the digest of its files."""

    name: str
    version: int
    features: tuple[str, ...]
    pipeline: "Pipeline"
    digest: str
    trained_until: date


@dataclass(frozen=True)
class FittedPipeline:
    """A pipeline fitted on all search rows, how it was chosen, and what it goes on from."""

    pipeline: "Pipeline"
    parameters: Mapping[str, str]
    search_table: pd.DataFrame
    started_from: StartingPoint | None = None


def search(
    rows: pd.DataFrame, labels: npt.NDArray[np.int8], days: Days, folds: Folds, spec: ModelSpec
) -> FittedPipeline:
    """The best candidate of the spec's search space, fitted on all rows.

    Candidates are fitted by joblib's backend of the moment; each alone, so that all backends choose alike. Raises
    ConfigurationError where a candidate can't do what the spec's training window asks of it.
    """
    from platform_assets.domain.modelling.window_pipeline import WindowPipeline

    bare = spec.estimator(spec.seed)
    space = [dict(each) for each in spec.search_space(spec.seed)]
    for last_step in _last_steps(bare, space):
        _require_fit_for_window(last_step, spec)
    found = _search_over(WindowPipeline(bare.steps, window=spec.window), space, folds, spec)
    found.fit(rows, labels, days=days)
    return FittedPipeline(
        pipeline=found.best_estimator_.plain(),
        parameters={name: _described(value) for name, value in found.best_params_.items()},
        search_table=_search_table(found.cv_results_),
    )


def can_go_on(start: StartingPoint, spec: ModelSpec, first_held_out: np.datetime64) -> bool:
    """Whether the champion has seen no held-out day, reads what the spec does, and is one of its candidates' kind."""
    bare = spec.estimator(spec.seed)
    kinds = {type(each) for each in _last_steps(bare, [dict(part) for part in spec.search_space(spec.seed)])}
    return (
        bool(np.datetime64(start.trained_until, "D") < first_held_out)
        and start.features == spec.feature_names
        and [name for name, _ in start.pipeline.steps] == [name for name, _ in bare.steps]
        and type(start.pipeline.steps[-1][1]) in kinds
    )


def go_on(
    start: StartingPoint, rows: pd.DataFrame, labels: npt.NDArray[np.int8], days: Days, spec: ModelSpec
) -> FittedPipeline:
    """The champion's pipeline, fitted on these rows from what its last step has learnt; ensembles get as many more.

    Raises ConfigurationError where that step can't go on from what it has learnt.
    """
    from platform_assets.domain.modelling.window_pipeline import WindowPipeline

    steps = deepcopy(start.pipeline.steps)
    last_step = steps[-1][1]
    _require_fit_for_window(last_step, spec)
    declared = last_step.get_params(deep=False)
    more = {"n_estimators": len(last_step.estimators_) + declared["n_estimators"]} if "n_estimators" in declared else {}
    last_step.set_params(warm_start=True, **more)
    fitted = WindowPipeline(steps, window=spec.window).fit(rows, labels, days=days)
    last_step.set_params(**{name: declared[name] for name in ("warm_start", *more)})
    parameters = {"started_from": f"{start.name} version {start.version}"}
    return FittedPipeline(fitted.plain(), parameters, pd.DataFrame([parameters]), started_from=start)


def _search_over(pipeline: "Pipeline", space: list[dict[str, Any]], folds: Folds, spec: ModelSpec) -> Any:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # makes HalvingGridSearchCV importable
    from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

    given: dict[str, Any] = {"scoring": spec.scoring, "cv": list(folds), "error_score": "raise"}
    match spec.search:
        case GridSearch():
            return GridSearchCV(pipeline, space, **given)
        case HalvingSearch(factor=factor):
            return HalvingGridSearchCV(pipeline, space, factor=factor, random_state=spec.seed, **given)
        case RandomSearch(candidates=candidates):
            return RandomizedSearchCV(pipeline, space, n_iter=candidates, random_state=spec.seed, **given)


def _last_steps(pipeline: "Pipeline", space: list[dict[str, Any]]) -> Iterator[Any]:
    """The estimators that the candidates end in."""
    name, declared = pipeline.steps[-1]
    yield from [each for part in space for each in part.get(name, [declared])]


def _require_fit_for_window(last_step: Any, spec: ModelSpec) -> None:
    kind, window = type(last_step).__name__, type(spec.window).__name__
    if spec.window.weights(np.zeros(1)) is not None and not _takes_weights(last_step):
        raise ConfigurationError(
            f"{kind} can't weigh its rows, as the training window {window} asks",
            where=f"model {spec.name!r}",
            todo="end the pipeline in an estimator whose fit takes sample_weight, or choose another window",
        )
    if spec.window.continues_the_champion and not _goes_on_with_other_rows(last_step):
        raise ConfigurationError(
            f"{kind} can't go on from what it has learnt with other rows, as the training window {window} asks",
            where=f"model {spec.name!r}",
            todo="end every candidate in an estimator with warm_start (LogisticRegression, SGDClassifier, "
            "RandomForestClassifier, …), or choose another window",
        )


def _takes_weights(estimator: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    members = getattr(estimator, "estimators", None)  # a vote hands weights to its members
    if members is not None:
        return all(_takes_weights(member) for _, member in members)
    return has_fit_parameter(estimator, "sample_weight")


def _goes_on_with_other_rows(estimator: Any) -> bool:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Its warm start is for more trees on the same rows: on others it would read old thresholds by new bins.
    return "warm_start" in estimator.get_params(deep=False) and not isinstance(
        estimator, HistGradientBoostingClassifier
    )


def _described(value: Any) -> str:
    """Parameters as one line, estimators by their class: their own parameters are listed beside them."""
    steps = getattr(value, "steps", None)
    if steps is not None:
        return " → ".join(type(step).__name__ for _, step in steps)
    return type(value).__name__ if hasattr(value, "get_params") else str(value)


def _search_table(results: Mapping[str, Any]) -> pd.DataFrame:
    """One row for each candidate, the best first; of a halving search one for each round that it took part in."""
    given = pd.DataFrame(list(results["params"]), dtype=object)
    candidates = given.map(_described).where(given.notna(), "")
    rounds = [name for name in ("n_resources",) if name in results]
    names = (*rounds, "mean_test_score", "std_test_score", "rank_test_score", "mean_fit_time")
    figures = pd.DataFrame({name: results[name] for name in names})
    order = [*rounds, "rank_test_score"]
    return pd.concat([candidates, figures], axis=1).sort_values(
        order, ascending=[name not in rounds for name in order], kind="stable", ignore_index=True
    )
