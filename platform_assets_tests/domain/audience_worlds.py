"""Small worlds for tests of reports on audiences: cookies that change hands, what they did, and who is a member."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from resources.compute.duckdb_engine import DuckDBEngine

FIRST = date(2026, 1, 1)
COOKIES = ("c1", "c2", "c3", "c4", "c5")
USERS = ("ann", "bob", "cem", "dan", "eve")


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass(frozen=True)
class AudienceWorld:
    """Days are numbers. `seen` holds (day, cookie, event type, is a bot), `moves` which cookie belongs to whom from a
    day on, `members` (day, audience, user) → (events, day of the last of them)."""

    seen: tuple[tuple[int, str, str, bool], ...] = ()
    moves: Mapping[tuple[int, str], str | None] = field(default_factory=dict)
    members: Mapping[tuple[int, str, str], tuple[int, int]] = field(default_factory=dict)

    def holder(self, cookie: str, day: int) -> str | None:
        """Whose the cookie is when the day ends; in the beginning everybody has one, in their order."""
        holder: str | None = dict(zip(COOKIES, USERS, strict=True))[cookie]
        for (_, moved), user in sorted(entry for entry in self.moves.items() if entry[0][0] <= day):
            holder = user if moved == cookie else holder
        return holder

    def tables(self) -> dict[str, pa.Table]:
        """The tables `events`, `user_ids` and `category_audiences` of this world."""
        return {
            EVENTS.name: pa.Table.from_pylist(self._events(), EVENTS.schema().to_pyarrow()),
            USER_IDS.name: pa.Table.from_pylist(self._user_ids(), USER_IDS.schema().to_pyarrow()),
            CATEGORY_AUDIENCES.name: pa.Table.from_pylist(self._members(), CATEGORY_AUDIENCES.schema().to_pyarrow()),
        }

    def _events(self) -> list[dict]:
        return [
            {
                "event_id": str(number),
                "event_time": datetime.combine(day_of(day), time(12)),
                "event_date": day_of(day),
                "source": "web",
                "event_type": event_type,
                "cookie_id": cookie,
                "path": f"/{event_type}",
                "is_bot": is_bot,
            }
            for number, (day, cookie, event_type, is_bot) in enumerate(self.seen)
        ]

    def _user_ids(self) -> list[dict]:
        rows = []
        for day, cookie in sorted({(day, cookie) for day, cookie, *_ in self.seen} | set(self.moves)):
            user, before = self.holder(cookie, day), self.holder(cookie, day - 1)
            rows.append(
                {
                    "event_date": day_of(day),
                    "identifier": cookie,
                    "kind": "cookie",
                    "user_id": user,
                    "is_hub": user is None,
                    "previous_user_id": before if before != user else None,
                }
            )
        return rows

    def _members(self) -> list[dict]:
        return [
            {
                "event_date": day_of(day),
                "category": audience,
                "user_id": user,
                "events": events,
                "share": 1.0,
                "last_event_date": day_of(last),
            }
            for (day, audience, user), (events, last) in self.members.items()
        ]


TABLES = {contract.name: contract for contract in (EVENTS, USER_IDS, CATEGORY_AUDIENCES)}
Reported = Callable[[Mapping[str, ibis.Table]], ibis.Table]


def computed(engine: DuckDBEngine, world: AudienceWorld, name: str, expression: Reported) -> list[dict]:
    """The rows of an expression over a world's tables. The same `name` is planned once: planning takes long."""
    con = engine.backend.con
    _planned(engine, name, expression)
    for table, rows in world.tables().items():
        con.register("rows_of_world", rows)
        con.execute(f"DELETE FROM {table}")
        con.execute(f"INSERT INTO {table} FROM rows_of_world")
    return con.execute(f"EXECUTE run_{name}").to_arrow_table().to_pylist()


_PLANNED: set[tuple[int, str]] = set()


def _planned(engine: DuckDBEngine, name: str, expression: Reported) -> None:
    if (id(engine), name) in _PLANNED:
        return
    for table, rows in AudienceWorld().tables().items():
        engine.backend.con.register("rows_of_world", rows)
        engine.backend.con.execute(f"CREATE TABLE IF NOT EXISTS {table} AS FROM rows_of_world")
    tables = {table: ibis.table(contract.schema(), name=table) for table, contract in TABLES.items()}
    engine.backend.create_view(name, expression(tables))
    engine.backend.con.execute(f"PREPARE run_{name} AS FROM {name}")
    _PLANNED.add((id(engine), name))


def worlds(days: range) -> st.SearchStrategy[AudienceWorld]:
    """Worlds in which something happens on these days and in the weeks before them."""
    recent = st.sampled_from([*range(days.start - 30, days.start - 26), *range(days.start - 3, days.stop + 2)])
    about = st.integers(days.start - 2, days.stop)
    return st.builds(
        lambda seen, moves, members: AudienceWorld(tuple(seen), moves, members),
        st.lists(
            st.tuples(
                recent,
                st.sampled_from(COOKIES),
                st.sampled_from(["page_view", "purchase", "purchase"]),
                st.sampled_from([False, False, False, True]),
            ),
            max_size=25,
        ),
        st.dictionaries(
            st.tuples(about, st.sampled_from(COOKIES)), st.sampled_from([*USERS, *USERS, None]), max_size=4
        ),
        st.dictionaries(
            st.tuples(about, st.sampled_from(["sports", "travel"]), st.sampled_from(USERS)),
            st.tuples(st.integers(1, 9), st.integers(days.start - 25, days.start - 2)),
            max_size=16,
        ),
    )
