"""`platform models import`: the walk-through of the documents, and what differs is told with exit code 1."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from platform_assets.cli import main
from platform_assets_tests.small_platform import SmallPlatform
from resources.model_registry.registry import ModelRegistry

ROOT = Path(__file__).parents[2]
DAY = "2026-01-10"


@dataclass(frozen=True)
class Moved:
    """A model that the walk-through has moved in."""

    folder: Path
    environment: dict[str, str]
    told: str
    registry: ModelRegistry

    def legacy(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "legacy.csv", float_precision="round_trip")


@pytest.fixture(scope="module")
def moved(small_platform: SmallPlatform, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    """The commands of docs/models.md, as they stand there."""
    section = (ROOT / "docs/models.md").read_text().partition("## Bring your own model")[2].partition("\n## ")[0]
    commands = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    folder, settings = tmp_path_factory.mktemp("moved"), small_platform.settings
    (folder / "bin").mkdir()
    (folder / "made").mkdir()
    for name, module in {"python": "", "platform": "-c 'from platform_assets.cli import main; main()'"}.items():
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    mlflow = f"sqlite:///{folder / 'mlflow.db'}"
    environment = {**os.environ, "PLATFORM_HOME": str(settings.home), "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    environment |= {"PLATFORM_MLFLOW_URI": mlflow, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    environment |= {"TMPDIR": str(folder / "made")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (place,) = (folder / "made").glob("tmp.*")
    return Moved(place, environment, done.stdout, ModelRegistry(mlflow, settings.model_files_root))


@dataclass(frozen=True)
class Outcome:
    code: int
    err: str


Import = Callable[..., Outcome]


@pytest.fixture
def imported(moved: Moved, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Imports the model again, compared with another legacy output."""

    def run(legacy: pd.DataFrame, *options: str) -> Outcome:
        legacy.to_csv(moved.folder / "planted.csv", index=False)
        monkeypatch.chdir(ROOT)
        for name in ("PLATFORM_HOME", "PLATFORM_MLFLOW_URI"):
            monkeypatch.setenv(name, moved.environment[name])
        code, place = f"{moved.folder / 'features.py'}:build", moved.folder
        model = ["platform", "models", "import", "churn", "--model", f"{place / 'churn.skops'}", "--code", code]
        rows = ["--table", "user_features", "--day", DAY, "--compare", f"{place / 'planted.csv'}"]
        names = ["--map", "person=user_id", "--map", "p=score"]
        monkeypatch.setattr(sys, "argv", [*model, *rows, *names, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(int(ended.value.code or 0), capsys.readouterr().err)

    return run


def test_the_walk_through_moves_a_model_in_and_proves_it_equal(moved: Moved) -> None:
    rows = len(moved.legacy())
    assert f"Equal: {rows} rows, columns score, relative tolerance 1e-09, absolute 0." in moved.told
    assert f"Equal: {rows} rows" in (moved.folder / "churn.html").read_text()
    version = moved.registry.challenger("churn")
    assert version is not None
    assert f"registered {version}" in moved.told
    tags = moved.registry.tags(version)
    assert (tags["comparison"], tags["runs_code"]) == ("equal", "features.py:build")


def test_planted_differences_are_told_and_end_with_1(moved: Moved, imported: Import) -> None:
    legacy = moved.legacy()
    planted = legacy.assign(p=legacy["p"] * (1 + 1e-8)).drop(index=2)
    done = imported(planted, "--report", str(moved.folder / "planted.json"))
    assert done.code == 1
    assert "planted.csv holds, so it is no challenger" in done.err
    found = json.loads((moved.folder / "planted.json").read_text())
    (score,) = found["comparison"]["columns"]
    assert not found["equal"]
    assert (found["comparison"]["missing_there"], found["comparison"]["missing_here"]) == (1, 0)
    assert found["comparison"]["keys_missing_there"] == [legacy["person"][2]]
    assert (score["name"], score["differing"], score["rows"]) == ("score", len(planted), len(planted))
    assert score["max_relative"] == pytest.approx(1e-8, rel=1e-5)
    assert moved.registry.challenger("churn") is None


def test_a_duplicated_key_is_an_error_that_names_it(moved: Moved, imported: Import) -> None:
    legacy = moved.legacy()
    done = imported(pd.concat([legacy, legacy.iloc[[3]]]))
    assert done.code == 1
    assert f"{legacy['person'][3]} (2 rows)" in done.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--map", "nothing=score"), "there are no columns ['nothing']"),
        (("--report", "report.pdf"), "report.pdf is none of .html, .json, .txt"),
        (("--code", "absent.py:build"), "'absent.py:build' is no function in a Python file that exists"),
        (("--table", "user_feature"), "no table is named user_feature"),
        (("--day", "2027-01-01"), "there are no rows of 2027-01-01. What to do: choose one of 2026-01-05"),
    ],
)
def test_a_wrong_option_says_what_to_do(moved: Moved, imported: Import, options: tuple[str, ...], told: str) -> None:
    done = imported(moved.legacy(), *options)
    assert done.code == 1
    assert told in done.err
    assert "What to do:" in done.err
