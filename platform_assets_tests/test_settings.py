"""Settings come from one place, and a wrong one is told by its variable, its value and what to do."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from platform_assets.cli.simulate import simulate_world
from platform_assets.definitions import build_definitions
from platform_assets.domain.errors import ConfigurationError
from resources.settings import PREFIX, Settings, load_settings

KEY = "0123456789abcdef"
REAL_SOURCE = """
sources:
  - name: shop
    description: A shop's sales.
    format: csv
    place: "{landing_zone}/shop/{landing_date}.csv"
    time_zone: UTC
    event_type: {constant: purchase}
    fields: {event_time: When, login: Mail}
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    yield


def mistake(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)


def test_an_unknown_variable_is_named_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    said = mistake(monkeypatch, LANDINGZONE="/data")
    assert "PLATFORM_LANDINGZONE" in said
    assert "did you mean PLATFORM_LANDING_ZONE?" in said


def test_an_unknown_variable_like_no_other_gets_the_list_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    said = mistake(monkeypatch, XYZZY="1")
    assert "PLATFORM_XYZZY" in said
    assert "PLATFORM_HOME" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DUCKDB_THREADS", "many"),
        ("DUCKDB_THREADS", "-1"),
        ("MAX_RECORD_BYTES", "0"),
        ("FIRST_DAY", "yesterday"),
        ("ALLOW_EMPTYING", "perhaps"),
        ("ENVIRONMENT", "moon"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    said = mistake(monkeypatch, **{name: value})
    assert PREFIX + name in said
    assert value in said


def test_a_short_key_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = mistake(monkeypatch, PSEUDONYM_KEY="tooshort")
    assert "PLATFORM_PSEUDONYM_KEY" in said
    assert "16 or more" in said
    assert "tooshort" not in said


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_PSEUDONYM_KEY", KEY)
    settings = load_settings()
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.require_pseudonym_key(only_simulated_data=False) == KEY.encode()


def test_the_demo_needs_no_key_for_simulated_data() -> None:
    assert len(load_settings().require_pseudonym_key(only_simulated_data=True)) >= 16


@pytest.mark.parametrize("environment", ["demo", "laptop", "s3"])
def test_real_data_needs_a_key_in_every_environment(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    monkeypatch.setenv("PLATFORM_ENVIRONMENT", environment)
    with pytest.raises(ConfigurationError, match=r"PLATFORM_PSEUDONYM_KEY.*openssl rand"):
        load_settings().require_pseudonym_key(only_simulated_data=False)


def test_a_real_source_is_never_read_in_the_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(REAL_SOURCE)
    monkeypatch.setenv("PLATFORM_SOURCES_FILE", str(tmp_path / "sources.yaml"))
    with pytest.raises(ConfigurationError, match="no simulated source is declared"):
        build_definitions()


def test_a_real_source_without_a_key_stops_the_platform_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sources.yaml").write_text(REAL_SOURCE)
    monkeypatch.setenv("PLATFORM_SOURCES_FILE", str(tmp_path / "sources.yaml"))
    monkeypatch.setenv("PLATFORM_ENVIRONMENT", "laptop")
    with pytest.raises(ConfigurationError, match="PLATFORM_PSEUDONYM_KEY"):
        build_definitions()
    monkeypatch.setenv("PLATFORM_PSEUDONYM_KEY", KEY)
    assert build_definitions()


def test_simulated_files_stay_out_of_other_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(environment="laptop", home=tmp_path)
    with pytest.raises(ConfigurationError, match="simulated files don't belong"):
        simulate_world(settings, first_day=date(2026, 1, 1), days=1, events=100, seed=1)
    assert not (tmp_path / "landing").exists()


def test_places_lie_below_home_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path))
    settings = load_settings()
    assert (settings.lake_root, settings.landing_root) == (f"{tmp_path}/lake", f"{tmp_path}/landing")
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    monkeypatch.setenv("PLATFORM_LAKE", "s3://bucket/lake/")
    assert load_settings().lake_root == "s3://bucket/lake"


def test_relative_places_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLATFORM_LANDING_ZONE", "files")
    assert load_settings().landing_root == f"{tmp_path}/files"


def test_the_s3_environment_asks_for_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_ENVIRONMENT", "s3")
    with pytest.raises(ConfigurationError, match="PLATFORM_LAKE and PLATFORM_LANDING_ZONE"):
        _ = load_settings().lake_root


def test_the_demo_has_sixty_days_and_other_environments_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert (settings.first_partition_day, settings.last_partition_day) == (date(2026, 1, 5), date(2026, 3, 5))
    monkeypatch.setenv("PLATFORM_ENVIRONMENT", "laptop")
    assert load_settings().last_partition_day is None
