"""What `platform demo` says of models: their quality beside what the planted probabilities reach, and the expansion."""

import json
from datetime import date, timedelta

import ibis
from rich.console import Console

from platform_assets.cli.simulate import truth_folder
from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import ModelSpec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings


class _Tables:
    """The tables of a lake, as the demo left them."""

    def __init__(self, settings: Settings) -> None:
        self.lakehouse = Lakehouse(settings.lake_root)
        key = settings.require_pseudonym_key(only_simulated_data=True)
        self.engine = DuckDBEngine.from_settings(settings, key)

    def __call__(self, name: str) -> ibis.Table:
        return read(self.lakehouse, self.engine, self.lakehouse.snapshot(name), None)


def print_models(settings: Settings, days: int, conversion: ModelSpec, lookalike: Lookalike) -> None:
    """A few sentences for every model that scored days whose labels are final; the figures also go to a file."""
    tables, last_day = _Tables(settings), settings.first_partition_day + timedelta(days=days - 1)
    figures = {
        model.name: _print_quality(tables, settings, model, last_day)
        for model in (conversion, lookalike.model)
        if tables.lakehouse.exists(model.table("scores"))
    }
    if tables.lakehouse.exists(lookalike.table):
        _print_expansion(tables, lookalike, last_day)
    report = settings.home_folder / "demo" / "quality.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(figures, default=str, indent=2), encoding="utf-8")


def _print_quality(tables: _Tables, settings: Settings, model: ModelSpec, last_day: date) -> dict[str, object]:
    from platform_assets.demo.planted_quality import planted_quality, read_truth

    quality = planted_quality(
        tables(model.table("scores")),
        tables(model.label.source_table),
        tables("user_ids"),
        read_truth(tables.engine.backend, truth_folder(settings)),
        model,
        model.label.last_mature(last_day),
    )
    if quality is None:
        Console().print(f"No day that {model.name} scored has mature labels yet.")
        return {}
    Console().print(
        f"\nThe model [bold]{model.name}[/] on days it never saw "
        f"({quality.first:%Y-%m-%d} to {quality.last:%Y-%m-%d}, {quality.rows:,} user days, "
        f"{quality.positives:,} with {model.label.outcome}):\n"
        f"  AUC [bold]{quality.model_auc:.3f}[/]; the planted probabilities themselves reach "
        f"[bold]{quality.planted_auc:.3f}[/] ({quality.planted_auc - quality.model_auc:.3f} more)",
        highlight=False,
    )
    return vars(quality)


def _print_expansion(tables: _Tables, lookalike: Lookalike, last_day: date) -> None:
    from platform_assets.domain.modelling.expansion import realised

    expanded, mature = tables(lookalike.table), lookalike.seed.last_mature(last_day)
    seen = expanded.filter(~expanded.in_sample, expanded.event_date <= ibis.literal(mature))
    rows = realised(seen, tables(lookalike.seed.source_table), tables("user_ids"), lookalike)
    if rows.empty:
        return
    whole = rows.groupby("event_date").tail(1)
    size = len(rows) // len(whole)
    inside = rows.realised_precision.between(rows.expected_precision_low, rows.expected_precision_high).mean()
    Console().print(
        f"  Expanded by {size:,} persons a day; [bold]{whole.realised_precision.mean():.1%}[/] of them "
        f"joined {lookalike.seed.audience}; expected were {whole.expected_precision.mean():.1%}. "
        f"{inside:.0%} of all sizes and days lay within their 95 % intervals.",
        highlight=False,
    )
