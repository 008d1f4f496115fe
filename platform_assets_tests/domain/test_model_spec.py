"""A wrong spec is refused when it is written down, with a sentence that says what to do."""

from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_policies import DriftPolicy, PromotionPolicy, RetrainPolicy
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.parameter_search import HalvingSearch, RandomSearch
from platform_assets.domain.training_windows import AllWithDecay, Trailing
from platform_assets_tests.model_worlds import small_spec

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Conversion Model"}, "no asset name"),
    ({"description": " "}, "description is empty"),
    ({"owner": "somebody"}, "neither a team nor a person"),
    ({"features": ()}, "no feature columns"),
    ({"features": ("visits", "visits")}, "named twice"),
    ({"features": ("visits", "label")}, r"\['label'\] are no features"),
    ({"features": ("visits", "user_id")}, r"\['user_id'\] are no features"),
    ({"folds": 1}, "1 fold can't compare"),
    ({"sample_limit": 0}, "sample_limit is 0"),
    ({"window": Trailing(days=20)}, "a window of 20 days is too short"),
    ({"metric": "accuracy"}, "'accuracy' is no metric"),
    ({"promotion": PromotionPolicy(slices=("age",))}, r"slices \['age'\] are no features"),
]


@pytest.mark.parametrize(("changes", "complaint"), WRONG)
def test_a_wrong_field_is_named_with_what_to_do(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        small_spec(**changes)
    assert caught.value.todo


WRONG_PARTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: Trailing(days=0), "days is 0"),
    (lambda: Trailing(step_days=0), "step_days is 0"),
    (lambda: AllWithDecay(half_life_days=0), "half_life_days is 0"),
    (lambda: PromotionPolicy(margin=-0.1), "margin -0.1 is no difference"),
    (lambda: PromotionPolicy(calibration_margin=2), "calibration_margin 2 is no share"),
    (lambda: DriftPolicy(psi=0), "psi 0 is no threshold"),
    (lambda: RetrainPolicy(violated_days=6, matured_days=5), "6 of 5 days can't be violated"),
    (lambda: RetrainPolicy(cooldown_days=-1), "cooldown_days is -1"),
    (lambda: RetrainPolicy(new_labels=0), "new_labels is 0"),
    (lambda: HalvingSearch(factor=1), "a factor of 1 leaves nobody out"),
    (lambda: RandomSearch(candidates=0), "0 candidates can't be compared"),
]


@pytest.mark.parametrize(("declare", "complaint"), WRONG_PARTS)
def test_a_wrong_part_of_a_spec_is_named_with_what_to_do(declare: Callable[[], Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        declare()
    assert caught.value.todo


@pytest.mark.parametrize(("event_type", "horizon", "maturity"), [("", 7, 8), ("purchase", 0, 8), ("purchase", 7, 5)])
def test_a_label_that_cannot_mature_is_refused(event_type: str, horizon: int, maturity: int) -> None:
    with pytest.raises(ConfigurationError):
        LabelRule(event_type, horizon_days=horizon, maturity_days=maturity)


def test_feature_days_end_at_the_last_mature_label_and_stay_in_the_window() -> None:
    spec = small_spec(window=Trailing(days=42, step_days=2))
    days = spec.feature_days(date(2026, 3, 1))
    assert days[-1] == date(2026, 2, 21)
    assert days[0] > days[-1] - timedelta(days=42)
    assert {(late - early).days for early, late in pairwise(days)} == {2}
    assert len({day.weekday() for day in days}) == 7


def test_the_fingerprint_follows_every_change_and_nothing_else() -> None:
    assert small_spec().fingerprint == small_spec().fingerprint
    assert small_spec(seed=2).fingerprint != small_spec().fingerprint
    assert small_spec(estimator=print).fingerprint != small_spec().fingerprint


LEARNT: list[dict[str, Any]] = [
    {"features": ("visits", "carts")},
    {"features": ("carts", "visits", "noise")},
    {"label": LabelRule("purchase", horizon_days=6, maturity_days=8)},
    {"label": LabelRule("purchase", horizon_days=7, maturity_days=9)},
    {"estimator": print},
    {"search_space": print},
    {"metric": "brier"},
    {"search": RandomSearch()},
    {"folds": 3},
    {"window": Trailing(days=43)},
    {"window": AllWithDecay(days=42)},
    {"holdout_days": 8},
    {"sample_limit": 10},
    {"sample_fraction": 0.5},
    {"seed": 1},
]
NOT_LEARNT: list[dict[str, Any]] = [
    {"description": "Other words."},
    {"owner": "team:other"},
    {"alerts": ("pager",)},
    {"scores_due": "0 7 * * *"},
    {"promotion": PromotionPolicy(margin=0.1)},
    {"drift": DriftPolicy(psi=0.3)},
    {"retraining": RetrainPolicy(cooldown_days=1)},
]


@pytest.mark.parametrize("changes", LEARNT)
def test_what_changes_a_training_changes_its_fingerprint(changes: dict[str, Any]) -> None:
    assert small_spec(**changes).training_fingerprint != small_spec().training_fingerprint


@pytest.mark.parametrize("changes", NOT_LEARNT)
def test_what_changes_no_training_leaves_its_fingerprint(changes: dict[str, Any]) -> None:
    assert small_spec(**changes).training_fingerprint == small_spec().training_fingerprint
    assert small_spec(**changes).fingerprint != small_spec().fingerprint


def test_every_field_is_known_to_change_a_training_or_not() -> None:
    known = {name for changes in (*LEARNT, *NOT_LEARNT) for name in changes} | {"name", "entity"}
    assert {each.name for each in fields(ModelSpec)} == known
