"""The `platform` command: what it prints, and exit codes that scripts can rely on."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from platform_assets.cli import app, main
from platform_assets_tests.small_platform import FIRST_DAY, KEYS, SmallPlatform
from platform_assets_tests.stores import Store
from resources.lakehouse.tables import Lakehouse


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small_platform: SmallPlatform) -> Run:
    """Runs `platform <arguments>` on the small platform; environment variables by keyword."""

    def run(*arguments: str, **environment: str) -> Outcome:
        home = str(small_platform.settings.home)
        for name, value in {"PLATFORM_HOME": home, "COLUMNS": "160", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["platform", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), told.out, told.err)

    return run


COMMANDS = [[], ["sources", "check"], ["audiences", "check"], *([command.name] for command in app.registered_commands)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: list[str]) -> None:
    outcome = run(*command, "--help")
    assert outcome.code == 0
    assert "Usage:" in outcome.out


def test_the_command_line_loads_without_the_definitions() -> None:
    """`platform sql` works in any folder, also where no source is declared."""
    loaded = "import sys, platform_assets.cli; sys.exit('platform_assets.definitions' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded]).returncode == 0


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    assert run("dance").code == 2


def test_tables_lists_what_is_published(run: Run, small_platform: SmallPlatform) -> None:
    outcome = run("tables", "--json")
    found = {row["table"]: row for row in json.loads(outcome.out)}
    assert outcome.code == 0
    assert set(found) == {"raw_web_events", "events", "identifier_pairs", "user_ids", "user_features"}
    assert found["events"]["rows"] == small_platform.truth.events
    assert found["events"]["dropped"] == small_platform.truth.duplicates
    assert found["raw_web_events"]["quarantined"] == small_platform.truth.malformed
    assert f"{small_platform.truth.events:,}" in run("tables").out


def test_a_table_is_told_with_its_columns_and_their_meaning(run: Run) -> None:
    outcome = run("tables", "user_ids", "--json")
    told = {row["column"]: row for row in json.loads(outcome.out)}
    assert told["user_id"]["personal"] == "pseudonym"
    assert told["is_hub"]["meaning"] in run("tables", "user_ids").out
    unknown = run("tables", "user_idz")
    assert unknown.code == 1
    assert "no table is named user_idz, did you mean user_ids?" in unknown.err


def test_tables_of_an_empty_lake_says_how_to_fill_it(run: Run, tmp_path: Path) -> None:
    outcome = run("tables", PLATFORM_HOME=str(tmp_path))
    assert outcome.code == 0
    assert "No table has been published to" in outcome.out


def test_sql_answers_over_published_tables(run: Run, small_platform: SmallPlatform) -> None:
    outcome = run("sql", "--format", "csv", "select count(*) as n, count(distinct event_date) as days from events")
    assert (outcome.code, outcome.out) == (0, f"n,days\n{small_platform.truth.events},{len(KEYS)}\n")


def test_sql_gives_rows_as_json_lines_and_as_a_table(run: Run) -> None:
    query = "select source, is_bot from events limit 2"
    lines = run("sql", "--format", "json", query).out.splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"source", "is_bot"}] * 2
    assert "web_events" in run("sql", query).out


def test_sql_reads_a_table_at_a_version_and_at_an_instant_on_every_store(run: Run, store: Store) -> None:
    lakehouse = store.lakehouse
    options = dict(lakehouse.storage_options)
    for visits in (1, 2, 3):
        rows = pa.table({"visit": list(range(visits))})
        write_deltalake(lakehouse.uri("visits"), rows, mode="overwrite", storage_options=options)
    told = {entry["version"]: entry["timestamp"] for entry in lakehouse.snapshot("visits").delta.history()}
    instant = datetime.fromtimestamp(told[1] / 1000, UTC).isoformat()

    def count(*at: str) -> str:
        query = "select count(*) as n from visits"
        return run("sql", "--format", "csv", *at, query, PLATFORM_LAKE=lakehouse.root, **options).out.split()[1]

    assert count() == "3"
    assert count("--at", "visits=0") == "1"
    assert count("--at", f"visits={instant}") == count("--at", instant) == "2"


def test_sql_reads_as_of_an_instant_one_table_or_all(run: Run, small_platform: SmallPlatform) -> None:
    query = "select count(*) as n from events union all select count(*) from raw_web_events order by n"
    history = Lakehouse(small_platform.settings.lake_root).snapshot("events").delta.history()
    published = datetime.fromtimestamp(history[0]["timestamp"] / 1000, UTC)
    both = run("sql", "--format", "csv", "--at", published.isoformat(), query)
    assert both.out.splitlines()[1] == str(small_platform.truth.events)
    too_early = run("sql", "--at", f"events={published - timedelta(days=1):%Y-%m-%dT%H:%M}", query)
    assert too_early.code == 1
    assert "did not exist" in too_early.err
    assert "ask for" in too_early.err


def test_sql_reads_quarantines_and_names_in_any_case(run: Run, small_platform: SmallPlatform) -> None:
    outcome = run("sql", "--format", "csv", "SELECT count(*) AS n FROM Raw_Web_Events_Quarantine")
    assert outcome.out == f"n\n{small_platform.truth.malformed}\n"


VALUES = """
    select 1 as whole, null::integer as nothing, '' as empty, 'a, "b"' as quoted, 1.50::decimal(5, 2) as money,
           'nan'::double as no_number, timestamp '2026-01-05 10:00:00.5' as instant, [1, 2] as many, true as yes
"""


def test_sql_values_are_told_exactly_as_csv(run: Run) -> None:
    header, row = run("sql", "--format", "csv", VALUES).out.splitlines()
    assert header == "whole,nothing,empty,quoted,money,no_number,instant,many,yes"
    assert row == '1,,"","a, ""b""",1.50,nan,2026-01-05 10:00:00.5,"[1, 2]",true'


def test_sql_values_are_told_exactly_as_json(run: Run) -> None:
    (row,) = run("sql", "--format", "json", VALUES).out.splitlines()
    assert json.loads(row) == {
        "whole": 1,
        "nothing": None,
        "empty": "",
        "quoted": 'a, "b"',
        "money": 1.5,
        "no_number": None,
        "instant": "2026-01-05T10:00:00.500000Z",
        "many": [1, 2],
        "yes": True,
    }


@pytest.mark.parametrize("output", ["csv", "json"])
def test_sql_gives_every_row_of_a_big_result(run: Run, output: str) -> None:
    lines = run("sql", "--format", output, "select i from range(120001) t(i) order by i").out.splitlines()
    numbers = [int(line) for line in lines[1:]] if output == "csv" else [json.loads(line)["i"] for line in lines]
    assert numbers == list(range(120_001))


@pytest.mark.parametrize("command", [["tables"], ["sql", "select 'x'||repeat('y', 300)||'z' as long"]])
def test_what_is_piped_is_one_line_a_row_of_which_nothing_is_cut(run: Run, command: list[str]) -> None:
    wide, narrow = run(*command), run(*command, COLUMNS="20")
    assert "…" not in wide.out
    assert narrow.out == wide.out
    assert "raw_web_events" in wide.out or "x" + "y" * 300 + "z" in wide.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["select * from nothing_there"], "tables there are: events"),
        (["select * from evnts"], "did you mean events?"),
        (["select 1", "--at", "evnts=1"], "did you mean events?"),
        (["select 1", "--at", "yesterday"], "an instant for all tables"),
        (["select 1 from events", "--at", "events=99"], "there is no version 99"),
        (["select 1 as a, 2 as a", "--format", "json"], "more than one column a"),
        (["select 1 as a, 2 as a", "--format", "csv"], "more than one column a"),
        (["select 1/0 + 'x'::int from events", "--format", "csv"], "Conversion Error"),
        (["selekt 1"], "syntax error"),
        (["drop table events"], "only one SELECT"),
        (["select 1; select 2"], "only one SELECT"),
        (["select 1", "--at", "events"], "<table>=<version>"),
        (["select 1", "--at", "nothing=1"], "tables there are"),
    ],
)
def test_sql_that_cant_be_answered_ends_with_1_and_says_why(run: Run, arguments: list[str], said: str) -> None:
    outcome = run("sql", *arguments)
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_sources_check_lists_the_sources_and_reads_a_day_without_publishing(run: Run) -> None:
    outcome = run("sources", "check", "--day", KEYS[0])
    assert outcome.code == 0
    assert "web_events" in outcome.out
    assert "for the quarantine" in outcome.out


def test_sources_check_of_a_wrong_file_ends_with_1_and_names_the_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("sources:\n  - name: shop\n    fromat: csv\n")
    outcome = run("sources", "check", "--file", str(path))
    assert outcome.code == 1
    assert f"{path}:3" in outcome.err
    assert "format" in outcome.err


def test_simulate_writes_a_world_and_leaves_it_as_it_is_the_second_time(run: Run, tmp_path: Path) -> None:
    arguments = ["simulate", "--days", "2", "--events", "500", "--first-day", str(FIRST_DAY)]
    first, second = (run(*arguments, PLATFORM_HOME=str(tmp_path)) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert "2 landing days" in first.err
    assert "all files were there" in second.err
    assert len(list((tmp_path / "landing").rglob("*.gz"))) >= 2


def test_simulate_refuses_a_remote_landing_zone(run: Run) -> None:
    outcome = run("simulate", PLATFORM_LANDING_ZONE="s3://bucket/landing")
    assert outcome.code == 1
    assert "PLATFORM_LANDING_ZONE" in outcome.err


def test_simulate_with_no_days_is_wrong_usage(run: Run) -> None:
    assert run("simulate", "--days", "0").code == 2


def test_a_misspelt_setting_ends_any_command_with_1_and_a_suggestion(run: Run) -> None:
    outcome = run("tables", PLATFORM_LANDINGZONE="x")
    assert outcome.code == 1
    assert "did you mean PLATFORM_LANDING_ZONE?" in outcome.err


def test_migrate_leaves_tables_alone_that_keep_their_contracts(run: Run) -> None:
    outcome = run("migrate", "--dry-run")
    assert (outcome.code, outcome.out) == (0, "Every published table is up to date with its contract.\n")


def test_migrate_tells_of_a_change_that_no_version_declares(run: Run, tmp_path: Path) -> None:
    changed = tmp_path / "sources.yaml"
    declared = Path("config/sources.yaml").read_text(encoding="utf-8")
    changed.write_text("".join(line for line in declared.splitlines(True) if "country:" not in line), encoding="utf-8")
    outcome = run("migrate", "--dry-run", PLATFORM_SOURCES_FILE=str(changed))
    assert outcome.code == 1
    assert "raise `version` of source web_events" in " ".join(outcome.err.split())


def test_migrate_names_the_tables_where_one_is_not_known(run: Run) -> None:
    outcome = run("migrate", "evnts")
    assert outcome.code == 1
    assert "no table is named evnts" in outcome.err and "user_features" in outcome.err


@pytest.mark.parametrize("text", [":x: :smile:", "[bold]a[/bold]", "::1:x:2"])
def test_a_table_shows_values_as_they_are(run: Run, text: str) -> None:
    assert text in run("sql", f"select '{text}' as shown").out


def test_a_home_that_cant_be_written_to_is_told_in_one_line(run: Run) -> None:
    outcome = run("demo", PLATFORM_HOME="/proc/nowhere")
    assert outcome.code == 1
    assert "error: /proc/nowhere" in outcome.err
    assert "PLATFORM_HOME" in outcome.err


def test_an_empty_lake_is_named(run: Run, tmp_path: Path) -> None:
    assert str(tmp_path) in run("tables", PLATFORM_HOME=str(tmp_path)).out


@pytest.mark.parametrize("place", ["read_csv('/etc/hosts')", "read_text('/etc/hosts')", "glob('/etc/*')"])
def test_a_query_opens_no_file_outside_of_the_lake(run: Run, place: str) -> None:
    outcome = run("sql", f"select * from {place}")
    assert outcome.code == 1
    assert "disabled by configuration" in outcome.err


def test_a_query_beyond_the_memory_limit_spills(run: Run) -> None:
    query = "select count(*) from (select range as x from range(4000000) order by hash(range))"
    assert "4000000" in run("sql", query, PLATFORM_DUCKDB_MEMORY="40MB").out
