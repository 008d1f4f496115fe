"""Features of a day are what a plain count over the days before it gives, and nothing later can change them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_features import (
    CATEGORY_FEATURES,
    CLUSTER_FEATURES,
    COUNTED_EVENT_TYPES,
    FEATURE_NAMES,
    USER_FEATURES,
)
from platform_assets.domain.features.user_features import user_features
from platform_assets.domain.modelling.training_set import training_set
from platform_assets_tests.domain.identities import one_cookie_each, user_ids_of
from platform_assets_tests.domain.raw_worlds import DAY
from platform_assets_tests.model_worlds import small_spec
from resources.compute.duckdb_engine import DuckDBEngine

SCHEMA = EVENTS.schema()
FROM_OTHER_TABLES = {each.name for each in (*CATEGORY_FEATURES, *CLUSTER_FEATURES)}


@dataclass(frozen=True)
class Event:
    """The part of an event that features look at."""

    at: datetime
    cookie_id: str | None = "ann"
    event_type: str = "page_view"
    session_id: str | None = "s"
    value: float | None = None
    domain: str | None = "example.org"
    device: str | None = "desktop"
    is_bot: bool = False

    @property
    def day(self) -> date:
        return self.at.date()


def days_before(days: int, hour: int = 12, **fields: Any) -> Event:
    """An event so many days before DAY."""
    return Event(datetime.combine(DAY - timedelta(days=days), time(hour)), **fields)


events = st.lists(
    st.builds(
        days_before,
        st.integers(-3, 31),
        st.sampled_from([0, 17, 18, 23]),
        cookie_id=st.sampled_from(["ann", "bob", None]),
        event_type=st.sampled_from([*COUNTED_EVENT_TYPES, "something_else"]),
        session_id=st.sampled_from(["s1", "s2", None]),
        value=st.sampled_from([None, 0.0, 0.25, 12.5, -3.0]),
        domain=st.sampled_from(["a.example", "b.example", None]),
        device=st.sampled_from(["desktop", "mobile", "tablet", None]),
        is_bot=st.sampled_from([False, False, False, True]),
    ),
    max_size=30,
)


def event_table(rows: Iterable[Event]) -> ibis.Table:
    records = [
        vars(each) | {"event_time": each.at, "event_date": each.day, "event_id": str(number)}
        for number, each in enumerate(rows)
    ]
    return ibis.memtable(pa.Table.from_pylist(records, schema=SCHEMA.to_pyarrow()))


def features(engine: DuckDBEngine, rows: Iterable[Event], first: date = DAY, last: date = DAY) -> list[dict]:
    """Feature rows in the order of day and user."""
    events = event_table(rows)
    found = engine.backend.to_pyarrow(user_features(events, one_cookie_each(events), first, last)).to_pylist()
    return sorted(found, key=lambda row: (row["event_date"], row["user_id"]))


def expected(rows: Iterable[Event], day: date) -> list[dict[str, Any]]:
    """The features of a day by counting."""
    seen, counting = defaultdict(list), counting_session(rows)
    for each in rows:
        if each.cookie_id and not each.is_bot and day - timedelta(days=28) <= each.day < day:
            seen[each.cookie_id].append(each)
    return [{"event_date": day, "user_id": user, **counted(seen[user], day, counting)} for user in sorted(seen)]


def counting_session(rows: Iterable[Event]) -> set[int]:
    """Of every session and day the event with the least id."""
    least: dict[tuple, tuple[str, Event]] = {}
    for number, each in enumerate(rows):
        if each.session_id and not each.is_bot:
            place = (each.day, each.session_id)
            least[place] = min(least.get(place, (str(number), each)), (str(number), each), key=lambda entry: entry[0])
    return {id(each) for _, each in least.values()}


def counted(seen: list[Event], day: date, counting: set[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for window in (1, 7, 28):
        inside = [each for each in seen if (day - each.day).days <= window]
        found[f"events_{window}d"] = len(inside)
        for kind, plural in COUNTED_EVENT_TYPES.items():
            found[f"{plural}_{window}d"] = sum(each.event_type == kind for each in inside)
        found[f"sessions_{window}d"] = sum(id(each) in counting for each in inside)
        found[f"active_days_{window}d"] = len({each.day for each in inside})
        found[f"value_{window}d"] = sum((each.value or 0.0 for each in inside), 0.0)
    purchases = [(day - each.day).days for each in seen if each.event_type == "purchase"]
    return found | {
        "days_since_last_event": min((day - each.day).days for each in seen),
        "days_since_last_purchase": min(purchases, default=29),
        "domains_28d": len({each.domain for each in seen if each.domain}),
        "devices_28d": len({each.device for each in seen if each.device}),
        "evening_share_28d": sum(each.at.hour >= 18 for each in seen) / len(seen),
        "weekend_share_28d": sum(each.day.weekday() >= 5 for each in seen) / len(seen),
        "mobile_share_28d": sum(each.device in ("mobile", "tablet") for each in seen) / len(seen),
        **dict.fromkeys(FROM_OTHER_TABLES),
    }


@settings(max_examples=15, deadline=None)
@given(rows=events)
def test_features_are_what_a_plain_count_gives(rows: list[Event], one_engine: DuckDBEngine) -> None:
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    assert features(one_engine, rows, days[0], days[-1]) == [row for day in days for row in expected(rows, day)]


@settings(max_examples=8, deadline=None)
@given(rows=events)
def test_a_day_alone_and_a_range_agree(rows: list[Event], one_engine: DuckDBEngine) -> None:
    days = [DAY, DAY + timedelta(days=1)]
    alone = [row for day in days for row in features(one_engine, rows, day, day)]
    assert alone == features(one_engine, rows, days[0], days[-1])


@settings(max_examples=8, deadline=None)
@given(rows=events, later=events)
def test_what_happens_on_a_day_or_after_it_never_changes_its_features(
    rows: list[Event], later: list[Event], one_engine: DuckDBEngine
) -> None:
    added = [each for each in later if each.day >= DAY]
    assert features(one_engine, rows + added) == features(one_engine, rows)


@pytest.mark.parametrize(
    ("days", "counts"), [(0, None), (1, (1, 1, 1)), (2, (0, 1, 1)), (7, (0, 1, 1)), (8, (0, 0, 1)), (29, None)]
)
def test_windows_end_with_the_day_before_and_begin_1_7_and_28_days_before(
    days: int, counts: tuple[int, ...] | None, one_engine: DuckDBEngine
) -> None:
    found = features(one_engine, [days_before(days)])
    assert [tuple(row[f"events_{window}d"] for window in (1, 7, 28)) for row in found] == ([counts] if counts else [])


@pytest.mark.parametrize("fields", [{"is_bot": True}, {"cookie_id": None}])
def test_bots_and_events_of_nobody_are_left_out(fields: dict[str, Any], one_engine: DuckDBEngine) -> None:
    assert features(one_engine, [days_before(3, **fields)]) == []


@settings(max_examples=8, deadline=None)
@given(order=st.permutations([0.1, 0.2, 0.3, 1e15, -1e15, 0.7, 123456.789]))
def test_sums_of_values_do_not_depend_on_the_order_of_events(order: list[float], one_engine: DuckDBEngine) -> None:
    (row,) = features(one_engine, [days_before(1 + number % 3, value=each) for number, each in enumerate(order)])
    assert row["value_28d"] == 123458.089


def test_a_person_is_who_was_known_when_the_day_before_ended(one_engine: DuckDBEngine) -> None:
    events = event_table([days_before(3, cookie_id="c1"), days_before(2, cookie_id="c2")])
    day = {back: DAY - timedelta(days=back) for back in (3, 2, 1, 0)}
    apart = [(day[3], "c1", "ann"), (day[2], "c2", "bob")]
    merged = {back: [*apart, (day[back], "c1", "bob", "ann"), (day[back], "c2", "bob")] for back in (1, 0)}

    def users(known: list[tuple]) -> dict[str, int]:
        made = user_features(events, user_ids_of(known), DAY, DAY)
        return {row["user_id"]: row["events_28d"] for row in one_engine.backend.to_pyarrow(made).to_pylist()}

    assert users(apart) == {"ann": 1, "bob": 1}
    assert users(merged[1]) == {"bob": 2}
    assert users(merged[0]) == {"ann": 1, "bob": 1}


def test_columns_are_the_contracts(one_engine: DuckDBEngine) -> None:
    (row,) = features(one_engine, [days_before(1)])
    assert tuple(row) == USER_FEATURES.column_names
    assert {name for name, value in row.items() if value is None} == FROM_OTHER_TABLES


def test_a_training_set_made_from_events_is_not_changed_by_later_ones(one_engine: DuckDBEngine) -> None:
    spec = small_spec(features=FEATURE_NAMES)
    days = spec.feature_days(DAY)
    kinds = ["page_view", "purchase", "search"]
    history = [days_before(number, event_type=kinds[number % 3], cookie_id=f"u{number % 5}") for number in range(2, 70)]
    later = [days_before(-number, event_type="purchase", cookie_id=f"u{number % 5}") for number in range(20)]

    def rows(seen: list[Event]) -> list[dict]:
        events = event_table(seen)
        known = one_cookie_each(events)
        made = user_features(events, known, days[0], days[-1])
        return sorted(
            one_engine.backend.to_pyarrow(training_set({"user_features": made}, events, known, spec, DAY)).to_pylist(),
            key=lambda row: (row["feature_date"], row["user_id"]),
        )

    before = rows(history)
    assert {row["label"] for row in before} == {0, 1}
    assert rows(history + later) == before
