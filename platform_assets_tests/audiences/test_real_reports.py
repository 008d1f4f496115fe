"""A real web server's log through the graph: the report is what plain Python counts in the published tables."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from platform_assets.definitions import build_definitions
from platform_assets_tests.audiences.test_real_visits import SERVER
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST, LAST, LANDED = date(2015, 5, 17), date(2015, 5, 20), date(2015, 5, 21)
CONVERSION = "/projects/xdotool/*"
SOURCE = {
    "name": "apache_access",
    "description": "Requests to a web server in May 2015; an address with a program stands for a visitor.",
    "format": "access_log",
    "place": "{landing_zone}/apache_access/{landing_date}/*.log.gz",
    "host": "http://www.semicomplete.com",
    "lateness_days": 4,
    "event_type": {"constant": "page_view"},
    "fields": {"cookie_id": ["ip", "user_agent"]},
}
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def tables(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    """What the graph has published of the log."""
    home = tmp_path_factory.mktemp("server")
    landing = home / "landing" / "apache_access" / LANDED.isoformat()
    landing.mkdir(parents=True)
    shutil.copyfile(shared_data / "apache_combined_log" / "access.log.gz", landing / "access.log.gz")
    described = [{"description": each["name"], **each} for each in SERVER]
    (home / "sources.yaml").write_text(yaml.safe_dump({"sources": [SOURCE]}))
    (home / "audiences.yaml").write_text(yaml.safe_dump({"audiences": described}))
    settings = Settings(
        environment="laptop",
        home=home,
        sources_file=home / "sources.yaml",
        audiences_file=home / "audiences.yaml",
        conversion=CONVERSION,
        pseudonym_key="a-key-that-only-tests-know",
        first_day=FIRST,
        last_day=LANDED,
    )
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    later = ("events", "identifier_pairs", "user_ids", "url_audiences", "audience_report", "audience_overlap")
    with dg.DagsterInstance.ephemeral() as instance:
        for assets, first, last in ((["raw_apache_access"], LANDED, LANDED), (later, FIRST, LAST)):
            only = job.get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})
            tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
            only.execute_in_process(instance=instance, tags=tags)
    lakehouse, engine = Lakehouse(settings.lake_root), DuckDBEngine(spill_folder=home / "spill")
    names = ("events", "user_ids", "url_audiences", "audience_report", "audience_overlap")
    yield {name: read(lakehouse, engine, lakehouse.snapshot(name), None).to_pyarrow().to_pylist() for name in names}


def holders(tables: Tables, day: date) -> dict[str, str]:
    """Whose every cookie is when the day ends."""
    rows = sorted((row for row in tables["user_ids"] if row["event_date"] <= day), key=lambda row: row["event_date"])
    return {row["identifier"]: row["user_id"] for row in rows if row["user_id"]}


def visitors(tables: Tables, day: date, since: date, until: date, path: str = "") -> set[str]:
    """The persons, as known when the day ends, who asked for something below the path on these days."""
    held = holders(tables, day)
    return {
        held[row["cookie_id"]]
        for row in tables["events"]
        if since <= row["event_date"] <= until and not row["is_bot"] and (row["path"] or "").startswith(path)
        if row["cookie_id"] in held
    }


def test_the_report_is_what_the_log_says(tables: Tables) -> None:
    report = {(row["event_date"], row["audience"]): row for row in tables["audience_report"]}
    assert {day for day, _ in report} == {FIRST + timedelta(days=number) for number in (1, 2, 3)}
    for (day, audience), row in report.items():
        before = day - timedelta(days=1)
        members = {
            each["user_id"]
            for each in tables["url_audiences"]
            if each["event_date"] == before and f"url:{each['audience']}" == audience
        }
        people = visitors(tables, day, FIRST, before)
        bought = visitors(tables, day, day, day, CONVERSION[:-1])
        assert row["members"] == len(members)
        moved = [each for each in tables["user_ids"] if each["event_date"] == day]
        members |= {each["user_id"] for each in moved if each["previous_user_id"] in members}
        assert row["population"] == len(people)
        assert row["active_members"] == len(members & people)
        assert row["converted_members"] == len(members & people & bought)
        assert row["converted_others"] == len((people - members) & bought)
    assert sum(row["converted_members"] + row["converted_others"] for row in report.values()) > 0


def test_the_overlap_is_what_the_log_says(tables: Tables) -> None:
    sets: dict[tuple[date, str], set[str]] = {}
    for each in tables["url_audiences"]:
        key = (each["event_date"] + timedelta(days=1), f"url:{each['audience']}")
        sets.setdefault(key, set()).add(each["user_id"])
    assert tables["audience_overlap"]
    for row in tables["audience_overlap"]:
        one, other = (sets[row["event_date"], row[name]] for name in ("audience", "other_audience"))
        assert row["members_in_both"] == len(one & other)
