"""The planted probabilities: exact, calibrated against the coins that fell, and learnable from earlier behaviour."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from platform_assets.demo import simulate
from platform_assets.demo.conversions import ConversionLaw, Horizon, live
from platform_assets.demo.events import EVENT_TYPES, PURCHASE
from platform_assets.demo.population import make_population
from platform_assets.demo.world import World
from platform_assets_tests.demo.left_behind import ARGUMENTS, LeftBehind

WORLD = World(date(2026, 1, 5), 30, 60_000, 5)


def planted_and_observed(world: LeftBehind, day: date) -> tuple[np.ndarray, np.ndarray]:
    """Planted probability of every person on a day, and whether a purchase came within seven days."""
    found = world.connection.sql(
        f"SELECT probability, person_id IN (SELECT person_id FROM events_of_persons WHERE event_type = 'purchase'"
        f" AND CAST(event_time AS DATE) BETWEEN DATE '{day}' AND DATE '{day + timedelta(days=6)}') AS bought"
        f" FROM conversion_probability WHERE event_date = DATE '{day}'"
    ).fetchnumpy()
    return found["probability"], found["bought"]


def test_as_many_buy_as_the_planted_probabilities_say_in_every_tenth_of_them(world: LeftBehind):
    weeks = [planted_and_observed(world, ARGUMENTS["first_day"] + timedelta(days=start)) for start in (0, 7, 14, 21)]
    planted, bought = (np.concatenate(parts) for parts in zip(*weeks, strict=True))
    tenths = np.array_split(np.argsort(planted, kind="stable"), 10)
    for tenth in tenths:
        error = np.sqrt((planted[tenth] * (1 - planted[tenth])).sum())
        assert abs(bought[tenth].sum() - planted[tenth].sum()) <= 4 * error
    assert 0.05 <= bought.mean() <= 0.12


def test_every_person_that_ever_appears_has_a_probability_for_every_day(world: LeftBehind):
    seen = "SELECT DISTINCT person_id FROM events_of_persons WHERE person_id IS NOT NULL"
    assert not world.rows(f"({seen}) EXCEPT SELECT person_id FROM conversion_probability")
    assert world.value("SELECT count(*) = 30 * count(DISTINCT person_id) FROM conversion_probability")
    assert world.value("SELECT bool_and(probability >= probability_1d) FROM conversion_probability")
    assert world.value("SELECT bool_and(probability_1d >= 0 AND probability < 1) FROM conversion_probability")


def test_the_probability_of_one_day_is_the_coins_own():
    population = make_population(WORLD)
    law = ConversionLaw(WORLD, population)
    today = next(iter(live(WORLD, population, law)))
    coin = law.buying(0)[np.arange(population.persons), today.state]
    assert Horizon(law, 1).probability(today) == pytest.approx(coin)


def test_a_longer_horizon_is_never_less_probable():
    population = make_population(WORLD)
    law = ConversionLaw(WORLD, population)
    today = next(iter(live(WORLD, population, law)))
    by_days = np.array([Horizon(law, days).probability(today) for days in (1, 2, 7, 14)])
    assert (np.diff(by_days, axis=0) >= 0).all()


def test_drift_turns_the_relation_between_interests_and_purchases_around(tmp_path: Path):
    simulate(tmp_path / "landing", first_day=date(2026, 1, 5), days=20, events=40_000, drift_day=10)
    truth = {name: pq.read_table(tmp_path / f"truth/{name}.parquet").to_pandas() for name in TRUTH}
    planted = truth["conversion_probability"].merge(truth["persons"], on="person_id")
    by_day = [
        planted[planted.event_date == date(2026, 1, day)][["probability", "interest_electronics"]]
        .corr("spearman")
        .iat[0, 1]
        for day in (5, 20)
    ]
    assert by_day[0] > 0.15
    assert by_day[1] < -0.15
    faults = truth["trouble"]
    assert faults.loc[faults.kind == "drift", "event_date"].tolist() == [date(2026, 1, 15)]


TRUTH = ("persons", "conversion_probability", "trouble")


def auc_of_planted_and_of_a_model(world: LeftBehind, first_day: date, days: int) -> tuple[float, float]:
    """AUC on later days: of the planted probabilities, and of a logistic regression on trailing counts by person."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    start = f"DATE '{first_day}'"
    seen = world.connection.sql(
        f"SELECT person_id AS k, CAST(event_time AS DATE) - {start} AS day, event_type FROM events_of_persons"
        " WHERE person_id IS NOT NULL"
    ).fetchnumpy()
    known = world.connection.sql(
        f"SELECT person_id AS k, event_date - {start} AS day, probability FROM conversion_probability"
    ).fetchnumpy()
    keys = int(known["k"].max()) + 1
    counts = np.zeros((days, keys, len(EVENT_TYPES)))
    planted = np.zeros((days, keys))
    types = np.select([seen["event_type"] == name for name in EVENT_TYPES], range(len(EVENT_TYPES)))
    np.add.at(counts, (seen["day"], seen["k"], types), 1)
    planted[known["day"], known["k"]] = known["probability"]

    def examples(day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        windows = [counts[max(0, day - width) : day].sum(axis=0) for width in (1, 7, 28)]
        active = windows[-1].sum(axis=1) > 0
        bought = counts[day : day + 7, :, PURCHASE].sum(axis=0) > 0
        return np.log1p(np.hstack(windows))[active], bought[active], planted[day][active]

    last = days - 9
    training = [examples(day) for day in range(10, last - 7)]
    later = [examples(day) for day in range(last - 4, last + 1)]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(np.vstack([part[0] for part in training]), np.concatenate([part[1] for part in training]))
    bought = np.concatenate([part[1] for part in later])
    score = model.predict_proba(np.vstack([part[0] for part in later]))[:, 1]
    return roc_auc_score(bought, np.concatenate([part[2] for part in later])), roc_auc_score(bought, score)


def test_a_plain_model_on_trailing_counts_comes_near_the_planted_probabilities(world: LeftBehind):
    planted, model = auc_of_planted_and_of_a_model(world, ARGUMENTS["first_day"], ARGUMENTS["days"])
    assert 0.76 <= planted <= 0.88
    assert planted - model < 0.04
