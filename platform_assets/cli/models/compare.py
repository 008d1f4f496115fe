"""`platform models compare`: two versions on the same later rows, as the gate would compare them."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_assets.cli.models.declared import ModelName, declared_model, registry_of
from platform_assets.cli.models.rows import print_rows
from platform_assets.cli.sql import OutputFormat
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd

    from platform_assets.domain.promotion.comparison import Comparison


class NothingToCompareOn(PlatformError):
    """There are no rows, or too few, that neither version has learnt from."""


def compare_versions(
    model: ModelName,
    first: Annotated[int, typer.Argument(min=1, help="A version.")],
    second: Annotated[int, typer.Argument(min=1, help="The version it is compared with.")],
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.TABLE,
) -> None:
    """Compare two versions on later rows that neither has learnt from.

    The rows are the held-out ones of the newest training set. `better_by` says how much better FIRST is than SECOND,
    with the paired 95 % interval; slices are those of the spec. Nothing is decided or recorded.

    Example: platform models compare conversion 4 3
    """
    from platform_assets.domain.promotion.comparison import compare

    settings, spec = load_settings(), declared_model(model)
    registry = registry_of(settings)
    own, other = (registry.load(registry.version(spec.name, number)) for number in (first, second))
    rows = _later_rows(settings, spec, max(own.version.trained_until, other.version.trained_until))
    found = compare(rows, own.score(rows), other.score(rows), spec)
    print_rows(_rows(found, first, second), output, nothing="")
    if output is OutputFormat.TABLE:
        days = sorted({str(day)[:10] for day in rows["feature_date"]})
        typer.echo(f"{found.rows:,} rows, {found.positives:,} positive, of days {days[0]} to {days[-1]}.")


def _later_rows(settings: Settings, spec: ModelSpec, seen: date) -> "pd.DataFrame":
    import numpy as np

    from platform_assets.domain.modelling.time_split import as_days, split_by_time
    from platform_assets.domain.promotion.comparison import enough_outcomes

    table, lakehouse = spec.table("training_set"), Lakehouse(settings.lake_root)
    dates = sorted(lakehouse.slice_notes(table)) if lakehouse.exists(table) else []
    rows = None
    if dates:
        engine = DuckDBEngine.from_settings(settings)
        newest = read(lakehouse, engine, lakehouse.snapshot(table), [dates[-1]]).to_pandas()
        holdout = split_by_time(newest, spec).holdout
        rows = holdout[as_days(holdout["feature_date"]) > np.datetime64(seen, "D")].reset_index(drop=True)
    if rows is None or not enough_outcomes(rows["label"]):
        raise NothingToCompareOn(
            f"too few held-out rows are later than {seen}, the last day that one of the versions has seen",
            where=f"{table}[{dates[-1]}]" if dates else table,
            todo=f"materialise {table} for a later training date",
        )
    return rows


def _rows(found: "Comparison", first: int, second: int) -> list[dict[str, Any]]:
    pairs = {
        found.metric: (found.value, found.rival_value, found.difference),
        "calibration_error": (
            found.calibration_error,
            found.rival_calibration_error,
            found.calibration_difference.reversed(),
        ),
        **{f"{found.metric} where {name}": (None, None, each) for name, each in found.slices.items()},
    }
    return [
        {
            "figure": name,
            f"version_{first}": own,
            f"version_{second}": other,
            "better_by": better.value,
            "low": better.low,
            "high": better.high,
        }
        for name, (own, other, better) in pairs.items()
    ]
