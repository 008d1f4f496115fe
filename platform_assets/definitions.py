"""The only meeting point: sources, assets, checks and resources become one graph.

What exists stands in the stage packages; this module only puts it together.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from platform_assets.audiences.audience_overlap import audience_overlap_asset
from platform_assets.audiences.audience_report import audience_report_asset
from platform_assets.audiences.category_audiences import category_audiences_asset, visits_categorised_check
from platform_assets.audiences.silent_audiences import silent_audiences_check
from platform_assets.audiences.url_audiences import url_audiences_asset
from platform_assets.automation.alerts import alert_sensors
from platform_assets.automation.conditions import new_days_sensor
from platform_assets.automation.daily_costs import daily_costs_schedule
from platform_assets.automation.dead_runs import dead_runs
from platform_assets.automation.late_events import late_events_sensor
from platform_assets.automation.maintenance import maintenance_schedule
from platform_assets.automation.retraining import retrain_sensor
from platform_assets.checks.quarantine_share import quarantine_share_check
from platform_assets.domain.alerts.alerts_file import load_recipients
from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.categories.category_map import Categories
from platform_assets.domain.categories.category_maps import load_categories
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.feature_tables import FEATURE_TABLES
from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.imported_models.declaration import is_imported
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.pseudonyms import key_id
from platform_assets.domain.source import Source
from platform_assets.domain.sources import load_sources
from platform_assets.features.traffic_series import traffic_series_asset
from platform_assets.features.user_features import user_features_asset
from platform_assets.partitions import calendar_days, daily
from platform_assets.predictions.lookalike_audience import lookalike_audience_asset
from platform_assets.predictions.scores import champion_checks, predictions_assets
from platform_assets.predictions.traffic_decomposition import traffic_decomposition_asset
from platform_assets.preprocessed_tables.domain_categories import domain_categories_asset
from platform_assets.preprocessed_tables.events import events_asset
from platform_assets.preprocessed_tables.identifier_pairs import identifier_pairs_asset
from platform_assets.preprocessed_tables.user_id_merges import user_id_merges_asset
from platform_assets.preprocessed_tables.user_ids import user_ids_asset
from platform_assets.raw_events.landed_files_check import landed_files_check
from platform_assets.raw_events.landed_files_sensor import landed_files_sensor
from platform_assets.raw_events.landed_sources import raw_assets
from platform_assets.raw_events.source_fields import source_fields_check
from platform_assets.trained_models.champion import gate_check
from platform_assets.trained_models.domain_clusters import domain_clusters_assets
from platform_assets.trained_models.factory import trained_models_assets
from platform_assets.trained_models.promotion_decisions import promotion_decisions_asset
from platform_assets.trained_models.specs import all_lookalikes, all_specs
from platform_assets.validation_reports.drift import drift_asset, no_drift_check
from platform_assets.validation_reports.forecast_validation import forecast_validation_asset, interval_coverage_check
from platform_assets.validation_reports.model_costs import model_costs_asset
from platform_assets.validation_reports.retrain_decisions import retrain_decisions_asset
from platform_assets.validation_reports.validation import metric_holds_check, validation_reports_assets
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.resource import lakehouse_on_a_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.landing_zone import LandingZoneResource
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures
from resources.run_recovery.executor import recovering_executor
from resources.search_workers import SearchWorkers
from resources.settings import Settings, load_settings

# Dagster is pinned to one minor version and what the platform leans on is tested, so its notes on beta features say
# nothing new; left on, they would stand ten times above the output of every command.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


MODEL_CHECKS = (metric_holds_check, no_drift_check, gate_check)
"""What is checked of every model."""


def build_definitions(
    settings: Settings | None = None,
    overrides: Mapping[str, Any] | None = None,
    models: Sequence[ModelSpec] | None = None,
) -> dg.Definitions:
    """The whole platform for these settings; `overrides` replaces resources by key (tests use it, nothing is patched).

    `models` stands for those that the package `trained_models` declares, lookalikes included.

    Raises ConfigurationError where a setting or a file of declarations is wrong.
    """
    settings = settings or load_settings()
    sources, categories = declared_sources(settings), declared_categories(settings)
    audiences = load_audiences(settings.audiences_file)
    recipients = load_recipients(settings.alerts_file)
    days = daily(settings.first_partition_day, settings.last_partition_day)
    raws = raw_assets(sources, days)
    assets = [*raws, events_asset(sources, days), user_features_asset(days, categories.commerce)]
    assets += [domain_categories_asset(categories.maps)]
    assets += [identifier_pairs_asset(days), user_ids_asset(days), user_id_merges_asset(days)]
    assets += [category_audiences_asset(days)]
    assets += [traffic_series_asset(days), traffic_decomposition_asset(days), forecast_validation_asset(days)]
    assets += [url_audiences_asset(audiences, days)]
    assets += [audience_report_asset(Conversion.declared(settings.conversion), days), audience_overlap_asset(days)]
    assets += domain_clusters_assets(days)
    lateness = max(source.lateness_days for source in sources)
    workers = SearchWorkers(settings.joblib_backend, settings.joblib_jobs)
    declared, lookalikes = (all_specs(), all_lookalikes()) if models is None else (models, ())
    specs = [each.waiting_for(lateness).learning_from(settings.sample_fraction) for each in declared]
    landing_tables = [raw.key.path[-1] for raw in raws]
    for spec in specs:
        recipients.require(spec.alerts, f"model {spec.name!r}")
        assets += trained_models_assets(spec, FEATURE_TABLES, days, workers, settings.ui_url)
        assets += predictions_assets(spec, days)
        assets += validation_reports_assets(spec, days, landing_tables)
        assets += [drift_asset(spec, days, landing_tables)]
    trained_here = [spec for spec in specs if not is_imported(spec)]
    assets += [promotion_decisions_asset(specs), retrain_decisions_asset(trained_here, days, landing_tables, assets)]
    assets += [lookalike_audience_asset(each.waiting_for(lateness), days) for each in lookalikes]
    calendar = calendar_days(settings.first_partition_day)
    assets.append(model_costs_asset(assets, specs, calendar, settings.cost_per_hour))
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            *(landed_files_check(source) for source in sources),
            *(source_fields_check(source) for source in sources),
            *(quarantine_share_check(contract) for contract in (*(s.raw_contract() for s in sources), EVENTS)),
            quarantine_share_check(DOMAIN_CATEGORIES),
            visits_categorised_check(categories.unknown_limit),
            interval_coverage_check(),
            silent_audiences_check(audiences),
            *(check(spec) for spec in specs for check in MODEL_CHECKS),
            *(check for spec in specs for check in champion_checks(spec)),
        ],
        schedules=[maintenance_schedule(settings), daily_costs_schedule(calendar)],
        resources={**resources_for(settings, sources), **(overrides or {})},
        sensors=[
            dead_runs,
            new_days_sensor(),
            landed_files_sensor(sources, days, settings.landing_watch_days),
            late_events_sensor(sources, days, settings.landing_watch_days),
            retrain_sensor(trained_here, also=[PROMOTION_DECISIONS.name]),
            *alert_sensors(recipients, settings.ui_url, {spec.name: spec.alerts for spec in specs}),
        ],
        executor=recovering_executor,
    )


def declared_sources(settings: Settings) -> tuple[Source, ...]:
    """The declared sources that belong to the environment. Raises ConfigurationError if there is none."""
    simulated = settings.preset.simulated_sources
    sources = tuple(source for source in load_sources(settings.sources_file) if source.simulated == simulated)
    if not sources:
        kind = "simulated source" if simulated else "source of real data"
        raise ConfigurationError(
            f"no {kind} is declared, and the environment {settings.environment} reads no other",
            where=str(settings.sources_file),
            todo="declare one, name another file by PLATFORM_SOURCES_FILE, or change PLATFORM_ENVIRONMENT",
        )
    return sources


def declared_categories(settings: Settings) -> Categories:
    """What is declared of categories, with those of the maps that belong to the environment; there may be none."""
    declared = load_categories(settings.categories_file)
    simulated = settings.preset.simulated_sources
    return replace(declared, maps=tuple(each for each in declared.maps if each.simulated == simulated))


def resources_for(settings: Settings, sources: tuple[Source, ...]) -> dict[str, Any]:
    """The resources of an environment: engine, landing zone, lakehouse, pictures, model registry."""
    key = settings.require_pseudonym_key(only_simulated_data=all(source.simulated for source in sources))
    engine = DuckDBEngine.from_settings(settings, key)
    return {
        "engine": engine,
        "landing_zone": LandingZoneResource(
            root=settings.landing_root,
            max_file_bytes=settings.max_file_bytes,
            max_record_bytes=settings.max_record_bytes,
            max_nesting=settings.max_nesting,
            allow_missing_files=settings.allow_emptying,
        ),
        "lakehouse": lakehouse_on_a_safe_store(
            DeltaIOManager(
                Lakehouse(settings.lake_root),
                engine,
                settings.staging_folder,
                allow_emptying=settings.allow_emptying,
                pseudonym_key_id=key_id(key),
            ),
            settings.safe_stores_file,
        ),
        "pictures": Pictures(root=settings.pictures_root),
        "model_registry": ModelRegistryResource(
            tracking_uri=settings.tracking_uri, artifact_root=settings.model_files_root
        ),
    }


defs = build_definitions()
