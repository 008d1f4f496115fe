"""A published partition can be computed again from what it was computed from, and a difference is shown row by row."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_assets.cli import main
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from resources.code_revision import CHECKOUT

LATE_DAY = KEYS[2]


@pytest.fixture
def platform(tmp_path: Path) -> SmallPlatform:
    """Six days of raw events and events, published in one run."""
    platform = SmallPlatform.simulated(tmp_path / "home")
    platform.materialise("raw_web_events", "events")
    return platform


Replay = Callable[..., tuple[int, str]]


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Replay:
    """Runs `platform replay <arguments>` on a platform and gives the exit code and what was printed."""

    def replay(platform: SmallPlatform, *arguments: str) -> tuple[int, str]:
        for name, value in environment(platform).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["platform", "replay", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    return replay


def environment(platform: SmallPlatform) -> dict[str, str]:
    settings = platform.settings
    return {
        "PLATFORM_HOME": str(settings.home),
        "PLATFORM_FIRST_DAY": str(settings.first_day),
        "PLATFORM_LAST_DAY": str(settings.last_day),
        "COLUMNS": "160",
    }


def landing_file(platform: SmallPlatform, day: str) -> Path:
    return next(path for path in sorted(Path(platform.settings.landing_root).rglob("*.jsonl.gz")) if day in str(path))


def land_another_event(platform: SmallPlatform, day: str) -> None:
    """A copy of the day's first event, under an id of its own, in a file of its own."""
    file = landing_file(platform, day)
    with gzip.open(file, "rt") as lines:
        event = json.loads(next(line for line in lines if day in line))
    event["event_id"] = "one-that-came-later"
    (file.parent / "z-late.jsonl.gz").write_bytes(gzip.compress(json.dumps(event).encode() + b"\n"))


@pytest.mark.parametrize(
    "arguments", [["events", "--partition", KEYS[1]], ["raw_web_events"], ["events"], ["user_ids"]]
)
def test_what_was_published_comes_out_again(
    replay: Replay, small_platform: SmallPlatform, arguments: list[str]
) -> None:
    code, told = replay(small_platform, *arguments)
    assert (code, told.count("equal")) == (0, 1)


def test_inputs_are_read_as_they_were_and_not_as_they_are(replay: Replay, platform: SmallPlatform) -> None:
    land_another_event(platform, LATE_DAY)
    platform.materialise("raw_web_events", first=LATE_DAY, last=LATE_DAY)
    assert replay(platform, "events", "--partition", LATE_DAY)[0] == 0
    platform.materialise("events", first=LATE_DAY, last=LATE_DAY)
    code, told = replay(platform, "events")
    assert code == 0
    assert "raw_web_events@0" in told
    assert "raw_web_events@1" in told


def test_persons_of_a_day_are_made_again_from_the_days_before_it_as_they_were(
    replay: Replay, platform: SmallPlatform
) -> None:
    platform.materialise("identifier_pairs", "user_ids", last=KEYS[1])
    platform.materialise("identifier_pairs", "user_ids", first=LATE_DAY)
    code, told = replay(platform, "user_ids", "--partition", LATE_DAY)
    assert code == 0
    assert "user_ids@0" in told


def test_rows_that_differ_are_counted_and_shown(replay: Replay, platform: SmallPlatform) -> None:
    land_another_event(platform, LATE_DAY)
    code, told = replay(platform, "raw_web_events", "--partition", LATE_DAY)
    assert code == 1
    assert "0 were not made again, 1 rows are new" in told
    assert "one-that-came-later" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evnts"], "did you mean events?"),
        (["events", "--partition", "2031-01-01"], f"no partition 2031-01-01. What to do: name one from {KEYS[0]}"),
        (["events", "--partition", "foo"], "no partition foo"),
        (["conversion_model"], "it is no table"),
        (["conversion_scores"], "nothing has been published"),
        (["events", "--version", "99"], "no partition was published in version 99"),
        (["conversion_champion"], "replay the training set"),
    ],
)
def test_what_cant_be_computed_again_is_an_error_that_says_why(
    replay: Replay, small_platform: SmallPlatform, arguments: list[str], said: str
) -> None:
    code, told = replay(small_platform, *arguments)
    assert code == 1
    assert said in " ".join(told.split())


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The code as it is here, committed to a repository of its own."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("platform_assets", "resources", "config"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")
    return folder


def run_in(folder: Path, platform: SmallPlatform, *command: str) -> subprocess.CompletedProcess[str]:
    places = {**environment(platform), "PYTHONPATH": str(folder), "DAGSTER_HOME": str(folder.parent / "dagster")}
    (folder.parent / "dagster").mkdir(exist_ok=True)
    return subprocess.run(command, cwd=folder, env={**os.environ, **places}, capture_output=True, text=True)


def test_the_code_that_published_is_run_again_after_it_changed(platform: SmallPlatform, checkout: Path) -> None:
    materialise = (sys.executable, "-m", "dagster", "asset", "materialize", "-m", "platform_assets.definitions")
    again = (sys.executable, "-c", "from platform_assets.cli import main; main()", "replay", "events", "--partition")
    published = run_in(checkout, platform, *materialise, "--select", "events", "--partition", LATE_DAY)
    assert published.returncode == 0, published.stderr
    module = checkout / "platform_assets" / "domain" / "events.py"
    module.write_text(module.read_text().replace("timedelta(minutes=30)", "timedelta(minutes=1)"))
    git(checkout, "commit", "-qam", "sessions end sooner")
    recorded = run_in(checkout, platform, *again, LATE_DAY)
    assert recorded.returncode == 0, recorded.stderr
    assert "running it by revision" in recorded.stdout
    now = run_in(checkout, platform, *again, LATE_DAY, "--current-code")
    assert now.returncode == 1
    assert "different" in now.stdout
