"""What `platform demo` says of traffic: planted anomalies that were found, and how forecasts did."""

import ibis
from rich.console import Console

from platform_assets.cli.simulate import truth_folder
from platform_assets.domain.contracts.forecast_validation import FORECAST_VALIDATION
from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings


def print_traffic(settings: Settings) -> None:
    """Two sentences; none of what a world of a few days has nothing of."""
    from platform_assets.demo.planted_traffic import planted_traffic, read_planted

    lakehouse = Lakehouse(settings.lake_root)
    engine = DuckDBEngine.from_settings(settings, settings.require_pseudonym_key(only_simulated_data=True))

    def rows(table: str) -> ibis.Table:
        return read(lakehouse, engine, lakehouse.snapshot(table), None)

    found = planted_traffic(rows(TRAFFIC_DECOMPOSITION.name), read_planted(truth_folder(settings)))
    if found.planted:
        Console().print(
            f"\nTraffic: [bold]{found.found} of {found.planted}[/] planted anomalies of sites were found; "
            f"{found.right} of {found.runs} runs of hours that were called anomalies had been planted.",
            highlight=False,
        )
    validation = rows(FORECAST_VALIDATION.name)
    covered, hours = validation.covered_hours.sum(), validation.interval_hours.sum()
    coverage = validation.aggregate(coverage=covered / hours.nullif(0)).to_pyarrow()["coverage"][0].as_py()
    if coverage is not None:
        Console().print(f"  [bold]{coverage:.1%}[/] of hours lay within the 90 % intervals of their forecasts.")
