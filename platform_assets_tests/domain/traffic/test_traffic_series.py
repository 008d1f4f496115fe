"""Counts of an hour are what counting gives, for every series that an event belongs to."""

from collections import Counter
from datetime import datetime, timedelta

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.traffic_series import TRAFFIC_SERIES
from platform_assets.domain.traffic.traffic_series import enough_events, traffic_series
from resources.compute.duckdb_engine import DuckDBEngine

BEGIN = datetime(2026, 1, 7, 22, 30)

events = st.lists(
    st.fixed_dictionaries(
        {
            "event_time": st.integers(0, 300).map(lambda minutes: BEGIN + timedelta(minutes=minutes)),
            "domain": st.sampled_from(["a.example", "b.example", None]),
            "event_type": st.sampled_from(["page_view", "purchase"]),
            "is_bot": st.sampled_from([False, False, True]),
        }
    ),
    max_size=30,
)


def table(rows: list[dict]) -> ibis.Table:
    days = [row | {"event_date": row["event_time"].date()} for row in rows]
    return ibis.memtable(pa.Table.from_pylist(days, schema=EVENTS.schema().to_pyarrow()))


def categories() -> ibis.Table:
    """Of the two sites one is of a category, of another one from the second day on."""
    first, second = BEGIN.date(), BEGIN.date() + timedelta(days=1)
    known = {"map": "m", "precedence": 1, "domain": "a.example", "known_until": second}
    stretches = [
        known | {"category": "news", "valid_from": first - timedelta(days=9), "valid_to": second},
        known | {"category": "sports", "valid_from": second, "valid_to": None},
    ]
    return ibis.memtable(pa.Table.from_pylist(stretches, schema=DOMAIN_CATEGORIES.schema().to_pyarrow()))


def counted(rows: list[dict]) -> Counter:
    found: Counter = Counter()
    for row in rows:
        if not row["is_bot"]:
            hour = row["event_time"].replace(minute=0)
            series_of = ["all", f"event_type:{row['event_type']}"]
            series_of += [f"site:{row['domain']}"] if row["domain"] else []
            if row["domain"] == "a.example":
                series_of.append("category:news" if hour.date() == BEGIN.date() else "category:sports")
            for series in series_of:
                found[row["event_time"].date(), series, hour] += 1
    return found


@settings(max_examples=15, deadline=None)
@given(rows=events)
def test_hours_hold_what_counting_gives(rows: list[dict], one_engine: DuckDBEngine) -> None:
    made = one_engine.backend.to_pyarrow(traffic_series(table(rows), categories()))
    assert tuple(made.column_names) == TRAFFIC_SERIES.column_names
    found = {(row["event_date"], row["series"], row["hour_at"]): row["events"] for row in made.to_pylist()}
    assert found == counted(rows)


@settings(max_examples=8, deadline=None)
@given(rows=events, at_least=st.integers(1, 12))
def test_series_with_enough_events_are_kept_whole(rows: list[dict], at_least: int, one_engine: DuckDBEngine) -> None:
    made = traffic_series(table(rows), categories())
    kept = one_engine.backend.to_pyarrow(enough_events(made, at_least)).to_pylist()
    totals: Counter = Counter()
    for (_, series, _), number in counted(rows).items():
        totals[series] += number
    expected = {key for key in counted(rows) if totals[key[1]] >= at_least}
    assert {(row["event_date"], row["series"], row["hour_at"]) for row in kept} == expected
