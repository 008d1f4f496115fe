"""Windows weigh and continue as they say, every kind of search finds its best, and workers change no model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space
from platform_assets.domain.modelling.fitting import StartingPoint
from platform_assets.domain.modelling.time_split import as_days, split_by_time
from platform_assets.domain.modelling.training import TrainedModel, feature_matrix, train
from platform_assets.domain.parameter_search import GridSearch, HalvingSearch, RandomSearch, Search
from platform_assets.domain.training_windows import AllData, AllWithDecay, Trailing, TrainingWindow, WarmStart
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows
from resources.search_workers import SearchWorkers

BOTH_FAMILIES = {"estimator": logistic_or_boosting, "search_space": logistic_or_boosting_space}
ONE_IS_BEST = {"metric": "log_loss", "search_space": lambda seed: [{"classify__C": [1e-9, 1e-8, 1e-7, 1.0]}]}
DECAY = AllWithDecay(days=42, half_life_days=5)


def trained_with(window: TrainingWindow, champion: StartingPoint | None = None, **changes: Any) -> TrainedModel:
    spec = small_spec(window=window, **changes)
    return train(training_rows(spec), spec, TRAINING_DATE, champion)


def coefficients(trained: TrainedModel) -> np.ndarray:
    return trained.pipeline.steps[-1][1].coef_.ravel()


def started_from(trained: TrainedModel, trained_until: date = date(2026, 2, 1)) -> StartingPoint:
    return StartingPoint(
        "conversion", 1, small_spec().feature_names, trained.pipeline, "digest-of-files", trained_until
    )


def few_steps(seed: int) -> Any:
    """A linear model that stops long before it has converged, so that it shows where it started."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=1e-6, max_iter=1, tol=None, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("classify", steps)])


def one_candidate(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    return [{"classify__alpha": [1e-4]}]


def test_a_decaying_window_fits_as_scikit_learn_does_with_these_weights() -> None:
    spec = small_spec(window=DECAY, search_space=lambda seed: [{"classify__C": [1.0]}])
    search = split_by_time(training_rows(spec), spec).search
    days = as_days(search["feature_date"])
    ages = (days.max() - days) / np.timedelta64(1, "D")
    bare = spec.estimator(spec.seed).set_params(classify__C=1.0)
    bare.fit(feature_matrix(search, spec), search["label"], classify__sample_weight=0.5 ** (ages / 5))
    trained = train(training_rows(spec), spec, TRAINING_DATE)
    assert coefficients(trained) == pytest.approx(bare.steps[-1][1].coef_.ravel(), abs=1e-12)
    assert coefficients(trained) != pytest.approx(coefficients(trained_with(Trailing())), abs=1e-3)


def test_a_decaying_window_follows_a_change_that_a_trailing_one_averages_out() -> None:
    spec = small_spec(window=Trailing(days=84, step_days=2))
    rows = training_rows(spec)
    days = as_days(rows["feature_date"])
    changed = days >= np.datetime64("2026-01-25")
    rows.loc[changed, "label"] = 1 - rows.loc[changed, "label"]
    auc = {
        type(window).__name__: train(rows, replace(spec, window=window), TRAINING_DATE).metrics["auc"].value
        for window in (spec.window, AllWithDecay(days=84, half_life_days=3))
    }
    assert auc["AllWithDecay"] > 0.7 > 0.5 > auc["Trailing"]


def test_the_folds_of_a_long_decaying_window_weigh_their_own_rows() -> None:
    window = AllWithDecay(days=300, step_days=6, half_life_days=3)
    spec = small_spec(window=window, folds=3)
    rows = training_rows(spec, users=60)
    assert train(rows, spec, TRAINING_DATE).search_table["mean_test_score"].min() > 0.7


def test_all_data_learns_from_the_days_there_are() -> None:
    spec = small_spec(window=AllData())
    rows = training_rows(replace(spec, window=Trailing(days=120)), users=20)
    assert train(rows, spec, TRAINING_DATE).first_day == rows["feature_date"].min()


def test_every_candidate_of_the_two_families_can_weigh_its_rows() -> None:
    spec = small_spec(window=DECAY, **BOTH_FAMILIES)
    assert len(train(training_rows(spec, users=25), spec, TRAINING_DATE).search_table) == 4


def nearest_neighbours(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline

    return Pipeline([("classify", KNeighborsClassifier())])


def no_search(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    return [{}]


def test_an_estimator_that_cannot_weigh_rows_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="KNeighborsClassifier can't weigh its rows") as caught:
        trained_with(DECAY, estimator=nearest_neighbours, search_space=no_search)
    assert "sample_weight" in caught.value.todo


def test_without_a_champion_a_warm_start_is_a_search() -> None:
    warm, cold = trained_with(WarmStart()), trained_with(Trailing())
    assert warm.started_from is None
    assert coefficients(warm).tolist() == coefficients(cold).tolist()


def test_a_warm_start_goes_on_from_what_the_champion_has_learnt() -> None:
    steps = {"estimator": few_steps, "search_space": one_candidate}
    cold = trained_with(WarmStart(), **steps)
    cold.pipeline.steps[-1][1].coef_[:] = 7.0
    warm = trained_with(WarmStart(), started_from(cold), **steps)
    assert warm.started_from is not None and warm.started_from.version == 1
    assert coefficients(warm) == pytest.approx(7.0, abs=0.5)
    assert coefficients(cold).tolist() == [7.0] * 3, "the champion itself stays as it was"
    assert not warm.pipeline.steps[-1][1].warm_start


def test_what_a_warm_start_goes_on_from_is_part_of_the_digest() -> None:
    steps = {"estimator": few_steps, "search_space": one_candidate}
    cold = trained_with(WarmStart(), **steps)
    first, again = (trained_with(WarmStart(), started_from(cold), **steps).digest for _ in range(2))
    other = trained_with(WarmStart(), replace(started_from(cold), digest="another"), **steps).digest
    assert first == again != other


def forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

    return Pipeline([("classify", RandomForestClassifier(n_estimators=5, max_depth=3, random_state=seed))])


def test_a_forest_gets_as_many_trees_again_with_every_warm_start() -> None:
    model = {"estimator": forest, "search_space": no_search}
    once = trained_with(WarmStart(), **model)
    twice = trained_with(WarmStart(), started_from(once), **model)
    thrice = trained_with(WarmStart(), started_from(twice), **model)
    assert [len(each.pipeline.steps[-1][1].estimators_) for each in (once, twice, thrice)] == [5, 10, 15]


def test_a_champion_that_has_seen_held_out_days_is_not_gone_on_from() -> None:
    first = trained_with(WarmStart())
    seen = started_from(first, trained_until=date(2026, 2, 15))
    assert trained_with(WarmStart(), seen).started_from is None
    before = started_from(first, trained_until=date(2026, 2, 15) - timedelta(days=1))
    assert trained_with(WarmStart(), before).started_from is before


def test_a_champion_of_other_features_or_another_kind_is_not_gone_on_from() -> None:
    champion = started_from(trained_with(WarmStart()))
    assert trained_with(WarmStart(), replace(champion, features=("visits", "carts"))).started_from is None
    assert trained_with(WarmStart(), champion, estimator=few_steps, search_space=one_candidate).started_from is None


def test_an_estimator_that_cannot_go_on_with_other_rows_is_refused_already_by_the_first_training() -> None:
    with pytest.raises(ConfigurationError, match="HistGradientBoostingClassifier can't go on") as caught:
        trained_with(WarmStart(), **BOTH_FAMILIES)
    assert "warm_start" in caught.value.todo


@pytest.mark.parametrize("kind", [GridSearch(), HalvingSearch(), RandomSearch(candidates=3)])
def test_every_kind_of_search_repeats_itself_and_finds_the_planted_best(kind: Search) -> None:
    spec = small_spec(search=kind, **ONE_IS_BEST)
    first, again = (train(training_rows(spec), spec, TRAINING_DATE) for _ in range(2))
    assert first.digest == again.digest
    if not isinstance(kind, RandomSearch):
        assert first.parameters == {"classify__C": "1.0"}


def test_a_halving_search_leaves_candidates_out_and_a_random_one_draws_some() -> None:
    halving = trained_with(Trailing(), search=HalvingSearch(factor=2), **ONE_IS_BEST).search_table
    assert halving.groupby("n_resources").size().sort_index().tolist() == [4, 2, 1]
    assert halving["classify__C"].iloc[0] == "1.0"
    assert len(trained_with(Trailing(), search=RandomSearch(candidates=2), **ONE_IS_BEST).search_table) == 2


@pytest.mark.parametrize(("metric", "winner"), [("auc", "1e-09"), ("log_loss", "1.0"), ("brier", "1.0")])
def test_the_search_maximises_the_metric_of_the_spec(metric: str, winner: str) -> None:
    """The AUC asks for the order only, which a model of tiny coefficients has as well; losses ask for chances."""
    spec: ModelSpec = small_spec(metric=metric, search_space=lambda seed: [{"classify__C": [1e-9, 1.0]}])
    table = train(training_rows(spec, signal=0.3, users=1000), spec, TRAINING_DATE).search_table
    assert table["classify__C"].iloc[0] == winner
    assert (table["mean_test_score"].iloc[0] > 0) == (metric == "auc")


@pytest.mark.parametrize("workers", [SearchWorkers("threading", 2), SearchWorkers("loky", 2)])
def test_workers_beside_each_other_train_the_same_model(workers: SearchWorkers) -> None:
    spec = small_spec(window=DECAY, **BOTH_FAMILIES)
    rows = training_rows(spec, users=25)
    alone = train(rows, spec, TRAINING_DATE)
    with workers.at_work():
        beside = train(rows, spec, TRAINING_DATE)
    assert beside.digest == alone.digest
    scores = [each.search_table["mean_test_score"].tolist() for each in (alone, beside)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("spark", "joblibspark")])
def test_a_backend_whose_package_is_missing_says_what_to_install(backend: str, package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    with pytest.raises(ConfigurationError, match=f"needs the package {package}"), SearchWorkers(backend).at_work():
        pass
