"""`platform retrain`: what it writes down, what it refuses, and that the newest day is decided again where asked."""

import getpass
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from platform_assets.cli import main
from platform_assets.domain.contracts.retrain_requests import RETRAIN_REQUESTS
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `platform retrain <arguments>` on an empty platform; environment variables by keyword."""

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        settings = {"PLATFORM_HOME": str(tmp_path), "PLATFORM_FIRST_DAY": KEYS[0], "PLATFORM_LAST_DAY": KEYS[-1]}
        for name, value in {**settings, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["platform", "retrain", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def requests_in(home: Path) -> list[dict[str, object]]:
    lakehouse = Lakehouse(str(home / "lake"))
    engine = DuckDBEngine(spill_folder=home / "spill", threads=1)
    return read(lakehouse, engine, lakehouse.snapshot(RETRAIN_REQUESTS.name), None).to_pyarrow().to_pylist()


def test_a_request_is_written_down_with_who_and_why_for_the_first_day_to_decide_on(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("conversion", "--reason", "prices changed")
    (request,) = requests_in(tmp_path)
    assert code == 0 and out.startswith(f"{getpass.getuser()} asks that conversion be trained as of {KEYS[0]}")
    assert (request["model_name"], request["reason"]) == ("conversion", "prices changed")
    assert (request["requested_by"], request["decision_date"]) == (getpass.getuser(), date.fromisoformat(KEYS[0]))


def test_a_model_that_is_not_declared_is_answered_with_the_nearest(run: Run) -> None:
    code, _, err = run("conversoin")
    assert code == 1 and "did you mean conversion?" in err


def test_now_needs_a_day_with_features(run: Run) -> None:
    code, _, err = run("conversion", "--now")
    assert code == 1 and "no day has features yet" in err


@pytest.mark.long
def test_now_decides_the_newest_day_again_and_says_what_was_decided(run: Run, tmp_path: Path) -> None:
    small = SmallPlatform.simulated(tmp_path)
    small.materialise("raw_web_events", "events", "identifier_pairs", "user_ids", "user_features")
    code, out, _ = run("conversion", "--now", "--by", "ann", "--reason", "prices changed")
    assert code == 0
    assert f"{KEYS[-1]}: no: no landing day is complete" in out
    assert "ann asked for it: prices changed" in out

    code, _, err = run("conversion")
    assert code == 1 and f"the days end on {KEYS[-1]}, which is decided on already" in err
