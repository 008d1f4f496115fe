"""What the graph holds, what it says of itself, and that loading it is cheap and tells no personal data."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.definitions import build_definitions
from platform_assets.domain.contracts.audience_overlap import AUDIENCE_OVERLAP
from platform_assets.domain.contracts.audience_report import AUDIENCE_REPORT
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.contract import Contract, Pii
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.drift import drift_contract
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.feature_tables import FEATURE_TABLES
from platform_assets.domain.contracts.forecast_validation import FORECAST_VALIDATION
from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.contracts.lookalike_audience import lookalike_audience_contract
from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.contracts.model_tables import scores_contract, training_set_contract, validation_contract
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets.domain.contracts.traffic_series import TRAFFIC_SERIES
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES
from platform_assets.domain.contracts.user_features import USER_FEATURES
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.trained_models.specs import all_lookalikes, all_specs
from resources.settings import load_settings

ROOT = Path(__file__).parents[1]
GRAPH = {
    "raw_web_events": ("raw_events", "daily"),
    "events": ("preprocessed_tables", "daily"),
    "domain_categories": ("preprocessed_tables", "whole"),
    "identifier_pairs": ("preprocessed_tables", "daily"),
    "user_ids": ("preprocessed_tables", "daily"),
    "user_id_merges": ("preprocessed_tables", "daily"),
    "category_audiences": ("audiences", "daily"),
    "url_audiences": ("audiences", "daily"),
    "audience_report": ("audiences", "daily"),
    "audience_overlap": ("audiences", "daily"),
    "user_features": ("features", "daily"),
    "traffic_series": ("features", "daily"),
    "traffic_decomposition": ("predictions", "daily"),
    "forecast_validation": ("validation_reports", "daily"),
    "domain_clusters_model": ("trained_models", "daily"),
    "domain_clusters": ("trained_models", "daily"),
    "conversion_training_set": ("trained_models", "daily"),
    "conversion_model": ("trained_models", "daily"),
    "conversion_champion": ("trained_models", "whole"),
    "promotion_decisions": ("trained_models", "whole"),
    "conversion_scores": ("predictions", "daily"),
    "conversion_validation": ("validation_reports", "daily"),
    "conversion_drift": ("validation_reports", "daily"),
    "lookalike_training_set": ("trained_models", "daily"),
    "lookalike_model": ("trained_models", "daily"),
    "lookalike_champion": ("trained_models", "whole"),
    "lookalike_scores": ("predictions", "daily"),
    "lookalike_validation": ("validation_reports", "daily"),
    "lookalike_drift": ("validation_reports", "daily"),
    "lookalike_audience": ("predictions", "daily"),
    "model_costs": ("validation_reports", "daily"),
    "retrain_decisions": ("validation_reports", "daily"),
}
DEPENDENCIES = {
    "raw_web_events": set(),
    "events": {"raw_web_events"},
    "domain_categories": set(),
    "identifier_pairs": {"events"},
    "user_ids": {"identifier_pairs", "user_ids"},
    "user_id_merges": {"identifier_pairs", "user_ids"},
    "category_audiences": {"events", "user_ids", "domain_categories"},
    "url_audiences": {"events", "user_ids"},
    "audience_report": {"events", "user_ids", "url_audiences", "category_audiences"},
    "audience_overlap": {"url_audiences", "category_audiences"},
    "user_features": {"events", "user_ids", "category_audiences", "domain_clusters"},
    "traffic_series": {"events", "domain_categories"},
    "traffic_decomposition": {"traffic_series"},
    "forecast_validation": {"traffic_decomposition"},
    "domain_clusters_model": {"events"},
    "domain_clusters": {"domain_clusters_model", "domain_categories", "domain_clusters"},
    "conversion_training_set": {"user_features", "events", "user_ids"},
    "conversion_model": {"conversion_training_set"},
    "conversion_champion": {"conversion_training_set", "conversion_model"},
    "promotion_decisions": {"conversion_champion", "lookalike_champion"},
    "conversion_scores": {"user_features", "conversion_champion"},
    "conversion_validation": {"conversion_scores", "events", "user_ids", "raw_web_events"},
    "conversion_drift": {
        "raw_web_events",
        "conversion_champion",
        "conversion_scores",
        "user_features",
        "events",
        "user_ids",
    },
    "lookalike_training_set": {"user_features", "url_audiences", "user_ids"},
    "lookalike_model": {"lookalike_training_set"},
    "lookalike_champion": {"lookalike_training_set", "lookalike_model"},
    "lookalike_scores": {"user_features", "lookalike_champion"},
    "lookalike_validation": {"lookalike_scores", "url_audiences", "user_ids", "raw_web_events"},
    "lookalike_drift": {
        "raw_web_events",
        "lookalike_champion",
        "lookalike_scores",
        "user_features",
        "url_audiences",
        "user_ids",
    },
    "lookalike_audience": {"lookalike_scores", "url_audiences"},
    "model_costs": set(),
    "retrain_decisions": {
        "raw_web_events",
        *("conversion_validation", "conversion_drift", "lookalike_validation", "lookalike_drift"),
        *("raw_web_events", "retrain_decisions"),
    },
}
HEAVY = ["mlflow", "sklearn", "pyspark", "matplotlib", "skops", "scipy", "gensim"]
NO_TABLE = {"conversion_model", "lookalike_model", "domain_clusters_model"}


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dg.AssetSpec]]:
    settings = load_settings()
    found = build_definitions(settings).resolve_all_asset_specs()
    yield {spec.key.to_user_string(): spec for spec in found}


def test_the_graph_holds_these_assets_in_these_groups_and_partitions(specs: dict[str, dg.AssetSpec]) -> None:
    found = {
        name: (spec.group_name, "daily" if isinstance(spec.partitions_def, dg.DailyPartitionsDefinition) else "whole")
        for name, spec in specs.items()
    }
    assert found == GRAPH


def test_assets_depend_on_these(specs: dict[str, dg.AssetSpec]) -> None:
    found = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs.items()}
    assert found == DEPENDENCIES


def test_all_daily_assets_share_one_definition_so_that_ranges_run_together(specs: dict[str, dg.AssetSpec]) -> None:
    """What tells of the platform's own work is cut by the calendar, which goes on where the data ends."""
    of_data = {name: spec for name, spec in specs.items() if name != MODEL_COSTS.name}
    assert len({spec.partitions_def for spec in of_data.values() if spec.partitions_def}) == 1


def test_every_asset_has_one_writer_at_a_time() -> None:
    for asset in build_definitions().resolve_asset_graph().assets_defs:
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable and not asset.check_keys:
            assert asset.op.pool == f"write_{asset.key.to_user_string()}"


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_every_asset_says_what_it_is_and_whose(specs: dict[str, dg.AssetSpec], name: str) -> None:
    spec = specs[name]
    assert spec.description and len(spec.description) > 40
    assert spec.owners
    assert spec.kinds
    assert spec.code_version


@pytest.mark.parametrize("name", sorted(set(GRAPH) - NO_TABLE))
def test_every_table_shows_its_columns_with_descriptions(specs: dict[str, dg.AssetSpec], name: str) -> None:
    schema = specs[name].metadata["dagster/column_schema"]
    assert schema.columns
    assert all(column.description and column.type for column in schema.columns)


def later_contracts() -> list[Contract]:
    found = [EVENTS, IDENTIFIER_PAIRS, USER_IDS, USER_FEATURES]
    found += [DOMAIN_CATEGORIES, CATEGORY_AUDIENCES, URL_AUDIENCES]
    found += [AUDIENCE_REPORT, AUDIENCE_OVERLAP, MODEL_COSTS, RETRAIN_DECISIONS]
    found += [TRAFFIC_SERIES, TRAFFIC_DECOMPOSITION, FORECAST_VALIDATION]
    for spec in all_specs():
        found += [training_set_contract(spec, FEATURE_TABLES), scores_contract(spec), validation_contract(spec)]
        found += [drift_contract(spec)]
    found += [lookalike_audience_contract(lookalike) for lookalike in all_lookalikes()]
    return found


@pytest.mark.parametrize("contract", later_contracts(), ids=lambda contract: contract.name)
def test_no_column_after_the_raw_tables_is_raw_personal_data(contract: Contract) -> None:
    assert [column.name for column in contract.columns if column.pii is Pii.RAW] == []


def test_personal_columns_are_tagged_in_the_ui(specs: dict[str, dg.AssetSpec]) -> None:
    tags = {column.name: column.tags for column in specs["raw_web_events"].metadata["dagster/column_schema"].columns}
    assert {name for name, tag in tags.items() if tag.get("pii") == "raw"} >= {"login", "cookie_id", "ip", "url"}


def test_loading_the_definitions_imports_no_heavy_package() -> None:
    code = f"import sys, platform_assets.definitions; print([n for n in {HEAVY} if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"
