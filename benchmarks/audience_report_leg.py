"""One leg of the measurement `audience_report`, in a process of its own.

python -m benchmarks.audience_report_leg <leg> <folder> <persons, table or events>

world      makes so many persons, what they did and who belongs to which of 100 audiences
platform   computes the table `audience_report` or `audience_overlap` of a day as the platform does
plain      computes the same figures by SQL that was written for the purpose
planted    simulates a world of so many events, runs the graph on it and compares the report with the truth
"""

import json
import sys
import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis

from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 2, 1)
AUDIENCES, PLANTED_DAYS = 100, 45
CONTRACTS = {contract.name: contract for contract in (EVENTS, USER_IDS, CATEGORY_AUDIENCES)}

WORLD = """
CREATE TABLE person AS
SELECT i, md5('c' || i) AS cookie, 'u' || md5('u' || i)[2:] AS person, 'u' || md5('u' || (i - 1))[2:] AS neighbour,
       i % 50 = 1 AS merges FROM range({persons}) AS t(i);
CREATE TABLE seen AS
SELECT i, cookie, DATE '{day}' - CAST(hash(i, n) % 29 AS INTEGER) AS event_date, n FROM person, range(6) AS t(n);
INSERT INTO seen SELECT i, cookie, DATE '{day}', 99 FROM person WHERE hash(i) % 60 = 0;
CREATE TABLE known AS
SELECT DISTINCT i, cookie, event_date FROM seen UNION SELECT i, cookie, DATE '{day}' FROM person WHERE merges;
CREATE TABLE member AS
SELECT i, k, DATE '{day}' - d AS event_date FROM person, range({audiences}) AS a(k), (VALUES (1), (2)) AS b(d)
WHERE hash(i, k) % 1000 < 800 // (k + 3) AND hash(i, k, d) % 50 <> 0;
"""

EVENTS_ROWS = """
SELECT i || '-' || n AS event_id, event_date::TIMESTAMP AS event_time, event_date, 'web' AS source,
       hash(i) % 97 = 0 AS is_bot,
       CASE n WHEN 99 THEN 'purchase' ELSE 'page_view' END AS event_type, cookie AS cookie_id
FROM seen
"""
USER_IDS_ROWS = """
SELECT event_date, cookie AS identifier, 'cookie' AS kind,
       CASE WHEN merges AND event_date = DATE '{day}' THEN neighbour ELSE person END AS user_id, false AS is_hub,
       CASE WHEN merges AND event_date = DATE '{day}' THEN person END AS previous_user_id
FROM known JOIN person USING (i, cookie)
"""
MEMBERS_ROWS = """
SELECT event_date, 'c' || k AS category, person AS user_id, CAST(1 + hash(i, k) % 20 AS BIGINT) AS events, 0.5 AS share,
       event_date - CAST(hash(k, i) % 20 AS INTEGER) AS last_event_date FROM member JOIN person USING (i)
"""

PLAIN = {
    "audience_report": """
WITH now AS (SELECT * FROM category_audiences WHERE event_date = DATE '{day}' - 1),
before AS (SELECT category, user_id FROM category_audiences WHERE event_date = DATE '{day}' - 2),
latest AS (SELECT identifier, arg_max(user_id, event_date) AS user_id FROM user_ids GROUP BY identifier),
people AS (
    SELECT DISTINCT user_id FROM (
        SELECT DISTINCT cookie_id FROM events
        WHERE NOT is_bot AND event_date BETWEEN DATE '{day}' - 28 AND DATE '{day}' - 1)
    JOIN latest ON cookie_id = identifier),
bought AS (
    SELECT DISTINCT user_id FROM events JOIN latest ON cookie_id = identifier
    WHERE NOT is_bot AND event_date = DATE '{day}' AND event_type = 'purchase'),
population AS (SELECT user_id, b.user_id IS NOT NULL AS converted FROM people LEFT JOIN bought AS b USING (user_id)),
moved AS (
    SELECT DISTINCT previous_user_id AS was, user_id AS current FROM user_ids
    WHERE event_date = DATE '{day}' AND previous_user_id IS NOT NULL),
became AS (SELECT DISTINCT user_id AS was, user_id AS current FROM now UNION FROM moved),
active AS (
    SELECT DISTINCT category, current, converted FROM now JOIN became ON now.user_id = was
    JOIN population AS p ON p.user_id = current),
reach AS (
    SELECT category, count(*) AS members, avg(events) AS mean, median(events) AS p50, quantile_cont(events, 0.9) AS p90,
           avg(DATE '{day}' - last_event_date) AS recency, median(DATE '{day}' - last_event_date) AS recency_p50
    FROM now GROUP BY category),
entered AS (SELECT category, count(*) AS n FROM now ANTI JOIN before USING (category, user_id) GROUP BY category),
gone AS (SELECT category, count(*) AS n FROM before ANTI JOIN now USING (category, user_id) GROUP BY category)
SELECT 'category:' || category AS audience, members, mean, p50, p90, recency, recency_p50,
       coalesce(e.n, 0) AS members_entered, coalesce(g.n, 0) AS members_left, count(*) AS active_members,
       count(*) FILTER (converted) AS converted_members,
       (SELECT count(*) FROM population) AS population
FROM active JOIN reach USING (category) LEFT JOIN entered AS e USING (category) LEFT JOIN gone AS g USING (category)
GROUP BY ALL
""",
    "audience_overlap": """
WITH now AS (SELECT category, user_id FROM category_audiences WHERE event_date = DATE '{day}' - 1),
size AS (SELECT category, count(*) AS members FROM now GROUP BY category)
SELECT 'category:' || a.category AS audience, 'category:' || b.category AS other_audience, count(*) AS members_in_both,
       count(*) / (any_value(s.members) + any_value(o.members) - count(*)) AS jaccard
FROM now AS a JOIN now AS b ON a.user_id = b.user_id AND a.category <> b.category
JOIN size AS s ON s.category = a.category JOIN size AS o ON o.category = b.category GROUP BY 1, 2
""",
}
SHARED = {
    "audience_report": "audience, members, members_entered, members_left, active_members, converted_members",
    "audience_overlap": "audience, other_audience, members_in_both",
}


def main() -> None:
    """Run one leg and print what it took as JSON."""
    leg, folder, given = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if leg == "planted":
        print(json.dumps(planted(folder, int(given))))
        return
    engine = DuckDBEngine(spill_folder=folder / "spill", memory="4GB")
    if leg == "world":
        make_world(engine, folder, int(given))
        return
    names = {"day": DAY, "audiences": AUDIENCES}
    for table, contract in CONTRACTS.items():
        view = engine.read_parquet(table, [str(folder / f"{table}.parquet")], contract.schema(), None)
        engine.backend.con.execute(f"CREATE VIEW {table} AS FROM {view.get_name()}")
    sql = PLAIN[given].format(**names) if leg == "plain" else engine.to_sql(_of_platform(engine, given))
    began = time.process_time()
    engine.backend.con.execute(f"CREATE TABLE result AS {sql}")
    spent = time.process_time() - began
    digest = f"SELECT count(*), sum(hash({SHARED[given]})) FROM (SELECT {_whole(SHARED[given])} FROM result)"
    rows, content = engine.backend.con.execute(digest).fetchone()
    print(json.dumps({"cpu_seconds": spent, "rows": rows, "content": str(content)}))


def _whole(columns: str) -> str:
    return ", ".join(f"{name}::VARCHAR AS {name}" for name in columns.split(", "))


def _of_platform(engine: DuckDBEngine, table: str) -> ibis.Table:
    from platform_assets.domain.audience_reports.conversion import Conversion
    from platform_assets.domain.audience_reports.members import members_of
    from platform_assets.domain.audience_reports.overlap import audience_overlap
    from platform_assets.domain.audience_reports.report import audience_report

    tables = {name: ibis.table(contract.schema(), name=name) for name, contract in CONTRACTS.items()}
    members = members_of({CATEGORY_AUDIENCES.name: tables[CATEGORY_AUDIENCES.name]})
    if table == "audience_overlap":
        return audience_overlap(members, DAY, DAY)
    return audience_report(members, tables["events"], tables["user_ids"], Conversion("purchase"), DAY, DAY)


def make_world(engine: DuckDBEngine, folder: Path, persons: int) -> None:
    """Persons with six events in 28 days, of whom a fiftieth merges with another on the day."""
    con = engine.backend.con
    con.execute(WORLD.format(persons=persons, day=DAY, audiences=AUDIENCES))
    for table, rows in ((EVENTS, EVENTS_ROWS), (USER_IDS, USER_IDS_ROWS), (CATEGORY_AUDIENCES, MEMBERS_ROWS)):
        con.execute(f"CREATE TEMP TABLE made AS {rows.format(day=DAY)}")
        made = {name for (name, *_) in con.execute("DESCRIBE made").fetchall()}
        types = {name: dtype for name, dtype in table.schema().items() if name not in made}
        absent = "".join(f", NULL::{_sql_type(dtype)} AS {name}" for name, dtype in types.items())
        con.execute(f"COPY (SELECT *{absent} FROM made) TO '{folder / table.name}.parquet'")
        con.execute("DROP TABLE made")


def _sql_type(dtype: Any) -> str:
    return {"string": "VARCHAR", "float64": "DOUBLE", "int64": "BIGINT"}.get(str(dtype), str(dtype).upper())


def planted(home: Path, events: int) -> dict[str, Any]:
    """Simulate a world, run the graph as far as the report, and compare it with what is planted."""
    import dagster as dg

    from platform_assets.definitions import build_definitions
    from platform_assets.demo import simulate
    from platform_assets.demo.planted_odds import planted_odds
    from platform_assets.demo.planted_quality import read_truth
    from platform_assets.domain.audience_reports.members import AUDIENCE_TABLES, members_of
    from resources.lakehouse.io_manager import read
    from resources.lakehouse.tables import Lakehouse
    from resources.settings import Settings

    first = date(2026, 1, 5)
    last = first + timedelta(days=PLANTED_DAYS - 1)
    settings = Settings(home=home, first_day=first, last_day=last)
    world = simulate(Path(settings.landing_root), first_day=first, days=PLANTED_DAYS, events=events)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    daily = ["raw_web_events", "events", "identifier_pairs", "user_ids", "url_audiences", "category_audiences"]
    span = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
    with dg.DagsterInstance.ephemeral() as instance:
        for assets, tags in ((["domain_categories"], {}), ([*daily, "audience_report", "audience_overlap"], span)):
            only = job.get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})
            run = only.execute_in_process(instance=instance, tags=tags)
    seconds = {str(step.step_key): step.step_success_data.duration_ms / 1000 for step in run.get_step_success_events()}
    key = settings.require_pseudonym_key(only_simulated_data=True)
    engine, lakehouse = DuckDBEngine.from_settings(settings, key), Lakehouse(settings.lake_root)
    names = [table.contract.name for table in AUDIENCE_TABLES]
    tables = {
        name: read(lakehouse, engine, lakehouse.snapshot(name), None)
        for name in ("audience_report", "events", "user_ids", *names)
    }
    members = members_of({name: tables[name] for name in names})
    truth = read_truth(engine.backend, home / "truth")
    found = planted_odds(tables["audience_report"], members, tables["events"], tables["user_ids"], truth, first, last)
    return {
        **asdict(found),
        "coverage": found.coverage,
        "coverage_of_few": found.coverage_of_few,
        "persons": world.persons,
        "events": world.events,
        "audiences": tables["audience_report"].audience.nunique().execute(),
        "seconds": {name: seconds[name] for name in ("audience_report", "audience_overlap")},
    }


if __name__ == "__main__":
    main()
