"""Audiences of a day are what a plain count over its four weeks gives, and a range gives what its days give."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.categories.category_audiences import category_audiences, visits_by_domain
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets_tests.domain.category_worlds import START, history_table
from resources.compute.duckdb_engine import DuckDBEngine

DAY = START + timedelta(days=35)
CATEGORIES = [
    (1, "a.example", "news", 0, 30),
    (1, "a.example", "sports", 30, None),
    (2, "a.example", "wrong", 0, None),
    (2, "b.example", "games", 5, None),
]
PERSONS = [(0, "l1", "ann"), (0, "c1", "ann"), (0, "c2", "bob"), (34, "c2", "ann"), (0, "c3", None), (36, "c3", "eve")]
"""(day, identifier, person): bob turns out to be ann, and the shared c3 turns out to be eve's."""


@dataclass(frozen=True)
class Visit:
    """The part of an event that audiences look at; `day` is days from START."""

    day: int
    domain: str | None = "a.example"
    login: str | None = None
    cookie: str | None = "c1"
    event_type: str = "page_view"
    is_bot: bool = False

    @property
    def on(self) -> date:
        return START + timedelta(days=self.day)

    def person(self, day: date) -> str | None:
        """The person on a day: the login's, else the cookie's."""
        known = {name: who for on, name, who in PERSONS if START + timedelta(days=on) <= day}
        return next((known[name] for name in (self.login, self.cookie) if name and known.get(name)), None)

    def category(self) -> str | None:
        for _, domain, category, start, end in CATEGORIES:
            inside = start <= self.day and (end is None or self.day < end)
            if inside and self.domain and (self.domain == domain or self.domain.endswith("." + domain)):
                return category
        return None


visits = st.lists(
    st.builds(
        Visit,
        st.integers(0, 38),
        st.sampled_from(["a.example", "shop.a.example", "b.example", "unknown.example", None]),
        st.sampled_from(["l1", None, None]),
        st.sampled_from(["c1", "c2", "c3", "never_seen", None]),
        st.sampled_from(["page_view", "purchase", "ad_click", "ad_impression"]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=30,
)


def event_table(rows: Sequence[Visit]) -> ibis.Table:
    records = [
        {
            "event_id": str(number),
            "event_time": datetime.combine(each.on, time(12)),
            "event_date": each.on,
            "event_type": each.event_type,
            "login_hash": each.login,
            "cookie_id": each.cookie,
            "domain": each.domain,
            "is_bot": each.is_bot,
        }
        for number, each in enumerate(rows)
    ]
    return ibis.memtable(pa.Table.from_pylist(records, schema=EVENTS.schema().to_pyarrow()))


def user_ids() -> ibis.Table:
    records = [
        {"event_date": START + timedelta(days=day), "identifier": name, "user_id": who, "is_hub": who is None}
        for day, name, who in PERSONS
    ]
    return ibis.memtable(pa.Table.from_pylist(records, schema=USER_IDS.schema().to_pyarrow()))


def audiences(engine: DuckDBEngine, rows: Sequence[Visit], first: date, last: date) -> list[dict[str, Any]]:
    found = category_audiences(event_table(rows), user_ids(), history_table(CATEGORIES), first, last)
    return sorted(engine.backend.to_pyarrow(found).to_pylist(), key=_key)


def _key(row: dict[str, Any]) -> tuple:
    return row["event_date"], row["category"], row["user_id"]


def expected(rows: Sequence[Visit], day: date) -> list[dict[str, Any]]:
    seen = defaultdict(list)
    for each in rows:
        person, category = each.person(day), each.category()
        counts = not each.is_bot and each.event_type != "ad_impression"
        if person and category and counts and day - timedelta(days=27) <= each.on <= day:
            seen[category, person].append(each)
    total = defaultdict(int)
    for (_, person), own in seen.items():
        total[person] += len(own)
    found = [
        {
            "event_date": day,
            "category": category,
            "user_id": person,
            "events": len(own),
            "share": len(own) / total[person],
            "last_event_date": max(each.on for each in own),
        }
        for (category, person), own in seen.items()
    ]
    return sorted(found, key=_key)


@settings(max_examples=15, deadline=None)
@given(rows=visits)
def test_audiences_are_what_a_plain_count_gives(rows: list[Visit], one_engine: DuckDBEngine) -> None:
    days = [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    found = audiences(one_engine, rows, days[0], days[-1])
    assert found == [row for day in days for row in expected(rows, day)]


@settings(max_examples=5, deadline=None)
@given(rows=visits)
def test_a_day_alone_and_a_range_agree(rows: list[Visit], one_engine: DuckDBEngine) -> None:
    days = [DAY, DAY + timedelta(days=1)]
    alone = [row for day in days for row in audiences(one_engine, rows, day, day)]
    assert alone == audiences(one_engine, rows, days[0], days[-1])


@pytest.mark.parametrize(("before", "is_member"), [(-1, False), (0, True), (27, True), (28, False)])
def test_the_window_is_the_day_and_the_27_days_before_it(
    before: int, is_member: bool, one_engine: DuckDBEngine
) -> None:
    visit = Visit((DAY - START).days - before, cookie="c1")
    assert bool(audiences(one_engine, [visit], DAY, DAY)) == is_member


def test_a_visit_counts_for_what_its_site_was_then_and_for_who_its_visitor_is_now(one_engine: DuckDBEngine) -> None:
    early, late = Visit(29, cookie="c2"), Visit(30, cookie="c1")
    found = audiences(one_engine, [early, late], DAY, DAY)
    assert [(row["category"], row["user_id"], row["share"]) for row in found] == [
        ("news", "ann", 0.5),
        ("sports", "ann", 0.5),
    ]


def test_columns_are_the_contracts(one_engine: DuckDBEngine) -> None:
    (row,) = audiences(one_engine, [Visit(35)], DAY, DAY)
    assert tuple(row) == CATEGORY_AUDIENCES.column_names
    assert None not in row.values()


def test_visits_of_unknown_domains_are_counted_beside_the_others(one_engine: DuckDBEngine) -> None:
    rows = [Visit(35, "x.example"), Visit(35, "x.example", cookie="c9"), Visit(35, "b.example"), Visit(34, "y.example")]
    ignored = [Visit(35, None), Visit(35, "x.example", is_bot=True), Visit(35, "x.example", event_type="ad_impression")]
    found = visits_by_domain(event_table(rows + ignored), history_table(CATEGORIES), DAY, DAY)
    told = {(row["domain"], row["category"], row["visits"]) for row in one_engine.backend.to_pyarrow(found).to_pylist()}
    assert told == {("x.example", None, 2), ("b.example", "games", 1)}
