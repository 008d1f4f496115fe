"""The lookalike of a simulated world, through the whole graph, against the probabilities that made it."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import ibis
import pytest

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.demo.planted_quality import planted_quality, read_truth
from platform_assets.domain.modelling.expansion import realised
from platform_assets.trained_models.lookalike import LOOKALIKE
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST, DAYS, EVENTS = date(2026, 1, 1), 60, 400_000
KEYS = [(FIRST + timedelta(days=day)).isoformat() for day in range(DAYS)]
TRAINED, UNSEEN, WHOLE = (KEYS[44], KEYS[44]), (KEYS[45], KEYS[-1]), (KEYS[0], KEYS[-1])
INPUTS = ("raw_web_events", "events", "identifier_pairs", "user_ids", "url_audiences", "user_features")


@pytest.mark.long
def test_the_model_comes_near_the_planted_probabilities_and_its_promises_are_kept(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, first_day=FIRST, last_day=FIRST + timedelta(days=DAYS - 1))
    landing = Path(settings.landing_root)
    simulate(landing, first_day=FIRST, days=DAYS, events=EVENTS, seed=7, hubs=True)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:

        def run(asset: str, span: tuple[str, str] | None) -> None:
            ends = dict(zip(("start", "end"), span, strict=True)) if span else {}
            tags = {f"dagster/asset_partition_range_{end}": day for end, day in ends.items()}
            subset = job.get_subset(asset_selection={dg.AssetKey(asset)})
            assert subset.execute_in_process(instance=instance, tags=tags).success

        for asset in INPUTS:
            run(asset, WHOLE)
        run("lookalike_training_set", TRAINED)
        run("lookalike_model", TRAINED)
        run("lookalike_champion", None)
        run("lookalike_scores", UNSEEN)
        run("lookalike_audience", UNSEEN)
    lakehouse = Lakehouse(settings.lake_root)
    engine = DuckDBEngine.from_settings(settings, settings.require_pseudonym_key(only_simulated_data=True))
    scores, expanded, seed, user_ids = (
        read(lakehouse, engine, lakehouse.snapshot(name), None)
        for name in ("lookalike_scores", "lookalike_audience", "url_audiences", "user_ids")
    )
    mature = LOOKALIKE.seed.last_mature(settings.last_day or FIRST)
    found = planted_quality(
        scores, seed, user_ids, read_truth(engine.backend, landing.parent / "truth"), LOOKALIKE.model, mature
    )
    assert found is not None and found.unknown == 0
    assert found.planted_auc - found.model_auc < 0.03
    rows = realised(expanded.filter(expanded.event_date <= ibis.literal(mature)), seed, user_ids, LOOKALIKE)
    inside = rows.realised_precision.between(rows.expected_precision_low, rows.expected_precision_high)
    assert inside.mean() >= 0.9
