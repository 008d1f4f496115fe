"""Cluster features of a day are a plain count over the latest clusters known then, and null where there are none."""

from collections import Counter
from datetime import date, timedelta

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.domain_clusters import DOMAIN_CLUSTERS
from platform_assets.domain.contracts.user_features import CLUSTER_FEATURES, USER_FEATURES
from platform_assets.domain.features.cluster_features import CLUSTERS_KEPT_DAYS, with_cluster_features
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 2, 10)
NAMES = [each.name for each in CLUSTER_FEATURES]
DOMAINS = ["a.example", "b.example", "c.example"]
PERSONS = ["ann", "bob"]

Clusters = dict[tuple[int, str], int]
Visits = dict[tuple[int, str, str | None, str], int]

clusters = st.dictionaries(
    st.tuples(st.sampled_from([-15, -14, -13, -7, 0, 1, 2]), st.sampled_from(DOMAINS)), st.integers(1, 3), max_size=9
)
visits = st.dictionaries(
    st.tuples(
        st.sampled_from([0, 1]),
        st.sampled_from(PERSONS),
        st.sampled_from([*DOMAINS, None]),
        st.sampled_from(["desktop", "mobile"]),
    ),
    st.integers(1, 9),
    max_size=12,
)


def features(engine: DuckDBEngine, visited: Visits, published: Clusters | None) -> list[dict]:
    """The features of DAY and the day after: {(days from DAY, person, domain, device): events of the window before}."""
    days = pa.schema({"event_date": pa.date32(), "user_id": pa.string()})
    keys = [{"event_date": DAY + timedelta(days=day), "user_id": who} for day in (0, 1) for who in PERSONS]
    seen = [
        {"event_date": DAY + timedelta(days=day), "user_id": who, "domain": domain, "device": device, "events": events}
        for (day, who, domain, device), events in visited.items()
    ]
    with_domains = pa.schema([*days, ("domain", pa.string()), ("device", pa.string()), ("events", pa.int64())])
    table = None
    if published is not None:
        rows = [
            {"event_date": DAY + timedelta(days=day), "domain": domain, "cluster": cluster}
            for (day, domain), cluster in published.items()
        ]
        table = ibis.memtable(pa.Table.from_pylist(rows, DOMAIN_CLUSTERS.schema().to_pyarrow()))
    people = ibis.memtable(pa.Table.from_pylist(keys, days))
    made = with_cluster_features(people, ibis.memtable(pa.Table.from_pylist(seen, with_domains)), table)
    return sorted(engine.backend.to_pyarrow(made).to_pylist(), key=lambda row: (row["event_date"], row["user_id"]))


def counted(visited: Visits, published: Clusters, day: int, who: str) -> dict:
    known = [on for on, _ in published if day - CLUSTERS_KEPT_DAYS < on <= day]
    found: Counter[int] = Counter()
    for (on, person, domain, _), events in visited.items():
        if known and (on, person) == (day, who) and (max(known), domain) in published:
            found[published[max(known), domain]] += events
    if not found:
        return dict.fromkeys(NAMES)
    return {"clusters_28d": len(found), "top_cluster_share_28d": max(found.values()) / found.total()}


@settings(max_examples=25, deadline=None)
@given(visited=visits, published=clusters)
def test_features_are_what_a_plain_count_gives(visited: Visits, published: Clusters, one_engine: DuckDBEngine) -> None:
    expected = [
        {"event_date": DAY + timedelta(days=day), "user_id": who, **counted(visited, published, day, who)}
        for day in (0, 1)
        for who in PERSONS
    ]
    assert features(one_engine, visited, published) == expected


def test_without_clusters_everything_is_null_in_the_contracts_types(one_engine: DuckDBEngine) -> None:
    rows = features(one_engine, {(0, "ann", "a.example", "mobile"): 2}, None)
    assert [row[name] for row in rows for name in NAMES] == [None] * len(NAMES) * 4
    people = ibis.memtable({"event_date": [DAY], "user_id": ["ann"]})
    made = with_cluster_features(people, people, None).schema()
    assert {name: made[name] for name in NAMES} == {name: USER_FEATURES.schema()[name] for name in NAMES}
