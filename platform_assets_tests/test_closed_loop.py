"""The loop runs with no human: a planted drift is noticed, learned and over, quiet days change nothing.

The short form lives through a small world with a label of one day; `make loop` the whole one, and draws it.
"""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pytest

from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.training_windows import AllWithDecay
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets_tests.closed_loop import ClosedLoop, Story

pytestmark = pytest.mark.loop

DAYS, DRIFT_DAY, HISTORY, BAD_DAY = 38, 20, 13, 18
SPEC = replace(
    CONVERSION,
    label=LabelRule("purchase", horizon_days=1, maturity_days=2),
    window=AllWithDecay(half_life_days=3, step_days=1),
    holdout_days=4,
    folds=2,
    retraining=RetrainPolicy(learnable_days=4, cooldown_days=4, metric_fall=0.05),
)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedLoop]:
    with dg.DagsterInstance.ephemeral() as instance:
        lived = ClosedLoop(tmp_path_factory.mktemp("loop"), SPEC, DAYS, 400_000, DRIFT_DAY, instance)
        lived.backfill(HISTORY)
        lived.live(HISTORY + 1, HISTORY + 1)
        if lived.registry.champion(SPEC.name) is None:
            lived.promote_by_hand()  # so small a world may hold no model that is shown to beat one feature
        lived.live(HISTORY + 2, BAD_DAY)
        lived.bad_version = lived.plant_bad_challenger(BAD_DAY)
        lived.live(BAD_DAY + 1, DAYS - 1)
        yield lived


@pytest.fixture(scope="module")
def story(loop: ClosedLoop) -> Story:
    return loop.story()


def test_no_run_failed(loop: ClosedLoop) -> None:
    assert loop.failed == []


def test_every_day_has_its_decision_with_a_reason(story: Story) -> None:
    assert story.decisions["day"].is_unique
    assert set(range(HISTORY + 1, DAYS)) <= set(story.decisions["day"])
    assert story.decisions["reason"].str.len().gt(0).all()


def test_quiet_days_train_nothing_but_the_first_champion(story: Story) -> None:
    assert len([day for day in story.trainings if day < DRIFT_DAY]) == 1


def test_a_challenger_that_learnt_nonsense_is_refused(loop: ClosedLoop, story: Story) -> None:
    (verdict,) = story.promotions[story.promotions["version"] == loop.bad_version].to_dict("records")
    assert verdict["decision"] == "refused"
    assert verdict["difference_high"] < 0


def test_drift_is_noticed_within_a_day_of_what_the_labels_allow(story: Story) -> None:
    days_needed = SPEC.retraining.violated_days
    possible = DRIFT_DAY + days_needed - 1 + SPEC.label.maturity_days
    noticed = story.decisions["noticed"].dropna()
    assert DRIFT_DAY <= noticed.iloc[0] <= possible + 1


def test_the_drift_is_learned_by_one_training_that_is_promoted(story: Story) -> None:
    (trained,) = [day for day in story.trainings if day >= DRIFT_DAY]
    assert trained in story.promoted


def test_the_scores_come_true_again_after_the_promotion(story: Story) -> None:
    (trained,) = [day for day in story.trainings if day >= DRIFT_DAY]
    auc = story.validation.set_index("day")["auc"]
    suffered = auc[(auc.index >= DRIFT_DAY) & (auc.index <= trained)].mean()
    recovered = auc[auc.index > trained].mean()
    before = auc[auc.index < DRIFT_DAY].mean()
    assert recovered - suffered > 0.6 * (before - suffered)


def test_every_validated_day_tells_the_version_that_scored_it(loop: ClosedLoop, story: Story) -> None:
    champions = dict(zip(story.promotions["day"], story.promotions["version"], strict=True))
    for day, version in zip(story.validation["day"], story.validation["model_version"], strict=True):
        served = [champions[promoted] for promoted in story.promoted if promoted < day]
        assert not served or version == served[-1]
