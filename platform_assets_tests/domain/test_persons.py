"""Every row gets the person that a plain look-up in the identifiers' history gives, and no row is lost or doubled."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.persons import with_user_ids
from resources.compute.duckdb_engine import DuckDBEngine

FIRST = date(2026, 1, 5)
IDENTIFIERS = {"login_hash": ["l1", "l2", None], "cookie_id": ["c1", "c2", "c3", None], "device_id": ["d1", None]}
KINDS = {"l": "login", "c": "cookie", "d": "device"}

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
    found = engine.backend.to_pyarrow(with_user_ids(table, user_ids(known), as_of="event_date")).to_pylist()
    assert sorted((row["number"], row["user_id"]) for row in found) == expected


def latest(known: dict, identifier: str | None, day: int) -> str | None:
    history = [(when, user) for (name, when), user in known.items() if name == identifier and when <= day]
    return max(history, key=lambda entry: entry[0])[1] if history else None


def user_ids(known: dict) -> ibis.Table:
    records = [
        {
            "event_date": FIRST + timedelta(days=day),
            "identifier": identifier,
            "kind": KINDS[identifier[0]],
            "user_id": user,
            "is_hub": user is None,
            "previous_user_id": None,
        }
        for (identifier, day), user in known.items()
    ]
    return ibis.memtable(pa.Table.from_pylist(records, USER_IDS.schema().to_pyarrow()))
