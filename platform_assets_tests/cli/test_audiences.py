"""`platform audiences check`: what is declared, what each rule finds, and what is wrong, with its line."""

import re
import sys
from pathlib import Path

import pytest

from platform_assets.cli import main
from platform_assets_tests.small_platform import KEYS, SmallPlatform

FILE = """audiences:
  - name: buyers
    owner: team:shop
    any_of:
      - event_type: purchase
    none_of:
      - domain: nowhere.example
"""


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.setenv("PLATFORM_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["platform", "audiences", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_declared_audiences_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "audiences.yaml").write_text(FILE)
    assert run(monkeypatch, tmp_path, "--file", str(tmp_path / "audiences.yaml")) == 0
    told = capsys.readouterr().out
    assert re.search(r"buyers .* 2 .* 28 .* 1, 1 excluding .* team:shop", told)


def test_a_day_counts_the_events_of_each_rule(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    small_platform: SmallPlatform,
) -> None:
    file = tmp_path / "audiences.yaml"
    file.write_text(FILE)
    sql = f"select count(*) as n from events where event_date = '{KEYS[2]}' and event_type = 'purchase' and not is_bot"
    assert run(monkeypatch, small_platform.settings.home, "--file", str(file), "--day", KEYS[2]) == 0
    told = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["platform", "sql", "--format", "csv", sql])
    with pytest.raises(SystemExit):
        main()
    purchases = capsys.readouterr().out.split()[1]
    assert int(purchases) > 0
    assert re.search(rf"{file}:5 .* {purchases} ", told)
    assert re.search(rf"{file}:7 .* 0 .* 0 ", told)
    assert f"1 of 2 rules find nothing on {KEYS[2]}" in told


def test_a_wrong_file_ends_with_1_and_names_line_and_audience(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "audiences.yaml"
    file.write_text(FILE.replace("event_type: purchase", "path_regex: (a+)+"))
    assert run(monkeypatch, tmp_path, "--file", str(file)) == 1
    assert f"{file}:5: audience buyers: path_regex: (a+)+ repeats a group" in capsys.readouterr().err


def test_a_day_without_published_events_says_nothing_about_rules(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    small_platform: SmallPlatform,
) -> None:
    (tmp_path / "audiences.yaml").write_text(FILE)
    asked = ("--file", str(tmp_path / "audiences.yaml"), "--day", "2031-01-01")
    assert run(monkeypatch, small_platform.settings.home, *asked) == 1
    assert f"no events are published for this day. What to do: choose one of {KEYS[0]} …" in capsys.readouterr().err
