"""`platform checks` ends with what scripts need: a failed check fails, a warning only where that is asked for."""

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.cli import main
from platform_assets.cli.dagster_runs import prepare_instance
from resources.settings import Settings

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Reports one verdict on `events` and runs the command; gives the exit code and what was printed."""
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", prepare_instance(Settings())["DAGSTER_HOME"])

    def told(passed: bool, severity: dg.AssetCheckSeverity, *options: str) -> tuple[int, str]:
        verdict = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("events"),
            check_name="quarantine_share",
            passed=passed,
            severity=severity,
            metadata={},
        )
        with dg.DagsterInstance.get() as instance:
            instance.report_runless_asset_event(verdict)
        monkeypatch.setattr(sys, "argv", ["platform", "checks", *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return told


@pytest.mark.parametrize(
    ("passed", "severity", "options", "code", "verdict"),
    [
        (True, dg.AssetCheckSeverity.ERROR, [], 0, "succeeded"),
        (False, dg.AssetCheckSeverity.ERROR, [], 1, "failed"),
        (False, dg.AssetCheckSeverity.ERROR, ["--show-only"], 0, "failed"),
        (False, dg.AssetCheckSeverity.WARN, [], 0, "warning"),
        (False, dg.AssetCheckSeverity.WARN, ["--strict"], 1, "warning"),
    ],
)
def test_the_exit_code_follows_the_gravest_verdict(
    told: Told, passed: bool, severity: dg.AssetCheckSeverity, options: list[str], code: int, verdict: str
) -> None:
    ended, shown = told(passed, severity, *options)
    assert ended == code
    assert verdict in shown
