"""A real shop from landed files to an expanded audience: its own sources and audiences file, and a 28-day lookalike."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import dagster as dg
import ibis
import yaml

from platform_assets.definitions import build_definitions
from platform_assets.domain.contracts.feature_tables import FEATURE_TABLES
from platform_assets.domain.contracts.user_features import FEATURE_NAMES, USER_FEATURES
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space
from platform_assets.domain.training_windows import Trailing
from platform_assets.partitions import daily
from platform_assets.predictions.lookalike_audience import lookalike_audience_asset
from platform_assets.predictions.scores import predictions_assets
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.validation_reports.drift import drift_asset
from platform_assets.validation_reports.retrain_decisions import retrain_decisions_asset
from platform_assets.validation_reports.validation import validation_reports_assets
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

SOURCES = Path(__file__).parent / "config" / "real_sources.yaml"
FIRST, LAST = date(2010, 12, 1), date(2011, 8, 31)
FIRST_FEATURES = date(2011, 2, 20)
TRAINED = date(2011, 7, 6)
FIRST_SCORED, LAST_SCORED = date(2011, 7, 7), date(2011, 8, 4)

AUDIENCES = """audiences:
  - name: buyers_of_the_week
    description: Bought within a week.
    within_days: 7
    any_of:
      - event_type: purchase
"""
LOOKALIKE = Lookalike(
    model=ModelSpec(
        name="repeat_buyers",
        description="Which customers of the last four weeks buy again within the coming four.",
        owner="team:data-platform",
        features=(FeatureColumns(USER_FEATURES.name, FEATURE_NAMES),),
        label=AudienceLabel("url_audiences", "buyers_of_the_week", horizon_days=28, maturity_days=27),
        estimator=logistic_or_boosting,
        search_space=logistic_or_boosting_space,
        window=Trailing(days=105, step_days=3),
        holdout_days=28,
    ),
    size=100,
)


@dataclass(frozen=True)
class OnlineRetail:
    """The platform over the shop's files, and the assets of its lookalike."""

    definitions: dg.Definitions
    settings: Settings
    instance: dg.DagsterInstance

    @classmethod
    def opened(cls, home: Path, instance: dg.DagsterInstance) -> "OnlineRetail":
        """Nothing is computed yet. The environment variable SHARED_DATA names the folder of real data."""
        home.mkdir(parents=True, exist_ok=True)
        declared = yaml.safe_load(SOURCES.read_text())
        declared["sources"] = [each for each in declared["sources"] if each["name"] == "online_retail"]
        (home / "sources.yaml").write_text(yaml.safe_dump(declared))
        (home / "audiences.yaml").write_text(AUDIENCES)
        settings = Settings(
            environment="laptop",
            home=home,
            sources_file=home / "sources.yaml",
            audiences_file=home / "audiences.yaml",
            pseudonym_key="a-key-that-only-tests-know",
            first_day=FIRST,
            last_day=LAST,
        )
        base, days = build_definitions(settings), daily(FIRST, LAST)
        assets = [
            *trained_models_assets(LOOKALIKE.model, FEATURE_TABLES, days),
            *predictions_assets(LOOKALIKE.model, days),
            *validation_reports_assets(LOOKALIKE.model, days, ["raw_online_retail"]),
            drift_asset(LOOKALIKE.model, days, ["raw_online_retail"]),
            lookalike_audience_asset(LOOKALIKE, days),
        ]
        decisions = retrain_decisions_asset([LOOKALIKE.model], days, ["raw_online_retail"], assets)
        others = [each for each in base.assets or [] if each.keys.isdisjoint(decisions.keys)]
        definitions = dg.Definitions(
            assets=[*others, *assets, decisions], resources=base.resources, executor=dg.in_process_executor
        )
        return cls(definitions, settings, instance)

    def run(self, asset: str, first: date | None = None, last: date | None = None) -> None:
        """Materialise an asset over a range of days."""
        tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
        job = self.definitions.resolve_implicit_global_asset_job_def()
        selected = job.get_subset(asset_selection={dg.AssetKey(asset)})
        assert selected.execute_in_process(instance=self.instance, tags=tags if first else {}).success

    def run_all(self) -> None:
        """From landed files to the validated scores and the expansion of days that the model never saw."""
        for asset in ("raw_online_retail", "events", "identifier_pairs", "user_ids", "url_audiences"):
            self.run(asset, FIRST, LAST)
        self.run("user_features", FIRST_FEATURES, LAST_SCORED)
        for suffix in ("training_set", "model"):
            self.run(LOOKALIKE.model.table(suffix), TRAINED, TRAINED)
        self.run(LOOKALIKE.model.table("champion"))
        for asset in ("repeat_buyers_scores", "repeat_buyers_validation", "repeat_buyers_audience"):
            self.run(asset, FIRST_SCORED, LAST_SCORED)

    def run_on(self) -> None:
        """Scores, drift and decisions until the last day there is; labels of the last four weeks aren't final yet."""
        self.run("user_features", LAST_SCORED, LAST)
        self.run("repeat_buyers_scores", LAST_SCORED, LAST)
        for asset in ("repeat_buyers_drift", "retrain_decisions"):
            self.run(asset, FIRST_SCORED, LAST)

    @cached_property
    def engine(self) -> DuckDBEngine:
        """One engine for all tables, so that they can be joined."""
        key = self.settings.require_pseudonym_key(only_simulated_data=False)
        return DuckDBEngine.from_settings(self.settings, key)

    def table(self, name: str) -> ibis.Table:
        """A published table."""
        lakehouse = Lakehouse(self.settings.lake_root)
        return read(lakehouse, self.engine, lakehouse.snapshot(name), None)
