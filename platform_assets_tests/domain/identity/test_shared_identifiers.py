"""Hubs are what a plain count over the last 28 days says, for a range as for its days."""

from collections import defaultdict
from datetime import date, timedelta

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.identity.shared_identifiers import shared_identifiers
from resources.compute.duckdb_engine import DuckDBEngine

FIRST = date(2026, 1, 5)
Seen = tuple[int, str, str]
"""A day counted from FIRST, a login, and a cookie that was seen with it."""

seen = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 26, 27, 28, 29, 30, 54, 55, 56]),
        st.sampled_from(["l1", "l2", "l3", "l4", "l5", "l6"]),
        st.sampled_from(["c1", "c2"]),
    ),
    unique=True,
    max_size=40,
)


def found(engine: DuckDBEngine, pairs: list[Seen], first: int, last: int) -> list[tuple[int, str, str, int]]:
    kinds = {"kind": "login", "other_kind": "cookie", "events": 1}
    rows = [
        {"event_date": FIRST + timedelta(days=day), "identifier": login, "other_identifier": cookie, **kinds}
        for day, login, cookie in pairs
    ]
    table = ibis.memtable(pa.Table.from_pylist(rows, schema=IDENTIFIER_PAIRS.schema().to_pyarrow()))
    days = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    told = engine.backend.to_pyarrow(shared_identifiers(table, *days)).to_pylist()
    return sorted(((row["event_date"] - FIRST).days, row["identifier"], row["kind"], row["shared_by"]) for row in told)


def expected(pairs: list[Seen], first: int, last: int) -> list[tuple[int, str, str, int]]:
    """A cookie with more than three logins, a login with more than twelve cookies (there are two)."""
    hubs = []
    for day in range(first, last + 1):
        logins = defaultdict(set)
        for other, login, cookie in pairs:
            if day - 28 < other <= day:
                logins[cookie].add(login)
        today = {cookie for other, _, cookie in pairs if other == day}
        hubs += [(day, name, "cookie", len(logins[name])) for name in sorted(today) if len(logins[name]) > 3]
    return hubs


@settings(max_examples=12, deadline=None)
@given(pairs=seen, first=st.sampled_from([0, 27, 28, 55]))
def test_hubs_are_what_a_plain_count_gives(pairs: list[Seen], first: int, one_engine: DuckDBEngine) -> None:
    assert found(one_engine, pairs, first, 60) == expected(pairs, first, 60)
    assert found(one_engine, pairs, first, first) == expected(pairs, first, first)


def test_another_counts_for_28_days_and_no_longer(one_engine: DuckDBEngine) -> None:
    three = [(0, f"l{number}", "c1") for number in range(1, 4)]
    assert found(one_engine, [*three, (27, "l4", "c1")], 0, 60) == [(27, "c1", "cookie", 4)]
    assert found(one_engine, [*three, (28, "l4", "c1")], 0, 60) == []
