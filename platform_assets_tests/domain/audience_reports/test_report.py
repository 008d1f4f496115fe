"""The report of a day is what a plain count gives, and knows nothing that happens later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from statistics import mean, median
from typing import Any

import ibis
import numpy as np
import pytest
from hypothesis import given, settings

from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audience_reports.members import members_of
from platform_assets.domain.audience_reports.odds_ratio import solved
from platform_assets.domain.audience_reports.report import audience_report
from platform_assets.domain.contracts.audience_report import AUDIENCE_REPORT, REASONS
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.errors import ConfigurationError
from platform_assets_tests.domain.audience_worlds import AudienceWorld, computed, day_of, worlds
from resources.compute.duckdb_engine import DuckDBEngine

DAYS = range(40, 43)
PURCHASE = Conversion(event_type="purchase")


def report(
    engine: DuckDBEngine, world: AudienceWorld, days: range = DAYS, conversion: Conversion = PURCHASE
) -> list[dict[str, Any]]:
    """Rows in the order of day and audience; every row keeps the contract."""
    first, last = day_of(days[0]), day_of(days[-1])

    def made(tables: Mapping[str, ibis.Table]) -> ibis.Table:
        members = members_of({CATEGORY_AUDIENCES.name: tables[CATEGORY_AUDIENCES.name]})
        rows = audience_report(members, tables["events"], tables["user_ids"], conversion, first, last)
        return rows.mutate(**{f"keeps {rule.name}": rule.holds(rows) for rule in AUDIENCE_REPORT.all_rules()})

    name = f"report_{days[0]}_{days[-1]}_" + "".join(filter(str.isalnum, repr(conversion)))
    rows = computed(engine, world, name, made)
    kept = [row.pop(name) for row in rows for name in list(row) if name.startswith("keeps ")]
    assert all(kept)
    assert all(list(row) == list(AUDIENCE_REPORT.column_names) for row in rows)
    return sorted(rows, key=lambda row: (row["event_date"], row["audience"]))


def counted(world: AudienceWorld, day: int) -> list[dict[str, Any]]:
    """The report of a day by counting."""
    now, before = members_on(world, day - 1), members_on(world, day - 2)
    people = {
        world.holder(cookie, day) for at, cookie, _, is_bot in world.seen if day - 28 <= at < day and not is_bot
    } - {None}
    bought = {
        world.holder(cookie, day)
        for at, cookie, kind, is_bot in world.seen
        if at == day and kind == "purchase" and not is_bot
    }
    rows = []
    for audience in sorted({*now, *before}):
        members = now.get(audience, {})
        active = {user for member in members for user in became(world, member, day)} & people
        was = {member: became(world, member, day - 1) for member in before.get(audience, {})}
        rows.append(
            {
                "event_date": day_of(day),
                "audience": f"category:{audience}",
                "members": len(members),
                "members_entered": len(set(members) - set().union(*was.values())) if before else None,
                "members_left": sum(not ids & set(members) for ids in was.values()) if before else None,
                **frequency([events for events, _ in members.values()]),
                **recency([day - last for _, last in members.values()]),
                **comparison(len(people), len(active), len(active & bought), len(people & bought)),
            }
        )
    return rows


def members_on(world: AudienceWorld, day: int) -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for (at, audience, user), told in world.members.items():
        if at == day:
            found.setdefault(audience, {})[user] = told
    return found


def became(world: AudienceWorld, user: str, day: int) -> set[str]:
    """Who the person of the day before is when the day ends."""
    moved = {cookie for at, cookie in world.moves if at == day and world.holder(cookie, day - 1) == user}
    return ({world.holder(cookie, day) for cookie in moved} - {None}) | {user}


def frequency(events: list[int]) -> dict[str, float | None]:
    if not events:
        return dict.fromkeys(["events_mean", "events_p50", "events_p90"])
    return {"events_mean": mean(events), "events_p50": median(events), "events_p90": float(np.quantile(events, 0.9))}


def recency(days: list[int]) -> dict[str, float | None]:
    if not days:
        return dict.fromkeys(["days_since_last_event_mean", "days_since_last_event_p50"])
    return {"days_since_last_event_mean": mean(days), "days_since_last_event_p50": median(days)}


def comparison(population: int, active: int, yes: int, converted: int) -> dict[str, Any]:
    others, there = population - active, converted - yes
    conditions = (active == 0, others == 0, converted == 0, converted == population)
    reason = next((name for name, holds in zip(REASONS, conditions, strict=True) if holds), None)
    ratio: list[float | None] = [None] * 3
    if reason is None:
        cells = [np.array([count]) for count in (yes, active, there, others)]
        solutions = [float(solved(np.array([chance]), *cells)[0]) for chance in (0.5, 0.025, 0.975)]
        ratio = [None if value == np.inf else value for value in solutions]
    share = yes / active if active else None
    return {
        "population": population,
        "active_members": active,
        "population_share": active / population if population else None,
        "converted_members": yes,
        "converted_others": there,
        "conversion_share": share,
        "others_conversion_share": there / others if others else None,
        "lift": share / (converted / population) if share is not None and converted else None,
        **dict(zip(("odds_ratio", "odds_ratio_low", "odds_ratio_high"), ratio, strict=True)),
        "no_odds_ratio": reason,
    }


@settings(max_examples=25, deadline=None)
@given(world=worlds(DAYS))
def test_the_report_is_what_a_plain_count_gives(world: AudienceWorld, one_engine: DuckDBEngine) -> None:
    expected = [row for day in DAYS for row in counted(world, day)]
    found = report(one_engine, world)
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert row == {
            name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for name, value in wanted.items()
        }


@settings(max_examples=10, deadline=None)
@given(world=worlds(DAYS))
def test_a_range_gives_what_its_days_give(world: AudienceWorld, one_engine: DuckDBEngine) -> None:
    alone = [row for day in DAYS for row in report(one_engine, world, range(day, day + 1))]
    assert alone == report(one_engine, world)


@settings(max_examples=10, deadline=None)
@given(world=worlds(DAYS), later=worlds(DAYS))
def test_what_is_known_later_changes_nothing(
    world: AudienceWorld, later: AudienceWorld, one_engine: DuckDBEngine
) -> None:
    day = DAYS[0]
    changed = AudienceWorld(
        seen=(*world.seen, *(event for event in later.seen if event[0] > day)),
        moves=world.moves | {key: user for key, user in later.moves.items() if key[0] > day},
        members=world.members | {key: told for key, told in later.members.items() if key[0] >= day},
    )
    only = range(day, day + 1)
    assert report(one_engine, changed, only) == report(one_engine, world, only)


SEEN = tuple((38, cookie, "page_view", False) for cookie in ("c1", "c2", "c3", "c4"))


def test_who_merges_on_the_day_is_neither_lost_nor_counted_twice(one_engine: DuckDBEngine) -> None:
    world = AudienceWorld(
        seen=(*SEEN, (40, "c1", "purchase", False), (40, "c2", "purchase", False)),
        members={(39, "sports", user): (1, 38) for user in ("ann", "bob", "cem")},
    )
    apart, merged = (
        report(one_engine, replace(world, moves=moves), range(40, 41))[0] for moves in ({}, {(40, "c2"): "ann"})
    )
    assert [apart[name] for name in ("members", "active_members", "converted_members", "population")] == [3, 3, 2, 4]
    assert [merged[name] for name in ("members", "active_members", "converted_members", "population")] == [3, 2, 1, 3]


@pytest.mark.parametrize("before", [("ann", "bob"), ("bob",)])
def test_a_member_who_merged_yesterday_neither_left_nor_entered(
    before: tuple[str, ...], one_engine: DuckDBEngine
) -> None:
    was = {(38, "sports", user): (1, 38) for user in before}
    world = AudienceWorld(seen=SEEN, moves={(39, "c2"): "ann"}, members={**was, (39, "sports", "ann"): (2, 38)})
    (row,) = report(one_engine, world, range(40, 41))
    assert (row["members"], row["members_entered"], row["members_left"]) == (1, 0, 0)


def test_an_audience_that_lost_everybody_is_told_once_more(one_engine: DuckDBEngine) -> None:
    world = AudienceWorld(
        seen=SEEN,
        members={(38, "sports", "ann"): (1, 30), (38, "travel", "ann"): (1, 30), (39, "travel", "ann"): (1, 30)},
    )
    sports, travel = report(one_engine, world, range(40, 41))
    assert (sports["members"], sports["members_left"], sports["no_odds_ratio"]) == (0, 1, "no_active_member")
    assert (travel["members"], travel["members_left"]) == (1, 0)


@pytest.mark.parametrize(("declared", "buyers"), [("page_view", 2), ("/purchase", 1), ("/p*", 3)])
def test_a_conversion_is_an_event_type_or_a_path(declared: str, buyers: int, one_engine: DuckDBEngine) -> None:
    today = ((40, "c1", "purchase", False), (40, "c2", "page_view", False), (40, "c3", "page_view", False))
    world = AudienceWorld(seen=(*SEEN, *today), members={(39, "sports", "dan"): (1, 38)})
    (row,) = report(one_engine, world, range(40, 41), Conversion.declared(declared))
    assert row["converted_members"] + row["converted_others"] == buyers


@pytest.mark.parametrize("declared", ["", " ", "purch*", "/a*b", "*"])
def test_a_conversion_that_names_nothing_is_refused(declared: str) -> None:
    with pytest.raises(ConfigurationError, match="PLATFORM_CONVERSION"):
        Conversion.declared(declared)


def test_first_days_without_a_day_before_them_have_no_growth(one_engine: DuckDBEngine) -> None:
    world = AudienceWorld(seen=SEEN, members={(39, "sports", "ann"): (4, 38)})
    (row,) = report(one_engine, world, range(40, 41))
    assert (row["members"], row["members_entered"], row["members_left"]) == (1, None, None)
    assert isinstance(row["event_date"], date) and row["days_since_last_event_mean"] == 2 == timedelta(days=2).days
