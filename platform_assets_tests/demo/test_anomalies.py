"""Planted outages and surges change the traffic of their sites in their hours, and nothing else that matters."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from platform_assets.demo.anomalies import FIRST_ANOMALY_DAY, OUTAGE, SURGE, anomalies, planted_rows, with_anomalies
from platform_assets.demo.browsing import browse
from platform_assets.demo.conversions import ConversionLaw, live
from platform_assets.demo.events import PURCHASE, Events
from platform_assets.demo.hubs import make_hubs
from platform_assets.demo.planted_traffic import PlantedTraffic, planted_traffic
from platform_assets.demo.population import make_population
from platform_assets.demo.web import PAGES_PER_SITE, site_domains
from platform_assets.demo.world import World
from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets_tests.demo.left_behind import LeftBehind

WORLD = World(date(2026, 1, 5), days=40, events=60_000, seed=5)


@pytest.fixture(scope="module")
def days() -> dict[int, Events]:
    """What persons do on the days of the first four anomalies, had these not happened."""
    population = make_population(WORLD)
    wanted = {FIRST_ANOMALY_DAY + 2 * number for number in range(4)}
    law, hubs = ConversionLaw(WORLD, population), make_hubs(WORLD, population)
    lived = live(WORLD, population, law)
    return {today.day: browse(WORLD, population, hubs, [], today) for today in lived if today.day in wanted}


def hours_of(events: Events, first_site: int, last_site: int, start_ms: int, end_ms: int) -> int:
    site = events.page // PAGES_PER_SITE
    inside = (site >= first_site) & (site <= last_site) & (events.time >= start_ms) & (events.time < end_ms)
    return int(inside.sum())


def test_an_outage_leaves_nothing_and_a_surge_six_times_as_much_of_their_hours(days: dict[int, Events]) -> None:
    planted = anomalies(WORLD)
    kinds = set()
    for anomaly in planted[:4]:
        day = (anomaly.start_ms - WORLD.midnight_ms(0)) // 86_400_000
        before, after = days[day], with_anomalies(WORLD, day, planted, days[day])
        place = anomaly.first_site, anomaly.last_site, anomaly.start_ms, anomaly.end_ms
        usual = hours_of(before, *place)
        assert usual > 0
        assert hours_of(after, *place) == (0 if anomaly.kind == OUTAGE else 6 * usual)
        assert len(after) - hours_of(after, *place) == len(before) - usual
        kinds.add(anomaly.kind)
    assert kinds == {OUTAGE, SURGE}


def test_purchases_stay_as_they_are(days: dict[int, Events]) -> None:
    planted = anomalies(WORLD)
    for day, before in days.items():
        after = with_anomalies(WORLD, day, planted, before)
        for name, column in vars(before).items():
            bought = before.event_type == PURCHASE
            np.testing.assert_array_equal(column[bought], getattr(after, name)[after.event_type == PURCHASE])


def test_a_world_without_anomalies_and_the_first_four_weeks_of_any_have_none() -> None:
    assert anomalies(World(date(2026, 1, 5), 60, 1000, 7, anomalies=False)) == ()
    assert anomalies(World(date(2026, 1, 5), FIRST_ANOMALY_DAY, 1000, 7)) == ()
    starts = [anomaly.interval[0].date() for anomaly in anomalies(WORLD)]
    assert min(starts) >= date(2026, 2, 2) and max(starts) < WORLD.last_day
    assert WORLD.date_of(WORLD.missing_day) not in starts


def test_the_truth_names_every_site_and_its_hours(world: LeftBehind) -> None:
    summary = world.rows("SELECT domain, from_time, to_time, kind FROM anomalies")
    assert len(summary) >= 1
    for domain, begin, end, kind in summary:
        events = world.value(
            f"SELECT count(*) FROM events WHERE url LIKE 'https://{domain}/%' AND event_time >= TIMESTAMP '{begin}'"
            f" AND event_time < TIMESTAMP '{end}' AND user_agent LIKE 'M%/5%'"
            " AND user_agent NOT LIKE '%compatible%' AND user_agent NOT LIKE '%Headless%'"
        )
        assert events == 0 if kind == OUTAGE else events > 0


def marked(series: str, hours: list[int], of: range = range(24)) -> list[dict]:
    return [
        {"series": series, "hour_at": datetime(2026, 2, 2, hour), "horizon_days": 0, "is_anomaly": hour in hours}
        for hour in of
    ]


def judged(rows: list[dict], truth: list[tuple[str, int, int]]) -> PlantedTraffic:
    import ibis
    import pyarrow as pa

    table = ibis.memtable(pa.Table.from_pylist(rows, schema=TRAFFIC_DECOMPOSITION.schema().to_pyarrow()))
    columns = [(domain, datetime(2026, 2, 2, begin), datetime(2026, 2, 2, end)) for domain, begin, end in truth]
    return planted_traffic(table, pd.DataFrame(columns, columns=["domain", "from_time", "to_time"]))


def test_found_is_an_hour_within_and_right_is_a_run_that_overlaps() -> None:
    rows = marked("site:a", [3, 4, 20]) + marked("site:b", [14]) + marked("site:c", []) + marked("all", [9])
    found = judged(rows, [("www.a", 4, 8), ("www.b", 9, 14), ("www.c", 1, 5), ("www.unknown", 1, 5)])
    assert found == PlantedTraffic(judged_sites=3, planted=3, found=1, runs=3, right=1)
    assert (found.recall, found.precision) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_hours_with_a_short_pause_between_are_one_run() -> None:
    assert judged(marked("site:a", [3, 7, 12]), [("www.a", 3, 4)]).runs == 2


def test_rows_of_the_truth_are_a_row_for_each_site() -> None:
    planted = anomalies(WORLD)
    sites = sum(anomaly.last_site - anomaly.first_site + 1 for anomaly in planted)
    rows = planted_rows(planted, site_domains())
    assert len(rows) == sites
    assert {row["kind"] for row in rows} == {OUTAGE, SURGE}
