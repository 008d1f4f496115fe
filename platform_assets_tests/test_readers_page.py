"""The statements of docs/readers.md, run as they stand there, on a lake at the place that they name."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from platform_assets_tests.small_platform import KEYS, SmallPlatform

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "readers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([a-z ]+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
DAY = "2026-01-07"


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(scope="module")
def site(small_platform: SmallPlatform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `.platform` is a platform of a few days."""
    site = tmp_path_factory.mktemp("site")
    (site / ".platform").symlink_to(small_platform.settings.home)
    return site


@pytest.fixture
def at_site(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(site)
    return site


def test_every_block_of_the_page_is_of_a_known_kind() -> None:
    kinds = {kind for kind, _ in BLOCKS}
    tried, not_tried = {"python", "shell"}, {"python polars", "python spark", "powerquery"}
    assert tried <= kinds
    assert kinds - tried - not_tried == {"sql duckdb", "sql databricks", "sql athena"}
    assert len(BLOCKS) * 2 == PAGE.count("```")


def test_the_python_of_the_page_runs_from_top_to_bottom(
    at_site: Path, capfd: pytest.CaptureFixture[str], small_platform: SmallPlatform
) -> None:
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "docs/readers.md", "exec"), names)
    assert len(names["day"]) > 0
    assert set(names["day"]["event_time"].dt.strftime("%Y-%m-%d")) == {DAY}
    assert names["first"].version() == 0
    assert {"_change_type", "_commit_version", "_commit_timestamp"} <= set(names["changes"].column_names)
    assert names["events"].count_rows() == small_platform.truth.events
    assert "page_view" in capfd.readouterr().out


def test_polars_reads_the_same_where_it_is_installed(at_site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("polars")
    for block in blocks("python polars"):
        exec(compile(block, "docs/readers.md", "exec"), {})
    assert "page_view" in capfd.readouterr().out


def test_the_commands_of_the_page_run(at_site: Path) -> None:
    commands = [line for block in blocks("shell") for line in block.splitlines()]
    platform = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATFORM_")}
    environment |= {"PATH": f"{platform}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    answers = [
        subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=True).stdout
        for command in commands
    ]
    assert all(key in answers[0] for key in KEYS)
    assert all(set(json.loads(line)) == {"reason", "records"} for line in answers[2].splitlines())
    for name in ("events.csv", f"events_{DAY}.csv"):
        with (at_site / name).open(newline="") as file:
            assert {row["event_date"] for row in csv.DictReader(file)} == {DAY}


def test_what_the_page_says_of_every_table_is_so(at_site: Path) -> None:
    from deltalake import DeltaTable

    tables = [DeltaTable(str(path.parent)) for path in Path(".platform/lake").glob("*/_delta_log")]
    assert len(tables) >= 3
    for table in tables:
        protocol, metadata = table.protocol(), table.metadata()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 4)
        assert metadata.configuration["delta.enableChangeDataFeed"] == "true"
        assert metadata.partition_columns in (["event_date"], ["landing_date"])
        assert all("min" not in name for name in table.get_add_actions(flatten=True).schema.names)
