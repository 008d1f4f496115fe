"""The overlap of two audiences is what sets give, for the largest audiences of a day, from both sides."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.audience_reports.members import members_of
from platform_assets.domain.audience_reports.overlap import audience_overlap
from platform_assets.domain.contracts.audience_overlap import AUDIENCE_OVERLAP
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets_tests.domain.audience_worlds import USERS, AudienceWorld, computed, day_of
from resources.compute.duckdb_engine import DuckDBEngine

DAYS = range(40, 42)
Members = dict[tuple[int, str, str], tuple[int, int]]
memberships: st.SearchStrategy[Members] = st.dictionaries(
    st.tuples(st.integers(38, 42), st.sampled_from(["news", "sports", "travel", "games"]), st.sampled_from(USERS)),
    st.just((1, 38)),
    max_size=30,
)


def overlap(engine: DuckDBEngine, members: Members, most: int = 100, days: range = DAYS) -> list[dict[str, Any]]:
    """Rows in the order of their key; every row keeps the contract."""

    def made(tables: Mapping[str, ibis.Table]) -> ibis.Table:
        all_members = members_of({CATEGORY_AUDIENCES.name: tables[CATEGORY_AUDIENCES.name]})
        rows = audience_overlap(all_members, day_of(days[0]), day_of(days[-1]), most)
        return rows.mutate(**{f"keeps {rule.name}": rule.holds(rows) for rule in AUDIENCE_OVERLAP.all_rules()})

    rows = computed(engine, AudienceWorld(members=members), f"overlap_{most}_{days[0]}_{days[-1]}", made)
    kept = [row.pop(name) for row in rows for name in list(row) if name.startswith("keeps ")]
    assert all(kept)
    return sorted(rows, key=lambda row: tuple(row[name] for name in AUDIENCE_OVERLAP.key))


def counted(members: Members, most: int) -> list[dict[str, Any]]:
    rows = []
    for day in DAYS:
        sets: dict[str, set[str]] = defaultdict(set)
        for at, audience, user in members:
            if at == day - 1:
                sets[f"category:{audience}"].add(user)
        largest = sorted(sets, key=lambda name: (-len(sets[name]), name))[:most]
        for one, other in sorted(permutations(largest, 2)):
            common = len(sets[one] & sets[other])
            if common:
                rows.append(
                    {
                        "event_date": day_of(day),
                        "audience": one,
                        "other_audience": other,
                        "members": len(sets[one]),
                        "other_members": len(sets[other]),
                        "members_in_both": common,
                        "members_share": common / len(sets[one]),
                        "smaller_share": common / min(len(sets[one]), len(sets[other])),
                        "jaccard": common / len(sets[one] | sets[other]),
                    }
                )
    return rows


@settings(max_examples=50, deadline=None)
@given(members=memberships, most=st.sampled_from([2, 3, 100]))
def test_the_overlap_is_what_sets_give(members: Members, most: int, one_engine: DuckDBEngine) -> None:
    assert overlap(one_engine, members, most) == counted(members, most)


@settings(max_examples=15, deadline=None)
@given(members=memberships)
def test_a_range_gives_what_its_days_give(members: Members, one_engine: DuckDBEngine) -> None:
    alone = [row for day in DAYS for row in overlap(one_engine, members, 3, range(day, day + 1))]
    assert alone == overlap(one_engine, members, 3)
