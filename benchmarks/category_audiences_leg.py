"""One leg of the measurement `category_audiences`, in a process of its own: makes the input, or computes the audiences.

python -m benchmarks.category_audiences_leg <world|plain|platform> <folder> <events> <days>
"""

import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from platform_assets.domain.categories.category_audiences import category_audiences
from resources.compute.duckdb_engine import DuckDBEngine

LAST = date(2026, 3, 31)
MAPPED_DOMAINS, VISITED_DOMAINS = 360_000, 20_000
EVENTS_A_PERSON = 50

PLAIN = """
WITH visits AS (
    SELECT event_date AS day, domain, cookie_id, login_hash, count(*) AS n FROM events
    WHERE NOT is_bot AND event_type <> 'ad_impression' AND domain IS NOT NULL GROUP BY ALL
), names AS (
    SELECT domain, day, p, array_to_string(string_split(domain, '.')[p + 1:], '.') AS name
    FROM (SELECT *, unnest(range(len(string_split(domain, '.')))) AS p FROM (SELECT DISTINCT domain, day FROM visits))
), known AS (
    SELECT names.domain, names.day, arg_min(category, (precedence, p)) AS category
    FROM names JOIN domain_categories AS c
      ON names.name = c.domain AND day >= valid_from AND (valid_to IS NULL OR day < valid_to)
    GROUP BY ALL
), daily AS (
    SELECT day, category, cookie_id, login_hash, sum(n) AS n FROM visits JOIN known USING (domain, day) GROUP BY ALL
), asked AS (
    SELECT unnest(generate_series(DATE '{first}', DATE '{last}', INTERVAL 1 DAY))::DATE AS event_date
), latest AS (
    SELECT event_date, identifier, arg_max(user_id, u.event_date2) AS user_id
    FROM asked JOIN (SELECT event_date AS event_date2, identifier, user_id FROM user_ids) AS u
      ON u.event_date2 <= asked.event_date GROUP BY ALL
), members AS (
    SELECT asked.event_date, category, coalesce(l.user_id, c.user_id) AS user_id, sum(n)::BIGINT AS events,
           max(day) AS last_event_date
    FROM asked JOIN daily ON day <= asked.event_date AND day > asked.event_date - 28
    LEFT JOIN latest AS l ON l.event_date = asked.event_date AND l.identifier = login_hash
    LEFT JOIN latest AS c ON c.event_date = asked.event_date AND c.identifier = cookie_id
    GROUP BY ALL HAVING coalesce(l.user_id, c.user_id) IS NOT NULL
)
SELECT event_date, category, user_id, events,
       events / sum(events) OVER (PARTITION BY event_date, user_id) AS share, last_event_date
FROM (SELECT event_date, category, user_id, sum(events)::BIGINT AS events, max(last_event_date) AS last_event_date
      FROM members GROUP BY ALL)
"""


def main() -> None:
    """Run one leg and print what it took as JSON."""
    leg, folder, events, days = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    engine = DuckDBEngine(spill_folder=folder / "spill", memory="4GB")
    if leg == "world":
        make_world(engine, folder, events)
        return
    run = engine.backend.con.execute
    for name in ("events", "user_ids", "domain_categories"):
        run(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}.parquet'")
    first = LAST - timedelta(days=days - 1)
    query = PLAIN.format(first=first, last=LAST)
    if leg == "platform":
        tables = (engine.backend.table(name) for name in ("events", "user_ids", "domain_categories"))
        query = engine.to_sql(category_audiences(*tables, first, LAST))
    began, spent = time.perf_counter(), time.process_time()
    target = folder / f"{leg}.parquet"
    run(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    spent = time.process_time() - spent
    seconds = time.perf_counter() - began
    content = "event_date, category, user_id, events::BIGINT, round(share, 12), last_event_date"
    rows, digest = run(f"SELECT count(*), sum(hash({content})::HUGEINT)::VARCHAR FROM '{target}'").fetchone()
    print(json.dumps({"rows": rows, "digest": digest, "seconds": seconds, "cpu_seconds": spent}))


def make_world(engine: DuckDBEngine, folder: Path, events: int) -> None:
    """Events of 35 days, persons with a cookie and half of them a login, and two maps; the same for the same size."""
    folder.mkdir(parents=True, exist_ok=True)
    run, persons = engine.backend.con.execute, events // EVENTS_A_PERSON
    name = f"CASE WHEN site % 3 = 0 THEN 'shop.' ELSE '' END || 'site-' || site % {VISITED_DOMAINS} || '.example'"
    run(
        f"COPY (SELECT DATE '{LAST}' - (hash(i, 1) % 35)::INTEGER AS event_date, "
        "CASE WHEN hash(i, 2) % 8 = 0 THEN 'ad_impression' ELSE 'page_view' END AS event_type, "
        f"hash(i, 3) % 33 = 0 AS is_bot, {name} AS domain, 'c' || person AS cookie_id, "
        "CASE WHEN person % 2 = 0 THEN 'l' || person END AS login_hash, NULL::VARCHAR AS device_id "
        f"FROM (SELECT i, hash(i, 4) % {persons} AS person, hash(i, 5) % 40000 AS site FROM range({events}) AS r(i))) "
        f"TO '{folder}/events.parquet' (FORMAT parquet)"
    )
    run(
        "COPY (SELECT DISTINCT event_date, identifier, 'u' || identifier[2:] AS user_id, false AS is_hub FROM "
        f"(SELECT event_date, unnest([cookie_id, login_hash]) AS identifier FROM '{folder}/events.parquet') "
        f"WHERE identifier IS NOT NULL) TO '{folder}/user_ids.parquet' (FORMAT parquet)"
    )
    run(
        "COPY (SELECT map, precedence::BIGINT AS precedence, 'site-' || i * 2 || '.example' AS domain, "
        "'category_' || hash(i, precedence) % 40 AS category, "
        f"DATE '2026-01-01' AS valid_from, NULL::DATE AS valid_to FROM range({MAPPED_DOMAINS}) AS r(i), "
        "(VALUES ('small', 1), ('large', 2)) AS m(map, precedence) WHERE precedence = 2 OR i % 50 = 0) "
        f"TO '{folder}/domain_categories.parquet' (FORMAT parquet)"
    )


if __name__ == "__main__":
    main()
