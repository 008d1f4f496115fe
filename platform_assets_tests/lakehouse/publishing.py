"""A small table to publish to, and what can be read of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from platform_assets.domain.contracts.contract import Column, Contract, RowRule
from platform_assets_tests.stores import Store
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.publish import Publication, publish
from resources.lakehouse.slicing import Slicing

VISITS = Contract(
    name="visits",
    description="One row is one visit to a shop.",
    key=("visit",),
    columns=(
        Column("shop", "string", "Where."),
        Column("visit", "int64", "Which.", nullable=False),
        Column("spent", "int64", "How much."),
    ),
    partition_column="shop",
    rules=(RowRule("spent_negative", "nobody spends less than nothing", lambda table: ~(table.spent < 0)),),
    drops={"staff": "employees are no visitors"},
)
SCHEMA = {"shop": "string", "visit": "int64", "spent": "int64", "reject_reason": "string"}


def visits(*rows: tuple, **schema: str) -> ibis.Table:
    """Visits as (shop, visit, spent) or (shop, visit, spent, reject reason); `schema` changes a column's type."""
    return ibis.memtable([(*row, None)[:4] for row in rows], schema=SCHEMA | schema)


@dataclass
class Shop:
    """The table `visits` of one lakehouse, written and read by one engine."""

    store: Store
    engine: Engine
    contract: Contract = VISITS
    column: str | None = field(default="shop")
    key_id: str = ""

    def publish(
        self, expression: ibis.Table, shops: Sequence[str] | None, *, allow_emptying: bool = False
    ) -> Publication:
        return publish(
            expression,
            self.contract,
            Slicing(self.column),
            shops,
            engine=self.engine,
            lakehouse=self.store.lakehouse,
            staging_folder=self.store.staging,
            provenance={"dagster_run_id": "run-1", "input_versions": '{"tills": 3}', "code_version": "abc"}
            | {"pseudonym_key_id": self.key_id},
            allow_emptying=allow_emptying,
        )

    def rows(self, shops: Sequence[str] | None = None, *, table: str | None = None) -> list[dict[str, Any]]:
        """Published rows as dictionaries, in the order of their values."""
        snapshot = self.store.lakehouse.snapshot(table or self.contract.name)
        found = read(self.store.lakehouse, self.engine, snapshot, shops)
        return sorted(found.to_pyarrow().to_pylist(), key=str)

    def told(self, shops: Sequence[str] | None = None) -> list[tuple]:
        """Published visits as (shop, visit, spent)."""
        return sorted((row["shop"], row["visit"], row["spent"]) for row in self.rows(shops))

    def quarantined(self) -> list[dict[str, Any]]:
        return self.rows(table="visits_quarantine")
