"""A file with a spec is all that a new model needs: its assets appear, and a wrong one stops the definitions."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import platform_assets.trained_models as models
from platform_assets.definitions import build_definitions
from platform_assets.domain.errors import ConfigurationError
from resources.settings import Settings

CHURN = '''
"""The model `churn`: who comes back within three days."""

from dataclasses import replace

from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import FeatureColumns
from platform_assets.trained_models.conversion import CONVERSION

CHURN = replace(
    CONVERSION,
    name="churn",
    description="Who comes back within three days.",
    features=(FeatureColumns("user_features", ("events_7d", "domains_28d")),),
    label=LabelRule("page_view", horizon_days=3, maturity_days=4),
)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files belong to the package, as if they stood in it."""
    models.__path__.append(str(tmp_path))
    yield tmp_path
    models.__path__.remove(str(tmp_path))


def test_a_new_file_with_a_spec_makes_all_assets_of_a_model(folder: Path, tmp_path: Path) -> None:
    (folder / "one_file_of_a_test.py").write_text(CHURN)
    graph = build_definitions(Settings(home=tmp_path / "home")).resolve_asset_graph()
    suffixes = ("training_set", "model", "champion", "scores", "validation", "drift")
    assert {dg.AssetKey(f"churn_{suffix}") for suffix in suffixes} <= graph.get_all_asset_keys()
    assert graph.get(dg.AssetKey("churn_scores")).parent_keys >= {dg.AssetKey("user_features")}


def test_a_file_that_names_a_column_that_is_none_stops_the_definitions_with_the_nearest(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "wrong_file_of_a_test.py").write_text(CHURN.replace('"events_7d"', '"event_7d"').replace("churn", "gone"))
    with pytest.raises(ConfigurationError, match=r"user_features has no columns \['event_7d'\]") as caught:
        build_definitions(Settings(home=tmp_path / "home"))
    assert "did you mean 'events_7d'" in caught.value.todo
