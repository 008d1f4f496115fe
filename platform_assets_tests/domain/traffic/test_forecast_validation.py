"""What became of forecasts is what comparing them hour by hour gives; gaps take no part."""

from collections import defaultdict
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.forecast_validation import FORECAST_VALIDATION
from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.forecast_validation import forecast_validation, validated_days
from platform_assets_tests.domain.raw_worlds import DAY
from resources.compute.duckdb_engine import DuckDBEngine

figures = st.integers(0, 30_000_000).map(lambda number: number / 1e6)
WEEK = timedelta(days=7)


def row(day: int, horizon: int, hour: int, **columns: Any) -> dict[str, Any]:
    made = DAY + timedelta(days=day)
    at = datetime.combine(made + timedelta(days=horizon), time(hour))
    return {"event_date": made, "series": "all", "hour_at": at, "horizon_days": horizon, **columns}


observed = st.builds(
    row,
    st.integers(-8, 2),
    st.just(0),
    st.integers(5, 7),
    series=st.sampled_from(["all", "site:a"]),
    events=st.one_of(st.none(), st.integers(0, 30), st.integers(0, 30)),
)
ahead = st.builds(
    row,
    st.integers(-8, 1),
    st.integers(1, 7),
    st.integers(5, 7),
    series=st.sampled_from(["all", "site:a"]),
    forecast=figures,
    forecast_low=st.one_of(st.none(), st.floats(0, 10)),
)
worlds = st.tuples(
    st.lists(observed, min_size=10, max_size=60, unique_by=lambda each: (each["series"], each["hour_at"])),
    st.lists(ahead, max_size=60, unique_by=lambda each: (each["series"], each["hour_at"], each["event_date"])),
)


def table(rows: list[dict]) -> ibis.Table:
    for each in rows:
        low = each.get("forecast_low")
        each["forecast_high"] = None if low is None else low + 12.5
    return ibis.memtable(pa.Table.from_pylist(rows, schema=TRAFFIC_DECOMPOSITION.schema().to_pyarrow()))


def validated(engine: DuckDBEngine, rows: list[dict], first: int, last: int) -> list[dict]:
    days = (DAY + timedelta(days=number) for number in (first, last))
    found = engine.backend.to_pyarrow(forecast_validation(table(rows), *days)).to_pylist()
    return sorted(found, key=lambda each: (each["event_date"], each["series"], each["horizon_days"]))


def expected(rows: list[dict], first: int, last: int) -> list[dict]:
    came = {(each["series"], each["hour_at"]): each["events"] for each in rows if each["horizon_days"] == 0}
    hours = defaultdict(list)
    for each in rows:
        key = each["series"], each["hour_at"]
        day = each["hour_at"].date()
        events, naive = came.get(key), came.get((key[0], key[1] - WEEK))
        if each["horizon_days"] and None not in (events, naive) and first <= (day - DAY).days <= last:
            hours[day, key[0], each["horizon_days"]].append((each, events, naive))
    return [
        dict(zip(("event_date", "series", "horizon_days"), key, strict=True)) | compared(hours[key])
        for key in sorted(hours)
    ]


def compared(hours: list[tuple[dict, int, int]]) -> dict[str, Any]:
    with_interval = [(each, events) for each, events, _ in hours if each["forecast_low"] is not None]
    covered = sum(each["forecast_low"] <= events <= each["forecast_high"] for each, events in with_interval)
    distances = [abs(Decimal(f"{each['forecast']:.6f}") - events) for each, events, _ in hours]
    return {
        "hours": len(hours),
        "events": sum(events for _, events, _ in hours),
        "forecast": float(sum(Decimal(f"{each['forecast']:.6f}") for each, _, _ in hours)),
        "mean_absolute_error": float(sum(distances)) / len(hours),
        "naive_error": sum(abs(events - naive) for _, events, naive in hours) / len(hours),
        "interval_hours": len(with_interval),
        "covered_hours": covered,
        "coverage": covered / len(with_interval) if with_interval else None,
    }


@settings(max_examples=15, deadline=None)
@given(world=worlds)
def test_validation_is_what_comparing_hour_by_hour_gives(world: tuple, one_engine: DuckDBEngine) -> None:
    rows = [*world[0], *world[1]]
    assert validated(one_engine, rows, 0, 2) == expected(rows, 0, 2)


@settings(max_examples=6, deadline=None)
@given(world=worlds)
def test_a_day_alone_and_a_range_agree(world: tuple, one_engine: DuckDBEngine) -> None:
    rows = [*world[0], *world[1]]
    alone = [each for day in range(3) for each in validated(one_engine, rows, day, day)]
    assert validated(one_engine, rows, 0, 2) == alone


def test_columns_are_the_contracts_and_a_day_is_summed_up(one_engine: DuckDBEngine) -> None:
    came = [row(day, 0, hour, events=10, series=name) for day in (-7, 0) for hour in (5, 6) for name in ("all", "x")]
    came[0]["events"] = 20
    made = [row(-1, 1, hour, forecast=11.0, forecast_low=low) for hour, low in ((5, 9.0), (6, 10.5))]
    made.append(row(-1, 1, 5, forecast=11.0, forecast_low=9.0, series="x"))
    validation = forecast_validation(table([*came, *made]), DAY, DAY)
    assert tuple(validation.columns) == FORECAST_VALIDATION.column_names
    (day,) = one_engine.backend.to_pyarrow(validated_days(validation)).to_pylist()
    assert day == {
        "event_date": DAY,
        "series": 2,
        "interval_hours": 3,
        "share_better_than_naive": 0.5,
        "coverage": pytest.approx(2 / 3),
    }
