"""What `benchmarks.lookalike` measures, each in a process of its own; the figures are the last line, as JSON."""

import json
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import numpy as np
import pandas as pd

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.demo.planted_quality import planted_quality, read_truth
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.lookalike import non_members
from platform_assets.domain.modelling.calibration import calibrate
from platform_assets.domain.modelling.expansion import CalibratedModel, expansions, realised
from platform_assets.domain.modelling.time_split import split_by_time, time_folds
from platform_assets.domain.modelling.training import feature_matrix, train
from platform_assets.trained_models.lookalike import LOOKALIKE, lookalike
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST, DAYS, UNSEEN, SEED = date(2026, 1, 1), 60, 15, 7
LATENESS_DAYS = 2
MODEL = LOOKALIKE.waiting_for(LATENESS_DAYS)
KEYS = [(FIRST + timedelta(days=day)).isoformat() for day in range(DAYS)]
TRAINED = KEYS[DAYS - UNSEEN - 1]


class World:
    """The demo's world below a folder: simulated and computed up to the expansion, unless that was done."""

    def __init__(self, home: Path, events: int) -> None:
        self.settings = Settings(home=home, first_day=FIRST, last_day=FIRST + timedelta(days=DAYS - 1))
        self.landing = Path(self.settings.landing_root)
        if not (home / "complete").exists():
            simulate(self.landing, first_day=FIRST, days=DAYS, events=events, seed=SEED, hubs=True)
            self._compute()
            (home / "complete").touch()
        self.lakehouse = Lakehouse(self.settings.lake_root)
        key = self.settings.require_pseudonym_key(only_simulated_data=True)
        self.engine = DuckDBEngine.from_settings(self.settings, key)

    def table(self, name: str) -> ibis.Table:
        return read(self.lakehouse, self.engine, self.lakehouse.snapshot(name), None)

    def _compute(self) -> None:
        job = build_definitions(self.settings).resolve_implicit_global_asset_job_def()
        tables = ("raw_web_events", "events", "identifier_pairs", "user_ids", "url_audiences", "category_audiences")
        unseen = (KEYS[DAYS - UNSEEN], KEYS[-1])
        plan: list[tuple[str, tuple[str, str] | None]] = [("domain_categories", None)]
        plan += [(name, (KEYS[0], KEYS[-1])) for name in (*tables, "user_features")]
        plan += [(MODEL.model.table(suffix), (TRAINED, TRAINED)) for suffix in ("training_set", "model")]
        plan += [(MODEL.model.table("champion"), None), (MODEL.model.table("scores"), unseen), (MODEL.table, unseen)]
        with dg.DagsterInstance.ephemeral() as instance:
            for name, span in plan:
                ends = dict(zip(("start", "end"), span, strict=True)) if span else {}
                tags = {f"dagster/asset_partition_range_{end}": day for end, day in ends.items()}
                job.get_subset(asset_selection={dg.AssetKey(name)}).execute_in_process(instance=instance, tags=tags)


def quality(home: Path, events: int) -> dict[str, Any]:
    """AUC on unseen mature days beside that of the planted probabilities, and what came true of the expansion."""
    world = World(home, events)
    mature = MODEL.seed.last_mature(world.settings.last_day or FIRST)
    scores, seed, user_ids = (world.table(name) for name in (MODEL.model.table("scores"), MODEL.seed.table, "user_ids"))
    truth = read_truth(world.engine.backend, world.landing.parent / "truth")
    outside = non_members(scores, MODEL.seed.members(seed), day="event_date")
    found = {
        name: planted_quality(rows, seed, user_ids, truth, MODEL.model, mature)
        for name, rows in (("everybody", scores), ("non_members", outside))
    }
    expanded = world.table(MODEL.table).filter(lambda table: table.event_date <= ibis.literal(mature))
    return {name: vars(each) for name, each in found.items() if each} | _expansion(
        realised(expanded, seed, user_ids, MODEL)
    )


def _expansion(rows: pd.DataFrame) -> dict[str, float]:
    whole = rows.groupby("event_date").tail(1)
    inside = rows.realised_precision.between(rows.expected_precision_low, rows.expected_precision_high)
    return {
        "size": int(whole["rank"].max()),
        "days": len(whole),
        "expected_precision": float(whole.expected_precision.mean()),
        "realised_precision": float(whole.realised_precision.mean()),
        "inside": float(inside.mean()),
        "whole_days_inside": float(inside[whole.index].mean()),
    }


def training(home: Path, events: int) -> dict[str, Any]:
    """CPU seconds of training as it is, and of scikit-learn's bare search on the same rows, for a tenth and for all."""
    rows = World(home, events).table(MODEL.model.table("training_set")).to_pandas()
    trained_on, spec = date.fromisoformat(TRAINED), MODEL.model
    people = rows["user_id"].drop_duplicates().sort_values()
    figures = {}
    _bare_search(split_by_time(rows, spec).search, spec)  # so that neither measurement pays for imports
    for name, part in (("tenth", rows[rows.user_id.isin(people.iloc[::10])]), ("all", rows)):
        bare = split_by_time(part, spec)
        figures[name] = {
            "rows": len(bare.search),
            "cpu_seconds": _cpu(lambda part=part: train(part, spec, trained_on)),
            "bare_cpu_seconds": _cpu(lambda bare=bare: _bare_search(bare.search, spec)),
        }
    return figures


def _bare_search(rows: pd.DataFrame, spec: Any) -> None:
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_limits

    days = pd.to_datetime(rows.feature_date).to_numpy().astype("datetime64[D]")
    folds = time_folds(days, spec.folds, spec.label.embargo_days)
    grid = [dict(each) for each in spec.search_space(spec.seed)]
    search = GridSearchCV(spec.estimator(spec.seed), grid, scoring=spec.scoring, cv=folds)
    with threadpool_limits(limits=1):
        search.fit(feature_matrix(rows, spec), rows.label.to_numpy())


def expansion() -> dict[str, Any]:
    """CPU seconds to expand a seed among some and ten times as many, and of pandas' bare choice of the best."""
    random = np.random.default_rng(SEED)
    chosen = lookalike(AudienceLabel("url_audiences", "a", horizon_days=7, maturity_days=8), size=10_000, name="a")
    labels = random.random(20_000) < 0.1
    model = CalibratedModel(
        calibrate(labels, random.beta(1, 9, 20_000), np.arange(20_000), minimum=30, where="benchmark"), FIRST
    )
    figures = {}
    for persons in (200_000, 2_000_000):
        names = pd.Series(np.arange(persons)).astype(str)
        scored = pd.DataFrame(
            {"event_date": FIRST, "user_id": names, "score": random.beta(1, 9, persons), "model_name": "a"}
        ).assign(model_version=1, in_sample=False)
        figures[str(persons)] = {
            "cpu_seconds": _cpu(lambda scored=scored: list(expansions(scored, {1: model}, chosen))),
            "bare_cpu_seconds": _cpu(
                lambda scored=scored: scored.sort_values(["score", "user_id"], ascending=[False, True]).head(10_000)
            ),
        }
    return figures


def shop(home: Path) -> dict[str, Any]:
    """A real shop's repeat buyers of the coming 28 days, on a month that the model never saw."""
    from platform_assets_tests.online_retail import LOOKALIKE as SHOP
    from platform_assets_tests.online_retail import OnlineRetail

    with dg.DagsterInstance.ephemeral() as instance:
        retail = OnlineRetail.opened(home, instance)
        if not (home / "complete").exists():
            retail.run_all()
            (home / "complete").touch()
        verdict = retail.table("repeat_buyers_champion").to_pandas().iloc[0]
        validated = retail.table("repeat_buyers_validation").to_pandas()
        tables = (retail.table(name) for name in (SHOP.table, SHOP.seed.table, "user_ids"))
        found = _expansion(realised(*tables, SHOP))
    return found | {
        "held_out_auc": float(verdict["value"]),
        "held_out_rows": int(verdict["rows"]),
        "best_feature_auc": float(verdict["rival_value"]),
        "month_auc": float(validated.auc.mean()),
        "month_days": len(validated),
        "base_rate": float(validated.positives.sum() / validated["rows"].sum()),
    }


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    name, *given = sys.argv[1:]
    legs: dict[str, Callable[..., dict[str, Any]]] = {
        "quality": lambda home, events: quality(Path(home), int(events)),
        "training": lambda home, events: training(Path(home), int(events)),
        "expansion": expansion,
        "shop": lambda home: shop(Path(home)),
    }
    print(json.dumps(legs[name](*given), default=str))
