"""The loop over a bank's calls of the spring of 2009, when fewer and other persons were called than the year before."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.bank_loop import Calls, Replay, by_engine
from benchmarks.bank_marketing import MONTHS, WEEKDAYS, read_calls
from benchmarks.bank_spec import bank_spec
from platform_assets.domain.model_spec import ModelSpec

START, EARLIER, END = date(2009, 4, 12), date(2009, 4, 28), date(2009, 5, 22)


@pytest.fixture(scope="module")
def calls(shared_data: Path) -> pd.DataFrame:
    return read_calls(shared_data)[0]


@pytest.fixture(scope="module")
def spec(shared_data: Path) -> ModelSpec:
    return bank_spec(read_calls(shared_data)[1], wait_days=7)


def until(calls: pd.DataFrame, last: date) -> Calls:
    return Calls(calls[(calls["event_date"] >= date(2009, 3, 1)) & (calls["event_date"] <= last)])


@pytest.fixture(scope="module")
def spring(calls: pd.DataFrame, spec: ModelSpec) -> Replay:
    return by_engine(until(calls, END), spec, START)


def test_every_call_has_the_month_and_nearly_every_one_the_weekday_of_the_file(
    calls: pd.DataFrame, shared_data: Path
) -> None:
    given = pd.read_csv(shared_data / "bank_marketing" / "bank_2008_2009.csv.gz", sep=";")
    days = pd.to_datetime(calls["event_date"])
    assert days.is_monotonic_increasing
    assert [MONTHS[number - 1] for number in days.dt.month] == list(given["month"])
    weekdays = pd.Series([WEEKDAYS[number] for number in days.dt.weekday])
    assert (weekdays == given["day_of_week"]).mean() > 0.99
    assert days.nunique() == 308


def test_what_is_decided_and_scored_on_a_day_knows_nothing_of_later_calls(
    calls: pd.DataFrame, spec: ModelSpec, spring: Replay
) -> None:
    shorter = by_engine(until(calls, EARLIER), spec, START)
    known = [each for each in spring.decisions if each.decision_date <= EARLIER]
    assert shorter.decisions == known
    pd.testing.assert_frame_equal(shorter.scored, spring.scored[: len(shorter.scored)])


def test_the_engine_notices_the_spring_trains_on_it_and_uses_only_what_is_shown_to_be_better(spring: Replay) -> None:
    noticed = [each for each in spring.decisions if each.noticed_date is not None]
    assert noticed and all(each.due_date for each in noticed)
    assert any("can be learned now" in each.told for each in spring.trainings)
    judged = [each.verdict for each in spring.trainings if each.verdict and "difference_low" in each.verdict.numbers]
    assert {each.promoted for each in judged} == {True, False}
    assert all(each.numbers["difference_low"] > 0 for each in judged if each.promoted)
