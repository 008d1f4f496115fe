"""`platform quarantine`: a summary that tells no value of a row, the rows of a table that is named, refusals."""

import csv
import functools
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_assets.cli import main
from platform_assets_tests.cli.quarantine_world import DAYS, RAW, QuarantineWorld, record

MONDAY, TUESDAY = DAYS[:2]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> QuarantineWorld:
    world = QuarantineWorld(tmp_path_factory.mktemp("shown"))
    world.land(MONDAY, record(f"{MONDAY}T10:00:00Z", "a", value="much"), '{"login": "ann@example.org", [/red]')
    world.land(TUESDAY, *[record(f"{MONDAY}T10:00:00", "ann@example.org")] * 2, "\x1b[2J{")
    world.compute()
    return world


@pytest.fixture
def quarantine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], world: QuarantineWorld) -> Command:
    """Runs `platform quarantine <arguments>`: exit code, output, errors."""
    settings = {
        "PLATFORM_ENVIRONMENT": "laptop",
        "PLATFORM_HOME": str(world.home),
        "PLATFORM_SOURCES_FILE": str(world.settings.sources_file),
        "PLATFORM_PSEUDONYM_KEY": "a-key-that-only-tests-know",
        "COLUMNS": "220",
    }

    def quarantine(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in {**settings, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["platform", "quarantine", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return quarantine


@pytest.fixture
def show(quarantine: Command) -> Command:
    return functools.partial(quarantine, "show")


def test_the_summary_counts_by_table_and_rule_and_tells_no_value(show: Command) -> None:
    code, out, _ = show("--format", "jsonl")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "table": "events",
            "rule": "value_not_a_number",
            "rows": 1,
            "partitions": 1,
            "first": f"shop/{MONDAY}/a:1",
            "explanation": "the text that is mapped to value is no finite number",
        },
        {
            "table": RAW,
            "rule": "malformed_json",
            "rows": 2,
            "partitions": 2,
            "first": f"shop/{MONDAY}/a:2",
            "explanation": "the line is no JSON object",
        },
        {
            "table": RAW,
            "rule": "time_without_zone",
            "rows": 2,
            "partitions": 1,
            "first": f"shop/{TUESDAY}/a:1",
            "explanation": "the time tells no zone and the source declares no time_zone: nobody knows when it was",
        },
    ]
    for shown in (out, show()[1], show("--format", "csv")[1]):
        assert "malformed_json" in shown
        assert "ann" not in shown
        assert "much" not in shown


def test_rows_of_a_table_are_shown_by_partition_and_rule(show: Command) -> None:
    code, out, _ = show(RAW, "--rule", "time_without_zone", "--partition", TUESDAY, "--format", "jsonl")
    assert code == 0
    first, second = (json.loads(line) for line in out.splitlines())
    assert first == {
        "partition": TUESDAY,
        "rule": "time_without_zone",
        "reason": "time_without_zone: time",
        "source": "shop",
        "file": f"shop/{TUESDAY}/a",
        "line": 1,
        "record": record(f"{MONDAY}T10:00:00", "ann@example.org"),
    }
    assert second["line"] == 2
    (rejected,) = csv.DictReader(io.StringIO(show("events", "--format", "csv")[1]))
    assert rejected["rule"] == "value_not_a_number"


def test_a_table_for_people_is_short_and_steers_no_terminal(show: Command) -> None:
    _, out, err = show(RAW, "--limit", "3")
    assert '{"login": "ann@example.org", [/red]' in out
    assert "1 more rows; raise --limit" in err
    assert r"\x1b[2J{" in show(RAW, "--partition", TUESDAY, "--rule", "malformed_json")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["release", RAW, "--mended", "x", "--rule", "y"], 2, "the file says which rows"),
        (["release", RAW, "--mended", "not there"], 1, "name a readable file of JSON lines"),
        (["release", "events", "--mended", "x"], 1, "its rows are computed"),
        (["release", "nothing_there"], 1, "there is no table nothing_there"),
        (["withdraw", RAW, "--file", "x", "--line", "3"], 0, "nothing to withdraw"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_refusal_with_1(quarantine: Command, arguments, code: int, said: str) -> None:
    ended, out, err = quarantine(*arguments)
    assert ended == code
    assert said in out + err
    assert "Traceback" not in err


def test_nothing_quarantined_is_no_error_and_an_unknown_table_is_one(show: Command, tmp_path: Path) -> None:
    assert show(PLATFORM_HOME=str(tmp_path))[::2] == (0, "No row is quarantined.\n")
    assert show(RAW, "--rule", "dance")[::2] == (0, f"No such row of {RAW} is quarantined.\n")
    code, _, err = show("nothing_there")
    assert code == 1
    assert "there is no table nothing_there" in err
    assert f"name one of: events, {RAW}" in err
