"""A week of real clicks, one impression in 160: what their validation by day shows, and what it doesn't claim."""

from pathlib import Path

import pytest

from benchmarks.click_loop import LEARNED, RANDOM, ClickLoop, better_than, click_loop, pooled


@pytest.fixture(scope="module")
def loop(shared_data: Path) -> ClickLoop:
    return click_loop(shared_data)


def test_five_clicks_make_no_champion(loop: ClickLoop) -> None:
    assert loop.verdict.objections == ("too_few_rows",)
    assert loop.verdict.numbers["positives"] == 5


@pytest.mark.parametrize(("policy", "days", "clicks"), [(RANDOM, 2, 18), (LEARNED, 7, 69)])
def test_a_model_of_23_clicks_is_not_told_from_chance_and_no_day_is_called_violated(
    loop: ClickLoop, policy: str, days: int, clicks: int
) -> None:
    report = loop.report(policy)
    assert len(report) == days and report["positives"].sum() == clicks
    _, low, high = pooled(loop, policy)["auc"]
    assert low < 0.5 < high
    assert (report["auc_high"] - report["auc_low"]).min() > 0.2
    assert loop.violated_days(policy) == 0


def test_the_level_is_told_far_better_than_by_the_policys_propensity(loop: ClickLoop) -> None:
    assert better_than(loop, LEARNED, "propensity")["log_loss"][2] < -0.1
    assert pooled(loop, LEARNED)["calibration_error"][0] < 0.005


def test_a_feature_that_knows_the_click_is_seen_on_the_day_it_does(shared_data: Path) -> None:
    first, *others = click_loop(shared_data, affinities=True).report(LEARNED).to_dict("records")
    assert first["auc_low"] > 0.9
    assert all(each["auc_low"] < 0.5 for each in others)
