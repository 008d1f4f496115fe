"""The least that `dagster asset materialize` can run: one daily asset that does nothing."""

import dagster as dg


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-05", end_date="2026-03-06"))
def empty() -> None:
    """Nothing."""


defs = dg.Definitions(assets=[empty], executor=dg.in_process_executor)
