"""`platform demo`: the whole way on simulated data, from landed files to validated scores.

Every step is the command that people and CI use; run again, it recomputes only what changed.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from platform_assets.cli.changed_partitions import WHOLE, ChangedPartitions, contiguous
from platform_assets.cli.dagster_runs import materialize
from platform_assets.cli.demo_models import print_models
from platform_assets.cli.demo_traffic import print_traffic
from platform_assets.cli.recover import recover_runs
from platform_assets.cli.simulate import simulate_world
from platform_assets.cli.tables import describe_tables
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.features.cluster_features import CLUSTERS_KEPT_DAYS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.sources import load_sources
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets.trained_models.lookalike import LOOKALIKE
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings, load_settings

MODELS = (CONVERSION, LOOKALIKE.model)

UNSEEN_DAYS = 15
"""Models are trained as of this many days before the last one; the days after it are scored and validated."""

SUMMARY_WIDTH = 112
"""Characters that the summary needs; a log file is as wide as that."""


@dataclass(frozen=True)
class Stage:
    """Assets that run in one command, over these partition keys (none: an asset without partitions).

    Where `scored_by` is a model, they are left out unless it has a champion.
    """

    assets: tuple[str, ...]
    keys: tuple[str, ...]
    scored_by: ModelSpec | None = None


def demo(
    days: Annotated[int, typer.Option(min=52, help="Landing days; 52 or more, so that a model can be trained.")] = 60,
    events: Annotated[int, typer.Option(min=10_000, help="Events in all, about.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 7,
) -> None:
    """Simulate a world, run the whole graph on it, and say how good the result is.

    Run again, it recomputes only what changed: new files, other code, or what depends on either.
    """
    settings, console, began = load_settings(), Console(stderr=True), time.monotonic()
    for line in recover_runs(settings):
        console.print(line, highlight=False, soft_wrap=True)
    simulate_world(settings, first_day=settings.first_partition_day, days=days, events=events, seed=seed)
    seconds = run_stages(settings, _stages(settings, days), console)
    console.print()
    print_summary(settings, seconds)
    print_models(settings, days, CONVERSION, LOOKALIKE)
    print_traffic(settings)
    Console().print(
        f"\nDone in {time.monotonic() - began:.0f} s. Next: [bold]make dev[/] opens the UI on this data at "
        "http://127.0.0.1:3000 – look at the asset graph first (Assets → View lineage), then at conversion_model.",
        highlight=False,
    )


def _stages(settings: Settings, days: int) -> list[Stage]:
    first = settings.first_partition_day
    every = tuple((first + timedelta(days=day)).isoformat() for day in range(days))
    raw = tuple(f"raw_{source.name}" for source in load_sources(settings.sources_file) if source.simulated)
    clustered = every[CLUSTERS_KEPT_DAYS - 1 :: CLUSTERS_KEPT_DAYS]
    return [
        Stage((DOMAIN_CATEGORIES.name,), ()),
        *(Stage((asset,), every) for asset in (*raw, *BEFORE_CLUSTERS)),
        *(Stage(("domain_clusters_model", "domain_clusters"), (day,)) for day in clustered),
        *(Stage((asset,), every) for asset in AFTER_CLUSTERS),
        *_model_stages(every),
    ]


BEFORE_CLUSTERS = (
    *("events", "identifier_pairs", "user_ids", "user_id_merges"),
    *("url_audiences", "category_audiences", "audience_report", "audience_overlap"),
)
AFTER_CLUSTERS = ("user_features", "traffic_series", "traffic_decomposition", "forecast_validation")


def _model_stages(every: tuple[str, ...]) -> list[Stage]:
    trained = len(every) - UNSEEN_DAYS - 1
    unseen = every[trained + 1 :]
    return [
        *(Stage((model.table(suffix),), (every[trained],)) for suffix in ("training_set", "model") for model in MODELS),
        *(Stage((model.table("champion"),), ()) for model in MODELS),
        Stage((PROMOTION_DECISIONS.name,), ()),
        *(Stage((model.table("scores"),), unseen, scored_by=model) for model in MODELS),
        Stage((LOOKALIKE.table,), unseen, scored_by=LOOKALIKE.model),
        *(
            Stage((model.table("validation"),), unseen[: UNSEEN_DAYS - model.label.maturity_days], scored_by=model)
            for model in MODELS
        ),
        *(Stage((model.table("drift"),), unseen, scored_by=model) for model in MODELS),
        Stage(("promotion_decisions",), ()),
        Stage(("retrain_decisions",), unseen),
    ]


def run_stages(settings: Settings, stages: list[Stage], console: Console) -> dict[str, float]:
    """Materialise what is stale, stage by stage; returns the seconds of every asset that was computed.

    Stages whose whole range is stale join one command as long as their keys are the same: a fresh lake needs few.
    """
    from platform_assets.definitions import declared_categories, defs

    lakehouse = Lakehouse(settings.lake_root)
    sources = load_sources(settings.sources_file)
    memory = settings.home_folder / "demo" / "computed_from.json"
    maps = declared_categories(settings).maps
    changed = ChangedPartitions(defs, sources, lakehouse, settings.landing_root, memory, maps)
    seconds: dict[str, float] = {}
    waiting = list(stages)
    while waiting:
        model = waiting[0].scored_by
        if model and (refusal := _refusal(lakehouse, model)):
            told = f"[yellow]No version of {model.name} was promoted, so none scores:[/] {refusal}"
            console.print(told, highlight=False)
            waiting = [stage for stage in waiting if stage.scored_by is not model]
            continue
        joined = _joined(waiting, lakehouse)
        waiting = waiting[len(joined) :]
        assets = [asset for stage in joined for asset in stage.assets]
        every = list(joined[0].keys) or [WHOLE]
        stale = _stale(changed, assets, every)
        if not stale:
            console.print(f"  [green]✓[/] {', '.join(assets)} [dim]unchanged[/]", highlight=False)
        while stale:
            for first, last in contiguous(stale, every):
                span = None if first == WHOLE else (first, last)
                report = materialize(settings, assets, partition_range=span, console=console)
                for asset, spent in report.seconds.items():
                    seconds[asset] = seconds.get(asset, 0.0) + spent
            for asset in assets:
                changed.remember(asset, stale)
            # Days of a table that reads its own earlier days may be stale only now.
            stale = _stale(changed, assets, every)
    return seconds


def _stale(changed: ChangedPartitions, assets: list[str], keys: list[str]) -> list[str]:
    found = {key for asset in assets for key in changed.stale(asset, keys)}
    return [key for key in keys if key in found]


def _refusal(lakehouse: Lakehouse, model: ModelSpec) -> str | None:
    """Why a model has no champion that could score; None where it has one."""
    verdict = lakehouse.snapshot(model.table("champion")).delta.to_pyarrow_table().to_pylist()[0]
    return None if verdict["promoted"] or verdict["champion_version"] else str(verdict["reason"])


def _joined(stages: list[Stage], lakehouse: Lakehouse) -> list[Stage]:
    """The next stage, together with those after it on the same keys if none of them was ever published."""
    published = set(lakehouse.table_names())
    first, joined = stages[0], [stages[0]]
    if not published.intersection(first.assets):
        for stage in stages[1:]:
            if stage.keys != first.keys or published.intersection(stage.assets):
                break
            if stage.scored_by and _refusal(lakehouse, stage.scored_by):
                break
            joined.append(stage)
    return joined


def print_summary(settings: Settings, seconds: dict[str, float]) -> None:
    """One row a table: partitions, rows, quarantined and dropped rows, Delta version, seconds of this run."""
    lakehouse = Lakehouse(settings.lake_root)
    shown = Table(header_style="bold", title="What is in the lake now", title_justify="left")
    for name in ("asset", "partitions", "rows", "quarantined", "dropped", "Delta version", "seconds"):
        shown.add_column(name, justify="left" if name == "asset" else "right", no_wrap=True)
    for row in describe_tables(lakehouse):
        name = row["table"]
        spent = f"{seconds[name]:.1f}" if name in seconds else "unchanged"
        shown.add_row(
            name,
            f"{row['partitions']:,}",
            f"{row['rows']:,}",
            f"{row['quarantined']:,}",
            f"{row['dropped']:,}",
            str(row["version"]),
            spent,
        )
    Console(width=max(Console().width, SUMMARY_WIDTH)).print(shown)
