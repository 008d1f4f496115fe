"""Persons are what a plain walk through the days gives; a range gives what its days give one by one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import md5
from itertools import combinations

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.identity.connected_components import components_in_the_engine, components_on_one_node
from platform_assets.domain.identity.identifier_pairs import identifier_pairs
from platform_assets.domain.identity.shared_identifiers import ALLOWED, HUB_WINDOW_DAYS
from platform_assets.domain.identity.user_id_merges import user_id_merges
from platform_assets.domain.identity.user_ids import EarlierDayMissing, user_ids
from resources.compute.duckdb_engine import DuckDBEngine

FIRST = date(2026, 1, 5)
DAYS, MEMORY = 8, 4
KINDS = {"l": "login", "c": "cookie", "d": "device", "i": "ip"}
PLACES = {kind: place for place, kind in enumerate(KINDS.values())}


@dataclass(frozen=True)
class Event:
    """The identifiers of one event, `l1 c2 i1`, on a day counted from FIRST."""

    day: int
    identifiers: str
    is_bot: bool = False

    @property
    def date(self) -> date:
        return FIRST + timedelta(days=self.day)

    @property
    def names(self) -> list[str]:
        return self.identifiers.split()


def event_table(events: Iterable[Event]) -> ibis.Table:
    columns = {"l": "login_hash", "c": "cookie_id", "d": "device_id", "i": "ip_hash"}
    rows = [
        {"event_date": each.date, "is_bot": each.is_bot, **{columns[name[0]]: name for name in each.names}}
        for each in events
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=EVENTS.schema().to_pyarrow()))


def pair_table(engine: DuckDBEngine, events: Iterable[Event]) -> ibis.Table:
    return engine.computed(identifier_pairs(event_table(events)))


def computed(
    engine: DuckDBEngine,
    pairs: ibis.Table,
    first: int,
    last: int,
    earlier: list[dict] | None = None,
    way: str = "one node",
) -> list[dict]:
    """The rows of some days, in order."""
    before = None
    if earlier is not None:
        before = ibis.memtable(pa.Table.from_pylist(earlier, schema=USER_IDS.schema().to_pyarrow()))

    def in_the_engine(edges: ibis.Table) -> ibis.Table:
        return components_in_the_engine(edges, engine)

    connect = components_on_one_node if way == "one node" else in_the_engine
    days = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    rows = user_ids(pairs, before, *days, connect, engine, memory_days=MEMORY)
    found = engine.backend.to_pyarrow(rows)
    return in_order(found.select(USER_IDS.column_names).to_pylist())


def in_order(rows: Iterable[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: (row["event_date"], row["identifier"]))


def expected(events: Iterable[Event]) -> list[dict]:
    """The rows of all days, by walking through them with dictionaries."""
    by_day: dict[int, list[Event]] = defaultdict(list)
    for each in events:
        if not each.is_bot:
            by_day[each.day].append(each)
    known: dict[str, dict] = {}
    rows: list[dict] = []
    for day in range(DAYS):
        today = FIRST + timedelta(days=day)
        memory = today - timedelta(days=MEMORY)
        known = {name: row for name, row in known.items() if row["last_seen_date"] >= memory}
        seen = {name for each in by_day[day] for name in each.names}
        shared = crowded(by_day, day)
        hubs = {name for name, row in known.items() if row["is_hub"]} | set(shared)
        persons = {name: row["user_id"] for name, row in known.items() if not row["is_hub"]}
        founded = {row["user_id"]: row["founded_date"] for row in known.values() if not row["is_hub"]}
        broken = {persons[name] for name in shared if name in persons}
        apart = {name for name, user in persons.items() if user in broken and name not in shared}
        ties = [(a, b) for each in by_day[day] for a in each.names for b in each.names if {a, b}.isdisjoint(hubs)]
        ties += [(name, user) for name, user in persons.items() if user not in broken]
        ties += [(name, name) for name in apart]
        for earlier in range(max(0, day - MEMORY + 1), day):
            ties += [(a, b) for each in by_day[earlier] for a, b in combinations(each.names, 2) if {a, b} <= apart]
        component = reached(ties)
        members: dict[str, list[str]] = defaultdict(list)
        for node, name in component.items():
            if node not in founded:
                members[name].append(node)
        users: dict[str, tuple[date, str]] = {}
        for name, own in members.items():
            claims = {persons[node] for node in own if node in persons and persons[node] not in broken}
            for user in broken:
                parts = defaultdict(list)
                for node in apart:
                    if persons[node] == user:
                        parts[component[node]].append(node)
                if parts and min(parts, key=lambda part: (-len(parts[part]), min(parts[part]))) == name:
                    claims.add(user)
            new = "u" + md5(f"{min(own)}@{today}".encode()).hexdigest()[:31]
            users[name] = min(((founded[user], user) for user in claims), default=(today, new))
        for name in sorted(seen | set(component) - set(founded)):
            before = known.get(name, {})
            founded_date, user = (None, None) if name in hubs else users[component[name]]
            if name in seen or before["user_id"] != user:
                former = before.get("user_id")
                row = {
                    "event_date": today,
                    "identifier": name,
                    "kind": KINDS[name[0]],
                    "user_id": user,
                    "is_hub": name in hubs,
                    "previous_user_id": former if former != user else None,
                    "founded_date": founded_date,
                    "last_seen_date": today if name in seen else before["last_seen_date"],
                    "shared_by": shared.get(name),
                }
                rows.append(row)
                known[name] = row
    return in_order(rows)


def crowded(by_day: Mapping[int, list[Event]], day: int) -> dict[str, int]:
    """Identifiers that a day saw with others of a kind of which they had too many, and how many they were."""
    others: dict[tuple[str, str], set[str]] = defaultdict(set)
    today: set[tuple[str, str]] = set()
    for number in range(day - HUB_WINDOW_DAYS + 1, day + 1):
        for each in by_day[number]:
            for name in each.names:
                for other in set(each.names) - {name}:
                    others[name, KINDS[other[0]]].add(other)
                    if number == day:
                        today.add((name, KINDS[other[0]]))
    found: dict[str, int] = {}
    for name, kind in today:
        if len(others[name, kind]) > ALLOWED[KINDS[name[0]]].get(kind, 10**9):
            found[name] = max(found.get(name, 0), len(others[name, kind]))
    return found


def reached(ties: list[tuple[str, str]]) -> dict[str, str]:
    """A name of the component of every node."""
    name: dict[str, str] = {node: node for tie in ties for node in tie}
    for left, right in ties:
        if name[left] != name[right]:
            old, new = sorted((name[left], name[right]), reverse=True)
            name = {node: new if own == old else own for node, own in name.items()}
    return name


events = st.lists(
    st.builds(
        Event,
        st.integers(0, DAYS - 1),
        st.tuples(
            st.sampled_from(["", "l1", "l2", "l3", "l4", "l5"]),
            st.sampled_from(["", "c1", "c2", "c3", "c4", "c5", "c6"]),
            st.sampled_from(["", "", "d1", "d2"]),
            st.sampled_from(["", "i1", "i2", "i3"]),
        ).map(" ".join),
        st.sampled_from([False] * 9 + [True]),
    ).filter(lambda event: event.names),
    max_size=40,
)


@settings(max_examples=10, deadline=None)
@given(events=events, cut=st.integers(0, DAYS - 3))
def test_persons_are_what_a_plain_walk_gives_and_any_split_of_a_range_agrees(
    events: list[Event], cut: int, one_engine: DuckDBEngine
) -> None:
    pairs = pair_table(one_engine, events)
    found: list[dict] = []
    for first, last in ((0, cut), (cut + 1, cut + 1), (cut + 2, DAYS - 1)):
        found += computed(one_engine, pairs, first, last, found or None)
    assert found == expected(events)


def test_components_found_in_the_engine_give_the_same_persons(one_engine: DuckDBEngine) -> None:
    seen = ["l1 c1 i1", "c2 i1", "l2 c3", "c3 d1", "l3 d1", "c4 i9", "c5 i9", "l4 c6 i9", "l5 c4 i9"]
    pairs = pair_table(one_engine, [Event(place % DAYS, names) for place, names in enumerate(seen)])
    by_scipy = computed(one_engine, pairs, 0, DAYS - 1)
    assert {row["is_hub"] for row in by_scipy} == {True, False}
    assert computed(one_engine, pairs, 0, DAYS - 1, way="engine") == by_scipy


def test_a_day_after_one_without_persons_is_refused(one_engine: DuckDBEngine) -> None:
    pairs = pair_table(one_engine, [Event(0, "c1"), Event(2, "c1")])
    with pytest.raises(EarlierDayMissing, match="2026-01-05"):
        computed(one_engine, pairs, 2, 2)
    first = computed(one_engine, pairs, 0, 0)
    assert [row["user_id"] for row in computed(one_engine, pairs, 2, 2, first)] == [first[0]["user_id"]]


def persons(engine: DuckDBEngine, *days: list[str]) -> dict[str, str | None]:
    """The person of every identifier at the end, when these were seen together on the days from FIRST on."""
    pairs = pair_table(engine, [Event(day, names) for day, seen in enumerate(days) for names in seen])
    return {row["identifier"]: row["user_id"] for row in computed(engine, pairs, 0, DAYS - 1)}


def test_who_is_known_longest_keeps_the_id_when_persons_turn_out_to_be_one(one_engine: DuckDBEngine) -> None:
    alone = persons(one_engine, ["c2"])
    merged = persons(one_engine, ["c2"], ["c1", "l1"], ["l1 c1"], ["l1 c2"])
    assert merged == dict.fromkeys(["c1", "c2", "l1"], alone["c2"])


def test_what_a_hub_had_tied_together_is_parted_again(one_engine: DuckDBEngine) -> None:
    cookies = [f"l{number} c1 d{number}" for number in range(1, 4)]
    assert len(set(persons(one_engine, cookies).values())) == 1
    parted = persons(one_engine, cookies, ["l4 c1 d4"])
    assert parted["c1"] is None
    assert all(parted[f"l{number}"] == parted[f"d{number}"] for number in range(1, 5))
    assert len(set(parted.values())) == 5


def test_an_address_joins_devices_of_one_login_only(one_engine: DuckDBEngine) -> None:
    assert len(set(persons(one_engine, ["l1 c1 i1", "c2 i1"]).values())) == 1
    parted = persons(one_engine, ["l1 c1 i1", "c2 i1"], ["l2 c3 i1"])
    assert parted["i1"] is None
    assert len({parted["c1"], parted["c2"], parted["c3"]}) == 3


def test_who_was_forgotten_is_somebody_new(one_engine: DuckDBEngine) -> None:
    kept = persons(one_engine, ["c1"], *[[]] * (MEMORY - 1), ["c1"])
    anew = persons(one_engine, ["c1"], *[[]] * MEMORY, ["c1"])
    assert kept == persons(one_engine, ["c1"])
    assert anew != kept


def merges(engine: DuckDBEngine, *days: list[str]) -> list[tuple]:
    """What `user_id_merges` tells: day, identifiers that went over, why, and the pair."""
    pairs = pair_table(engine, [Event(day, names) for day, seen in enumerate(days) for names in seen])
    rows = computed(engine, pairs, 0, len(days) - 1)
    persons = engine.computed(ibis.memtable(pa.Table.from_pylist(rows, schema=USER_IDS.schema().to_pyarrow())))
    told = engine.backend.to_pyarrow(user_id_merges(persons, pairs)).to_pylist()
    former = {row["previous_user_id"] for row in rows} - {None}
    assert {row["from_user_id"] for row in told} <= former
    columns = ("identifiers", "reason", "identifier", "other_identifier")
    return sorted(((row["event_date"] - FIRST).days, *(row[name] for name in columns)) for row in told)


def test_a_merge_is_told_with_the_pair_that_showed_it(one_engine: DuckDBEngine) -> None:
    assert merges(one_engine, ["c2 l2"], ["l1 c1"], ["c3 i1"], ["l1 c1", "l1 c2"]) == [
        (3, 2, "merged", "l1", "c2"),
    ]


def test_a_parting_is_told_without_a_pair(one_engine: DuckDBEngine) -> None:
    cookies = [f"l{number} c1" for number in range(1, 4)]
    told = merges(one_engine, cookies, ["l4 c1"])
    assert told == [(1, 1, "parted", None, None)] * 2
