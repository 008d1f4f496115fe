"""Contracts grow, change and go back in any order: the table holds what a few lists of Python say, or says why not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets_tests.lakehouse.publishing import Shop
from platform_assets_tests.stores import local_store, moto_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.migration import migrate
from resources.lakehouse.schema_evolution import ContractChanged, MigrationNeeded, OlderContract
from resources.lakehouse.slicing import Slicing

Row = dict[str, Any]
SHOPS = ("a", "b")


@dataclass(frozen=True)
class Code:
    """What one state of the code declares: a version, whether `spent` is text, and more nullable columns."""

    version: int = 1
    text: bool = False
    more: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """For every migration the column that it takes away ("" for none); each one turns `spent` into its other type."""

    def grown(self, name: str) -> "Code":
        return replace(self, more=(*self.more, name))

    def changed(self) -> "Code":
        gone, rest = self.more[:1], self.more[1:]
        return replace(
            self, version=self.version + 1, text=not self.text, more=rest, dropped=(*self.dropped, "".join(gone))
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return ("shop", *self.more, "visit", "spent")

    def contract(self) -> Contract:
        spent = Column("spent", "string" if self.text else "int64", "How much.")
        return Contract(
            name="visits",
            description="One row is one visit.",
            key=("visit",),
            columns=(
                Column("shop", "string", "Where."),
                *(Column(name, "string", "More.") for name in self.more),
                Column("visit", "int64", "Which.", nullable=False),
                spent,
            ),
            partition_column="shop",
            version=self.version,
            migrations={number: step(number, gone) for number, gone in enumerate(self.dropped, 1)},
        )

    def rows(self, shop: str, count: int) -> list[Row]:
        found: list[Row] = []
        for visit in range(count):
            row = {"shop": shop, "visit": visit, "spent": str(visit) if self.text else visit}
            found.append({**row, **{name: f"{name} {visit}" for name in self.more}})
        return found


def step(number: int, gone: str) -> Callable[[ibis.Table], ibis.Table]:
    kind = "string" if number % 2 else "int64"

    def migration(table: ibis.Table) -> ibis.Table:
        changed = table.mutate(spent=table.spent.cast(kind))
        return changed.drop(gone) if gone in table.columns else changed

    return migration


@dataclass
class Plain:
    """The table as plain rows, with every version that it had."""

    version: int = 1
    text: bool = False
    columns: frozenset[str] = frozenset()
    rows: list[Row] = field(default_factory=list)
    exists: bool = False
    history: dict[int, list[Row]] = field(default_factory=dict)

    def refusal(self, code: Code) -> type[Exception] | None:
        if not self.exists:
            return None
        if code.version != self.version:
            return OlderContract if code.version < self.version else MigrationNeeded
        if set(self.columns) <= set(code.columns):
            return None
        return OlderContract if self.columns - set(code.columns) <= self.added else ContractChanged

    added: frozenset[str] = frozenset()

    def publish(self, code: Code, shop: str, count: int) -> None:
        new = frozenset(code.columns) - self.columns
        self.added |= new if self.exists else frozenset()
        kept = [{**dict.fromkeys(code.columns), **row} for row in self.rows if row["shop"] != shop]
        self.columns |= new
        self.rows = kept + code.rows(shop, count)
        self.version, self.text, self.exists = code.version, code.text, True

    def migrate(self, code: Code) -> None:
        if not self.exists or code.version == self.version:
            return
        odd = (code.version - self.version) % 2
        for row in self.rows:
            if odd:
                row["spent"] = int(row["spent"]) if self.text else str(row["spent"])
            for name in set(row) - set(code.columns):
                del row[name]
            for name in set(code.columns) - set(row):
                row[name] = None
        self.version, self.text = code.version, self.text ^ bool(odd)
        self.columns, self.added = frozenset(code.columns), frozenset()


Action = tuple[str, int, int]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "publish", "publish", "grow", "change", "migrate", "old code", "read"]),
        st.integers(0, 3),
        st.integers(1, 2),
    ),
    min_size=3,
    max_size=9,
)


def as_read(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["shop"], row["visit"]))


def play(shop: Shop, actions: list[Action]) -> None:
    """Do the actions to the table and to its plain likeness, and compare them after each."""
    plain, codes, lakehouse = Plain(), [Code()], shop.store.lakehouse

    def published(code: Code, place: str, count: int) -> None:
        rows = ibis.memtable(code.rows(place, count), schema=code.contract().schema())
        Shop(shop.store, shop.engine, code.contract()).publish(rows, [place])

    for number, (action, choice, count) in enumerate(actions):
        code = codes[choice % len(codes)] if action == "old code" else codes[-1]
        place = SHOPS[choice % 2]
        if action in ("publish", "old code"):
            if refused := plain.refusal(code):
                with pytest.raises(refused):
                    published(code, place, count)
            else:
                published(code, place, count)
                plain.publish(code, place, count)
        elif action == "migrate":
            done = migrate(
                code.contract(),
                Slicing("shop"),
                engine=shop.engine,
                lakehouse=lakehouse,
                staging_folder=shop.store.staging,
            )
            assert (done is not None) == (plain.exists and plain.version < code.version)
            plain.migrate(code)
        elif action == "read" and plain.history:
            version = sorted(plain.history)[choice % len(plain.history)]
            assert told(shop, version) == plain.history[version]
        else:
            codes.append(code.changed() if action == "change" else code.grown(f"more_{number}"))
        if plain.exists:
            latest = lakehouse.snapshot("visits").version
            plain.history[latest] = [dict(row) for row in as_read(plain.rows)]
            assert told(shop, latest) == plain.history[latest]
            for one in SHOPS:
                assert told(shop, latest, one) == [row for row in plain.history[latest] if row["shop"] == one]


def told(shop: Shop, version: int, place: str | None = None) -> list[Row]:
    snapshot = shop.store.lakehouse.snapshot("visits", version)
    rows = read(shop.store.lakehouse, shop.engine, snapshot, [place] if place else None)
    return as_read(rows.to_pyarrow().to_pylist())


GROWN: list[Action] = [("publish", 0, 2), ("grow", 0, 1), ("publish", 1, 1), ("old code", 0, 1), ("read", 0, 1)]
CHANGED: list[Action] = [*GROWN, ("change", 0, 1), ("publish", 0, 1), ("migrate", 0, 1), ("publish", 0, 1)]
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=10, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(actions=ACTIONS)
@example(actions=[*CHANGED, ("old code", 1, 1), ("read", 0, 1), ("read", 1, 1), ("grow", 0, 1), ("publish", 0, 1)])
def test_any_order_of_changes_in_a_folder(
    engine: DuckDBEngine, tmp_path_factory: pytest.TempPathFactory, actions: list[Action]
) -> None:
    play(Shop(local_store(tmp_path_factory.mktemp("lake")), engine), actions)


@settings(max_examples=2, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(actions=ACTIONS)
@example(actions=CHANGED)
def test_any_order_of_changes_on_s3(
    engine: DuckDBEngine, moto_server: str, tmp_path: Path, actions: list[Action]
) -> None:
    play(Shop(moto_store(moto_server, tmp_path), engine), actions)


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
@given(actions=ACTIONS)
def test_any_order_of_changes_in_a_folder_many_times(
    engine: DuckDBEngine, tmp_path_factory: pytest.TempPathFactory, actions: list[Action]
) -> None:
    play(Shop(local_store(tmp_path_factory.mktemp("lake")), engine), actions)
