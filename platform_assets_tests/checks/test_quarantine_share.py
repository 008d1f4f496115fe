"""A table whose rows go to the quarantine in numbers is noticed; a single bad row is not."""

import ibis
import pytest

from platform_assets.checks.quarantine_share import quarantine_share_check
from platform_assets.domain.contracts.contract import Column, Contract, RowRule
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing

CONTRACT = Contract(
    name="readings",
    description="One row is one reading.",
    key=("number",),
    columns=(Column("day", "string", "When."), Column("number", "int64", "Which."), Column("value", "int64", "What.")),
    partition_column="day",
    rules=(RowRule("value_negative", "value is not negative", lambda table: table.value >= 0),),
)


@pytest.mark.parametrize(
    ("bad_rows", "passed"),
    [
        pytest.param(0, True, id="none"),
        pytest.param(1, True, id="one of a hundred"),
        pytest.param(2, False, id="two of a hundred"),
        pytest.param(100, False, id="all"),
    ],
)
@pytest.mark.parametrize("store", ["local"], indirect=True)
def test_more_than_one_row_in_a_hundred_is_too_many(
    store: Store, engine: DuckDBEngine, bad_rows: int, passed: bool
) -> None:
    rows = ibis.memtable(
        {"day": ["2026-01-01"] * 100, "number": list(range(100)), "value": [-1] * bad_rows + [1] * (100 - bad_rows)}
    )
    publish(
        rows,
        CONTRACT,
        Slicing("day"),
        ["2026-01-01"],
        engine=engine,
        lakehouse=store.lakehouse,
        staging_folder=store.staging,
        provenance={},
    )
    io_manager = DeltaIOManager(store.lakehouse, engine, store.staging, allow_emptying=False)
    result = quarantine_share_check(CONTRACT)(lakehouse=io_manager)
    assert result.passed is passed
    assert result.metadata["quarantined_rows"].value == bad_rows
