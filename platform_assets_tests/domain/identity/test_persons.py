"""Every row gets the person that a plain look-up in the identifiers' history gives, and no row is lost or doubled."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.identity.persons import followed, with_user_ids
from platform_assets_tests.domain.identities import user_ids_of
from resources.compute.duckdb_engine import DuckDBEngine

FIRST = date(2026, 1, 5)
IDENTIFIERS = {"login_hash": ["l1", "l2", None], "cookie_id": ["c1", "c2", "c3", None], "device_id": ["d1", None]}

known = st.dictionaries(
    st.tuples(st.sampled_from(["l1", "l2", "c1", "c2", "c3", "d1"]), st.integers(0, 5)),
    st.sampled_from(["ann", "bob", None]),
)
rows = st.lists(
    st.tuples(*(st.sampled_from(values) for values in IDENTIFIERS.values()), st.integers(0, 6)), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=known, rows=rows)
def test_the_person_is_that_of_the_strongest_known_identifier(engine: DuckDBEngine, known: dict, rows: list) -> None:
    expected = sorted(
        (number, next((user for one in identifiers if (user := latest(known, one, day))), None))
        for number, (*identifiers, day) in enumerate(rows)
    )
    table = ibis.memtable(
        pa.table(
            {
                "number": range(len(rows)),
                **{name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(IDENTIFIERS)},
                "event_date": [FIRST + timedelta(days=row[3]) for row in rows],
            }
        )
    )
    found = engine.backend.to_pyarrow(with_user_ids(table, user_ids_of(rows_of(known)), as_of="event_date")).to_pylist()
    assert sorted((row["number"], row["user_id"]) for row in found) == expected


def latest(known: dict, identifier: str | None, day: int) -> str | None:
    history = [(when, user) for (name, when), user in known.items() if name == identifier and when <= day]
    return max(history, key=lambda entry: entry[0])[1] if history else None


def rows_of(known: dict) -> list[tuple]:
    return [(FIRST + timedelta(days=day), identifier, user) for (identifier, day), user in known.items()]


def who_became(engine: DuckDBEngine, history: list[tuple], user: str, known_on: int, until: int) -> set[str]:
    day = {name: ibis.literal(FIRST + timedelta(days=number)) for name, number in (("a", known_on), ("b", until))}
    rows = ibis.memtable({"user_id": [user]}).mutate(**day)
    ids = user_ids_of((FIRST + timedelta(days=number), *rest) for number, *rest in history)
    found = engine.backend.to_pyarrow(followed(rows, ids, known_on="a", until="b")).to_pylist()
    assert len({tuple(sorted(row.items())) for row in found}) == len(found)
    return {row["current_user_id"] for row in found}


MERGED_TWICE = [
    (1, "c1", "ann"),
    (2, "c1", "bob", "ann"),
    (2, "c2", "bob"),
    (4, "c1", "cem", "bob"),
    (4, "c2", "cem", "bob"),
]


def test_an_id_is_followed_through_every_merge_up_to_the_day_asked_for(engine: DuckDBEngine) -> None:
    assert who_became(engine, MERGED_TWICE, "ann", known_on=1, until=1) == {"ann"}
    assert who_became(engine, MERGED_TWICE, "ann", known_on=1, until=3) == {"ann", "bob"}
    assert who_became(engine, MERGED_TWICE, "ann", known_on=1, until=5) == {"ann", "cem"}
    assert who_became(engine, MERGED_TWICE, "bob", known_on=3, until=5) == {"bob", "cem"}
    assert who_became(engine, MERGED_TWICE, "cem", known_on=4, until=5) == {"cem"}


def test_an_id_that_is_split_is_everybody_that_it_became(engine: DuckDBEngine) -> None:
    split = [(1, "c1", "ann"), (1, "c2", "ann"), (3, "c2", "dan", "ann"), (3, "kiosk", None, "ann")]
    assert who_became(engine, split, "ann", known_on=1, until=3) == {"ann", "dan"}
