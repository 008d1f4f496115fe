"""A bank's calls while its world changed: the economy's figures have drifted, the persons called hold longer."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from platform_assets.domain.drift.comparison import FEATURE, TRAINING, Pair, compared
from platform_assets.domain.drift.decision import decided
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.model_policies import DriftPolicy
from platform_assets_tests.domain.drift.bank_months import ECONOMY, months, sample

Months = dict[date, pd.DataFrame]


@pytest.fixture(scope="module")
def calls(shared_data: Path) -> Months:
    return months(shared_data)


def drifted(today: Sample, before: Sample) -> set[str]:
    rows = decided(compared([Pair(TRAINING, FEATURE, today, before)], []), DriftPolicy())
    return set(rows["subject"][rows["drifted"]])


def test_after_two_months_of_2008_the_economy_never_looks_as_it_did(calls: Months) -> None:
    first, second, *later = sorted(calls)
    before = sample(pd.concat([calls[first], calls[second]]), first, second)
    found = {month: drifted(sample(calls[month], month), before) for month in later}
    assert all(set(ECONOMY) <= columns for columns in found.values())
    assert not any({"housing", "loan"} & columns for columns in found.values())
    assert found[date(2008, 7, 1)] - set(ECONOMY) == {"contact"}


def test_halves_of_one_month_are_not_called_drifted(calls: Months) -> None:
    may = date(2008, 5, 1)
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(40):
        half = random.random(len(calls[may])) < 0.5
        alarms += bool(drifted(sample(calls[may][half], may), sample(calls[may][~half], may)))
    assert alarms == 0
