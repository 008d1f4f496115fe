"""A source that grows, drops or changes a field: nothing is lost, and somebody is told."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.definitions import build_definitions
from platform_assets.domain.events import typed_events
from platform_assets.domain.source import Source
from platform_assets.raw_events.landed_file import LandedFileError
from platform_assets.raw_events.source_fields import field_counts, verdict
from platform_assets_tests.raw_events.landing import CSV, DAY, EVENTS, NOON, PARQUET, Landing
from resources.compute.duckdb_engine import DuckDBEngine
from resources.settings import Settings

NEXT = date(2026, 1, 6)
OPTIONAL = {"optional": frozenset({"login"}), "defaults": {"item": "none"}}


def line(**fields: Any) -> str:
    pairs = ",".join(f'"{name}":{value}' for name, value in {"time": f'"{NOON}"', **fields}.items())
    return f"{{{pairs}}}\n"


def counted(engine: DuckDBEngine, landing: Landing, source: Source, *days: date) -> dict[str, dict[str, Any]]:
    """What is told of the good rows of landing days."""
    names = source.raw_contract().schema()
    rows = [{name: row[name] for name in names} for row in landing.parse(source, *days) if not row["reject_reason"]]
    raw = engine.backend.create_table("raw", ibis.memtable(rows, schema=names))
    return field_counts(raw, source)


def test_fields_are_counted_by_landing_day(engine: DuckDBEngine, landing: Landing) -> None:
    landing.file(line(login='"a"', item="1", more="{}") + line(login="null", item='""', more="1", new="[]"))
    landing.file(line(login='{"x": 1}').replace("2026-01-05", "2026-01-06"), day=NEXT)
    assert counted(engine, landing, replace(EVENTS, defaults={"item": "none"}), DAY, NEXT) == {
        "2026-01-05": {
            "records": 2,
            "values": {"time": 2, "login": 1, "item": 1},
            "undeclared": {"more": 2, "new": 1},
            "nested": {},
            "defaults": {"item": 1},
        },
        "2026-01-06": {
            "records": 1,
            "values": {"time": 1, "login": 1, "item": 0},
            "undeclared": {},
            "nested": {"login": 1},
            "defaults": {"item": 1},
        },
    }


def day(records: int = 9, **more: Any) -> dict[str, Any]:
    values = {"time": records, "login": records, "item": records, **more.pop("values", {})}
    return {"records": records, "values": values, "undeclared": {}, "nested": {}, "defaults": {}, "types": {}, **more}


def said(source: Source = EVENTS, **days: dict[str, Any]) -> tuple[bool, str, str]:
    result = verdict(source, {name.replace("_", "-").removeprefix("d"): counts for name, counts in days.items()})
    return result.passed, result.severity.value, result.description or ""


def test_days_with_all_fields_pass() -> None:
    assert said(d1=day(), d2=day())[:2] == (True, "WARN")


def test_a_mapped_field_without_a_value_all_day_is_an_error() -> None:
    passed, severity, words = said(d1=day(), d2=day(values={"login": 0}), d3=day(values={"login": 0}))
    assert (passed, severity) == (False, "ERROR")
    assert "login, which is mapped, has no value on 2 landing days, the first 2, the last 3." in words
    assert "`optional`" in words


@pytest.mark.parametrize("declared", [{"optional": ("login",)}, {"defaults": {"login": "nobody"}}])
def test_a_field_that_may_be_absent_is_no_error(declared: dict[str, Any]) -> None:
    assert said(replace(EVENTS, **declared), d1=day(values={"login": 0}))[0]


def test_a_day_without_records_says_nothing_of_fields() -> None:
    assert said(d1=day(0))[0]


def test_a_field_that_was_not_mapped_when_its_day_was_read_is_not_missed() -> None:
    known = day()
    del known["values"]["login"]
    assert said(d1=known, d2=day())[0]


def test_an_undeclared_field_is_a_warning_that_says_since_when() -> None:
    passed, severity, words = said(d1=day(), d2=day(undeclared={"consent": 4}), d3=day(undeclared={"consent": 9}))
    assert (passed, severity) == (False, "WARN")
    assert words.startswith(
        "consent is sent since 2, undeclared; it is kept in extra_fields. In the declaration of shop"
    )


def test_an_undeclared_field_that_is_known_is_no_warning() -> None:
    assert said(replace(EVENTS, unmapped=("consent",)), d1=day(undeclared={"consent": 4}))[0]


def test_a_field_that_became_an_object_is_a_warning() -> None:
    passed, severity, words = said(d1=day(), d2=day(nested={"login": 8, "item": 1}))
    assert (passed, severity) == (False, "WARN")
    assert "login holds JSON objects or lists on 2." in words and "item" not in words


def test_a_column_of_another_type_is_a_warning() -> None:
    passed, severity, words = said(d1=day(types={"item": ["int64"]}), d2=day(types={"item": ["double"]}), d3=day())
    assert (passed, severity) == (False, "WARN")
    assert "item is double on 2 and was int64 before." in words


REMEDY = "name them under `optional` or `defaults` of source shop"


def test_a_csv_file_that_lost_a_column_is_an_error_unless_it_may_be_absent(landing: Landing) -> None:
    landing.file(f"time,new\n{NOON},x\n")
    with pytest.raises(LandedFileError, match="a:1: has no column for login, item; its columns are time, new") as error:
        landing.read(CSV)
    assert REMEDY in str(error.value)
    (row,) = landing.parse(replace(CSV, **OPTIONAL))
    assert (row["login"], row["item"], row["extra_fields"], row["reject_reason"]) == (None, None, '{"new":"x"}', None)


def test_a_parquet_file_that_lost_a_column_is_an_error_unless_it_may_be_absent(landing: Landing) -> None:
    pq.write_table(pa.table({"time": [NOON], "new": ["x"]}), landing.file("", "a.parquet"))
    with pytest.raises(LandedFileError, match=r"a.parquet: has no column for login, item") as error:
        landing.read(PARQUET)
    assert REMEDY in str(error.value)
    (row,) = landing.parse(replace(PARQUET, **OPTIONAL))
    assert (row["login"], row["item"], row["extra_fields"], row["reject_reason"]) == (None, None, '{"new":"x"}', None)
    assert landing.files[0].column_types == {"time": "string", "new": "string"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(st.sampled_from([None, "", "a"]), min_size=1, max_size=5), default=st.sampled_from(["b", "0"]))
def test_a_default_stands_in_for_every_absent_value(
    engine: DuckDBEngine, items: list[str | None], default: str
) -> None:
    source = replace(EVENTS, defaults={"item": default})
    schema = source.raw_contract().schema()
    rows = [{**dict.fromkeys(schema), "item": item} for item in items]
    events = typed_events(ibis.memtable(rows, schema=schema), source)
    told = engine.backend.to_pyarrow(events.select("item"))["item"].to_pylist()
    assert sorted(told) == sorted(item or default for item in items)


DECLARED = """
sources:
  - name: shop
    format: json_lines
    place: "{landing_zone}/shop/{landing_date}/*"
    event_type: {constant: view}
    fields: {event_time: time, login: login, item: item}
    defaults: {item: none}
"""


def test_a_landing_day_shows_its_fields_and_the_check_tells_what_changed(landing: Landing, tmp_path: Path) -> None:
    landing.file(line(login='"a"', item='"x"'))
    landing.file(line(item="1", consent='"all"').replace("-05T", "-06T") * 2, day=NEXT)
    (tmp_path / "sources.yaml").write_text(DECLARED)
    definitions = build_definitions(
        Settings(
            environment="laptop",
            home=tmp_path,
            sources_file=tmp_path / "sources.yaml",
            pseudonym_key="a-key-that-only-tests-know",
            first_day=DAY,
            last_day=NEXT,
        )
    )
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey("raw_shop")})
    tags = {"dagster/asset_partition_range_start": str(DAY), "dagster/asset_partition_range_end": str(NEXT)}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, tags=tags)
    (found,) = [check for check in result.get_asset_check_evaluations() if check.check_name == "source_fields"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "login, which is mapped, has no value on 2026-01-06. consent is sent since 2026-01-06" in found.description
    shown = {event.partition: event.metadata for event in result.asset_materializations_for_node("raw_shop")}
    assert shown["2026-01-06"]["source_fields"].value["undeclared"] == {"consent": 2}
    assert [shown[str(day)]["undeclared_fields"].value for day in (DAY, NEXT)] == [0, 1]
