"""What categories are worth on a simulated world: visits against the planted categories, a model with and without.

python -m benchmarks.category_audiences_quality <folder> <events>
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.domain.contracts.user_features import CATEGORY_FEATURES, FEATURE_NAMES
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST, DAYS, HOLDOUT, HORIZON, REDRAWN = date(2026, 1, 5), 60, 9, 7, 200
CATEGORY_NAMES = [each.name for each in CATEGORY_FEATURES]


def main() -> None:
    """Make the world, run the graph as far as features, and print the figures as JSON."""
    home, events = Path(sys.argv[1]), int(sys.argv[2])
    settings = Settings(home=home, first_day=FIRST, last_day=FIRST + timedelta(days=DAYS - 1))
    simulate(Path(settings.landing_root), first_day=FIRST, days=DAYS, events=events)
    seconds = _materialise(settings)
    engine, lakehouse = DuckDBEngine(spill_folder=home / "spill"), Lakehouse(settings.lake_root)
    tables = {
        name: read(lakehouse, engine, lakehouse.snapshot(name), None)
        for name in ("events", "domain_categories", "user_features", "user_ids")
    }
    planted = pq.read_table(home / "truth" / "categories.parquet")
    found = _visits(engine, tables, planted) | _model(tables)
    print(json.dumps(found | {"seconds": {name: seconds[name] for name in ("category_audiences", "user_features")}}))


def _materialise(settings: Settings) -> dict[str, float]:
    """Run the graph up to the features of all days; the seconds of every step."""
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    keys = {"start": FIRST, "end": FIRST + timedelta(days=DAYS - 1)}
    daily = ["raw_web_events", "events", "identifier_pairs", "user_ids", "category_audiences", "user_features"]
    seconds: dict[str, float] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        for assets, tags in (
            (["domain_categories"], {}),
            (daily, {f"dagster/asset_partition_range_{end}": day.isoformat() for end, day in keys.items()}),
        ):
            only = job.get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})
            run = only.execute_in_process(instance=instance, tags=tags)
            for step in run.get_step_success_events():
                seconds[str(step.step_key)] = step.step_success_data.duration_ms / 1000
    return seconds


def _visits(engine: DuckDBEngine, tables: dict[str, Any], planted: Any) -> dict[str, Any]:
    """How many visits there are, of how many the category is another one than planted, and of how many unknown."""
    events = tables["events"].filter(~tables["events"].is_bot, tables["events"].domain.notnull())
    counted = events.group_by("domain", "event_date").aggregate(visits=events.count())
    engine.backend.con.register("planted", planted)
    engine.backend.con.register(
        "told", engine.backend.to_pyarrow(with_categories(counted, tables["domain_categories"], as_of="event_date"))
    )
    visits, wrong, unknown = engine.backend.con.execute(
        "SELECT sum(visits)::BIGINT, sum(visits * (told.category IS DISTINCT FROM p.category)::INT)::BIGINT, "
        "sum(visits * (told.category IS NULL)::INT)::BIGINT FROM told LEFT JOIN planted AS p ON told.domain = p.domain "
        "AND event_date >= p.valid_from AND (p.valid_to IS NULL OR event_date < p.valid_to)"
    ).fetchone()
    return {"visits": visits, "wrong": wrong, "unknown": unknown}


def _model(tables: dict[str, Any]) -> dict[str, float]:
    """AUC of purchases within a week on the last days, of one logistic regression with and without categories."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    from platform_assets.domain.modelling.training_set import labelled
    from platform_assets.trained_models.conversion import CONVERSION

    features = tables["user_features"]
    last = FIRST + timedelta(days=DAYS - HORIZON)
    days = [last - timedelta(days=number) for number in range(0, 30, 2)]
    rows = features.filter(features.event_date.isin(days))
    with_labels = labelled(
        rows, tables["events"], tables["user_ids"], CONVERSION.label, entity="user_id", day="event_date"
    ).to_pandas()
    with_labels = with_labels.sort_values(["event_date", "user_id"])
    on = np.array([each.date() if hasattr(each, "date") else each for each in with_labels.event_date])
    train = on <= last - timedelta(days=HOLDOUT + HORIZON)
    test = on > last - timedelta(days=HOLDOUT)
    found, scores = {}, {}
    for name, columns in {
        "auc": list(FEATURE_NAMES),
        "auc_without": [each for each in FEATURE_NAMES if each not in CATEGORY_NAMES],
    }.items():
        values, label = with_labels[columns].astype("float64").to_numpy(), with_labels.label.to_numpy()
        model = make_pipeline(
            FunctionTransformer(np.arcsinh),
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=0.003, max_iter=500),
        ).fit(values[train], label[train])
        scores[name] = model.predict_proba(values[test])[:, 1]
        found[name] = float(roc_auc_score(label[test], scores[name]))
    persons, number = np.unique(with_labels.user_id.to_numpy()[test], return_inverse=True)
    rng, differences = np.random.default_rng(7), []
    for _ in range(REDRAWN):
        weight = np.bincount(rng.integers(0, len(persons), len(persons)), minlength=len(persons))[number]
        both = (roc_auc_score(label[test], scores[name], sample_weight=weight) for name in ("auc", "auc_without"))
        differences.append(float(np.subtract(*both)))
    low, high = np.quantile(differences, [0.025, 0.975])
    return found | {"difference_low": float(low), "difference_high": float(high)}


if __name__ == "__main__":
    main()
