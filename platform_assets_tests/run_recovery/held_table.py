"""A platform of one table, `held`: its step holds the table's pool for as long as the file HOLD exists."""

import os
import time
from pathlib import Path

import dagster as dg
import ibis

from platform_assets.automation.dead_runs import dead_runs
from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.table_asset import LAKEHOUSE, table_asset
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.run_recovery.executor import recovering_executor

HOLD = Path(os.environ.get("HOLD", "/nonexistent"))
HELD = Contract(
    name="held",
    description="One row is one run that came to its end.",
    key=("run",),
    columns=(Column("run", "string", "The run that wrote the row."),),
    partition_column=None,
)


@table_asset(HELD)
def held(context: dg.AssetExecutionContext) -> ibis.Table:
    """The run's own id, once nothing holds it any more."""
    context.log.info("in the step")
    while HOLD.exists():
        time.sleep(0.05)
    return ibis.memtable({"run": [context.run_id]})


def _lakehouse() -> DeltaIOManager:
    home = Path(os.environ["DAGSTER_HOME"]).parent
    engine = DuckDBEngine(spill_folder=home / "spill")
    return DeltaIOManager(Lakehouse(str(home / "lake")), engine, home / "staging")


defs = dg.Definitions(
    assets=[held], sensors=[dead_runs], executor=recovering_executor, resources={LAKEHOUSE: _lakehouse()}
)
