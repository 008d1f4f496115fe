"""`platform erase` on a whole platform: who asks, what is told before, the proof, and that nobody comes back."""

import io
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.cli import main
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

TABLES = ("raw_web_events", "events", "identifier_pairs", "user_ids", "user_features")


@dataclass(frozen=True)
class Home:
    """A platform of its own to erase from, and a person in it who has a login and a cookie."""

    platform: SmallPlatform
    login: str
    cookie: str

    @property
    def folder(self) -> Path:
        return self.platform.settings.home_folder

    def rows(self, table: str) -> list[tuple]:
        lakehouse = Lakehouse(self.platform.settings.lake_root)
        engine = DuckDBEngine(spill_folder=self.folder / "staging" / "spill")
        found = read(lakehouse, engine, lakehouse.snapshot(table), None).to_pyarrow().to_pylist()
        return sorted((tuple(row.items()) for row in found), key=str)

    def reports(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in (self.folder / "erasures").glob("*.json")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, small_platform: SmallPlatform) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("erase") / "home"
    shutil.copytree(small_platform.settings.home_folder, folder)
    settings = small_platform.settings.model_copy(update={"home": folder})
    settings = Settings(home=folder, first_day=settings.first_day, last_day=settings.last_day)
    platform = SmallPlatform(settings, small_platform.truth)
    raw = [dict(row) for row in Home(platform, "", "").rows("raw_web_events")]
    logins = sorted(row["login"] for row in raw if row["login"])
    login = max(sorted(set(logins)), key=logins.count)
    cookie = next(row["cookie_id"] for row in raw if row["login"] == login)
    yield Home(platform, login, cookie)


def run(monkeypatch: pytest.MonkeyPatch, home: Home, *arguments: str, stdin: str = "") -> int:
    settings = home.platform.settings
    for name, value in {
        "PLATFORM_HOME": str(home.folder),
        "PLATFORM_FIRST_DAY": str(settings.first_day),
        "PLATFORM_LAST_DAY": str(settings.last_day),
        "DAGSTER_HOME": str(home.folder / "dagster"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["platform", "erase", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("arguments", [[], ["--login", " "]], ids=["nobody", "an empty login"])
def test_nobody_named_is_refused(monkeypatch: pytest.MonkeyPatch, home: Home, arguments: list[str]) -> None:
    assert run(monkeypatch, home, *arguments) == 1


def test_a_dry_run_tells_where_the_person_is_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {table: home.rows(table) for table in TABLES}
    assert run(monkeypatch, home, "--login", home.login, "--dry-run") == 0
    told = capsys.readouterr().out
    assert all(table in told for table in TABLES)
    assert "--linked erases them" in told
    assert "landed file(s) hold the person" in told
    assert home.login not in told
    assert {table: home.rows(table) for table in TABLES} == before
    assert not home.reports()


def test_without_a_yes_nothing_is_erased(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    before = home.rows("events")
    assert run(monkeypatch, home, "--login", home.login, stdin="n\n") == 1
    assert home.rows("events") == before


def test_a_run_in_progress_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(home.folder / "dagster"))
    (home.folder / "dagster").mkdir(exist_ok=True)
    with dg.DagsterInstance.get() as instance:
        running = dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.STARTED)
        instance.add_run(running)
        try:
            assert run(monkeypatch, home, "--login", home.login, "--yes") == 1
        finally:
            instance.delete_run(running.run_id)
    assert "platform recover" in capsys.readouterr().err


def test_another_key_would_find_nobody_and_is_refused(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    monkeypatch.setenv("PLATFORM_PSEUDONYM_KEY", "another-key-of-sufficient-length")
    assert run(monkeypatch, home, "--login", home.login, "--yes") == 1


def test_a_person_is_erased_proven_and_does_not_come_back_with_the_landed_files(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {table: home.rows(table) for table in TABLES}
    assert run(monkeypatch, home, "--login", "-", "--linked", "--yes", stdin=f"{home.login}\n") == 0
    told = capsys.readouterr()
    assert ": 0 traces found." in told.out
    (report,) = home.reports()
    text = json.dumps(report)
    assert not report["traces"]
    assert report["scanned_bytes"] > 10_000
    assert home.login not in text + told.out + told.err
    pseudonyms = {each for own in report["pseudonyms"].values() for each in own}
    assert len(pseudonyms) > 1
    by_identifier = [dict(row) for row in before["user_ids"]]
    ids = {row["user_id"] for row in by_identifier if row["identifier"] in pseudonyms} - {None}
    assert ids and ids <= set(report["user_ids"])
    pseudonyms |= set(report["user_ids"])

    def is_theirs(row: tuple) -> bool:
        values = set(dict(row).values())
        return bool(values & {home.login, home.cookie} or values & pseudonyms)

    others = {table: [row for row in rows if not is_theirs(row)] for table, rows in before.items()}
    assert all(len(others[table]) < len(before[table]) for table in TABLES)
    assert {table: home.rows(table) for table in TABLES} == others

    home.platform.materialise(*TABLES)
    anew = {table: home.rows(table) for table in TABLES}
    told_alone = {"raw_web_events", "events", "user_features"}  # the others count what an address was seen with
    assert {table: anew[table] for table in told_alone} == {table: others[table] for table in told_alone}
    assert not [row for rows in anew.values() for row in rows if is_theirs(row)]
    notes = Lakehouse(home.platform.settings.lake_root).slice_notes("raw_web_events")
    erased = len(before["raw_web_events"]) - len(others["raw_web_events"])
    assert sum(notes[key].dropped for key in KEYS) == erased
