"""`platform models`: what it tells of versions, and what it does to the champion."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platform_assets.cli import app
from platform_assets.cli.models.compare import NothingToCompareOn
from platform_assets.cli.models.decide import NotPromoted
from platform_assets.cli.models.declared import NoSuchModel
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets_tests.cli.models_home import make_home
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.model_version import ModelNotFound, ModelTampered
from resources.model_registry.registry import ModelRegistry
from resources.settings import load_settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("home") / "platform"
    make_home(folder, mlflow_template)
    return folder


@pytest.fixture
def registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    monkeypatch.setenv("PLATFORM_HOME", str(home))
    settings = load_settings()
    return ModelRegistry(settings.tracking_uri, settings.model_files_root)


def models(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["models", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_list_tells_of_every_declared_model_who_is_champion_and_what_was_decided_last(registry: ModelRegistry) -> None:
    shown = models("list").stdout
    assert "lookalike" in shown and "none" in shown
    (conversion, _) = csv.DictReader(io.StringIO(models("list", "--format", "csv").stdout))
    assert (conversion["model"], conversion["champion"], conversion["challenger"]) == ("conversion", "1", "2")
    assert float(conversion["low"]) < float(conversion["value"]) < float(conversion["high"])
    assert (conversion["last_decision"], conversion["version"]) == ("refused", "2")
    lines = [json.loads(line) for line in models("list", "--format", "json").stdout.splitlines()]
    assert [line["champion"] for line in lines] == [1, None]


def test_list_of_one_model_tells_of_its_versions_newest_first(registry: ModelRegistry) -> None:
    second, first = csv.DictReader(io.StringIO(models("list", "conversion", "--format", "csv").stdout))
    assert (second["version"], second["role"], second["last_decision"]) == ("2", "challenger", "refused")
    assert (first["version"], first["role"], first["last_decision"]) == ("1", "champion", "promoted")
    assert "auc 0." in models("list", "conversion").stdout


def test_show_tells_where_a_version_comes_from_and_whether_its_files_are_untouched(registry: ModelRegistry) -> None:
    facts = json.loads(models("show", "conversion", "--format", "json").stdout)
    assert (facts["version"], facts["role"], facts["verified"]) == (1, "champion", True)
    assert "events_7d" in facts["reads"]["user_features"]
    assert list(facts["decisions"].values()) == ["promoted by gate: promoted: first"]
    assert "holdout_auc" in facts["metrics"]
    assert "conversion as of 2026-03-08" in models("show", "conversion", "--version", "2").stdout


def test_compare_scores_both_versions_on_later_rows(registry: ModelRegistry) -> None:
    metric, calibration = csv.DictReader(
        io.StringIO(models("compare", "conversion", "2", "1", "--format", "csv").stdout)
    )
    assert (metric["figure"], calibration["figure"]) == ("auc", "calibration_error")
    assert float(metric["better_by"]) == pytest.approx(
        float(metric["version_2"]) - float(metric["version_1"]), abs=2e-4
    )
    assert float(metric["low"]) <= float(metric["better_by"]) <= float(metric["high"])
    (other_way, _) = compared("1", "2")
    assert float(other_way["better_by"]) == -float(metric["better_by"])


def compared(first: str, second: str) -> list[dict[str, str]]:
    told = models("compare", "conversion", first, second, "--format", "csv").stdout
    return list(csv.DictReader(io.StringIO(told)))


def test_names_and_versions_that_do_not_exist_are_told_with_what_does(registry: ModelRegistry) -> None:
    with pytest.raises(NoSuchModel, match="no model is named convertion, did you mean conversion"):
        models("show", "convertion")
    with pytest.raises(ModelNotFound, match="no version 9"):
        models("compare", "conversion", "9", "1")
    with pytest.raises(NothingToCompareOn, match="materialise lookalike_training_set"):
        nothing_published(registry)


def nothing_published(registry: ModelRegistry) -> None:
    from dataclasses import replace

    from platform_assets.domain.modelling.training import train
    from platform_assets_tests.cli.models_home import FIRST, SPEC, rows_as_of

    trained = train(rows_as_of(FIRST), SPEC, FIRST)
    registry.register(replace(SPEC, name="lookalike"), trained, card="", picture=b"")
    models("compare", "lookalike", "1", "1")


def test_promoting_needs_a_reason_another_version_and_files_that_are_untouched(registry: ModelRegistry) -> None:
    assert models("promote", "conversion", "2").exit_code == 2
    with pytest.raises(NotPromoted, match="the reason is empty"):
        models("promote", "conversion", "2", "--reason", " ")
    with pytest.raises(NotPromoted, match="version 1 is champion already"):
        models("promote", "conversion", "1", "--reason", "it is good")
    path = Path(registry.version("conversion", 2).uri.removeprefix("file://")) / "model.skops"
    kept = path.read_bytes()
    path.write_bytes(kept + b" ")
    try:
        with pytest.raises(ModelTampered, match="registered was"):
            models("promote", "conversion", "2", "--reason", "it is good")
    finally:
        path.write_bytes(kept)
    champion = registry.champion("conversion")
    assert champion is not None and champion.version == 1


@pytest.mark.long  # two runs of Dagster in processes of their own
def test_a_promotion_by_hand_and_a_rollback_are_recorded_published_and_name_the_stale_scores(
    home: Path, registry: ModelRegistry
) -> None:
    told = models("promote", "conversion", "2", "--reason", "a campaign needs it", "--by", "ops").stdout
    assert "version 2 is champion" in told
    assert "1 day(s) of conversion_scores were scored by another version: 2026-03-09 to 2026-03-09" in told
    assert decisions(home)[-1] == ("promoted_by_hand", 2, 1, "ops", "a campaign needs it")
    back = models("rollback", "conversion", "--reason", "it was wrong", "--by", "ops").stdout
    assert "version 1 is champion" in back and "scored by another" not in back
    assert decisions(home)[-1] == ("rolled_back", 1, 2, "ops", "it was wrong")
    with pytest.raises(ModelNotFound, match="replaced no other champion"):
        models("rollback", "conversion", "--reason", "again")
    registry.record_verdict(registry.version("conversion", 2), Verdict(False, "refused: not better"))


def decisions(home: Path) -> list[tuple[object, ...]]:
    lakehouse = Lakehouse(str(home / "lake"))
    engine = DuckDBEngine(spill_folder=home / "spill")
    table = read(lakehouse, engine, lakehouse.snapshot("promotion_decisions"), None)
    columns = ["decision", "version", "champion_before", "decided_by", "reason"]
    rows = table.order_by("decided_at").select(columns).to_pyarrow().to_pylist()
    return [tuple(row[name] for name in columns) for row in rows]
