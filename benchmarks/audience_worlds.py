"""Generated visits and rules for `url_audiences`: a long-tailed web of 5,000 sites, and rules as teams write them."""

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS

LAST_DAY, DAYS = date(2026, 2, 1), 28
SITES = 5_000
SECTIONS = ("news", "shoes", "travel", "cars", "games", "garden", "health", "music", "offers", "blog")
MIX = {
    "domain and path with wildcard": 0.45,
    "domain and whole path": 0.12,
    "domain": 0.10,
    "domain and all below it": 0.05,
    "domain and expression": 0.10,
    "domain, query and event type": 0.06,
    "path": 0.04,
    "query": 0.04,
    "expression alone": 0.02,
    "wildcard before": 0.01,
    "referrer": 0.01,
}
"""Kinds of rules and their shares."""


def write_events(folder: Path, events: int) -> None:
    """`events` and `user_ids` as Parquet; a person for every 30 events, a third of them with two cookies."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = ", ".join(f"'{name}'" for name in SECTIONS)
    drawn = {name: f"(hash(i * 16 + {place}) % 1000000) / 1000000.0" for place, name in enumerate("abcdefgh")}
    filled = {
        "event_id": "'e' || i",
        "event_date": f"(DATE '{LAST_DAY}' - (a * {DAYS - 1})::INT)",
        "event_time": f"(DATE '{LAST_DAY}' - (a * {DAYS - 1})::INT)",
        "source": "'bench'",
        "event_type": "CASE WHEN b < 0.8 THEN 'page_view' WHEN b < 0.95 THEN 'product_view' ELSE 'purchase' END",
        "cookie_id": f"md5('c' || (c * {events // 20})::INT)",
        "domain": f"CASE WHEN b < 0.1 THEN 'm.' ELSE '' END || 'site-' || (d ** 3 * {SITES})::INT || '.example'",
        "path": f"'/' || [{sections}][1 + (e * 10)::INT % 10] || '/' || "
        "CASE WHEN b < 0.3 THEN 'list-' ELSE 'item-' END || (f ** 2 * 2000)::INT",
        "query": "CASE WHEN g < 0.10 THEN '?utm_source=mail&utm_campaign=c' || (e * 400)::INT "
        "WHEN g < 0.2 THEN '?q=red+shoes+' || (f * 900)::INT || '&sid=' || i "
        "WHEN g < 0.4 THEN '?sid=' || i ELSE '' END",
        "referrer_domain": "CASE WHEN h < 0.5 THEN NULL WHEN h < 0.7 THEN 'finder.example' "
        f"ELSE 'site-' || (d ** 3 * {SITES})::INT || '.example' END",
        "is_bot": "(h > 0.97)",
    }
    filled["url"] = "'https://' || domain || path || query"
    columns = ", ".join(
        f"({filled.get(name, 'NULL')})::{_type(str(dtype))} AS {name}" for name, dtype in EVENTS.schema().items()
    )
    draws = ", ".join(f"{text} AS {name}" for name, text in drawn.items())
    run = duckdb.connect().execute
    texts = ", ".join(f"{filled[name]} AS {name}" for name in ("domain", "path", "query"))
    columns = columns.replace(filled["domain"], "domain").replace(filled["path"], "path")
    run(
        f"COPY (SELECT {columns} FROM (SELECT *, {texts} FROM (SELECT i, {draws} FROM range({events}) r(i)))) "
        f"TO '{folder / 'events.parquet'}' (FORMAT parquet)"
    )
    persons = {
        "event_date": f"(DATE '{LAST_DAY - timedelta(days=DAYS - 1)}')",
        "identifier": "md5('c' || i)",
        "kind": "'cookie'",
        "user_id": f"md5('p' || (i % {events // 30}))",
        "is_hub": "false",
    }
    columns = ", ".join(
        f"{persons.get(name, 'NULL')}::{_type(str(dtype))} AS {name}" for name, dtype in USER_IDS.schema().items()
    )
    place = folder / "user_ids.parquet"
    run(f"COPY (SELECT {columns} FROM range({events // 20 + 1}) r(i)) TO '{place}' (FORMAT parquet)")


def _type(dtype: str) -> str:
    return {"string": "VARCHAR", "!string": "VARCHAR", "float64": "DOUBLE"}.get(dtype, dtype.strip("!").split("(")[0])


def write_rules(file: Path, rules: int) -> None:
    """An audiences file with so many audiences of one rule each, in the shares of MIX."""
    rng = random.Random(7)
    kinds = [kind for kind, share in MIX.items() for _ in range(max(1, round(rules * share)))]
    kinds = (kinds + [next(iter(MIX))] * rules)[:rules]
    audiences = [{"name": f"audience_{number}", "any_of": [_rule(kind, rng)]} for number, kind in enumerate(kinds)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.dump({"audiences": audiences}, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))


def _rule(kind: str, rng: random.Random) -> dict:
    domain = f"site-{int(rng.random() ** 2 * SITES)}.example"
    section, number = rng.choice(SECTIONS), rng.randrange(2_000)
    wildcards = (f"/{section}/*", f"/{section}/item-{number % 10}*", f"/{section}/*-{number % 100}")
    expression = f"^/(?:{section}|offers)/item-[0-9]*{number % 10}$"
    return {
        "domain and path with wildcard": {"domain": domain, "path": rng.choice(wildcards)},
        "domain and whole path": {"domain": domain, "path": f"/{section}/item-{number % 200}"},
        "domain": {"domain": domain},
        "domain and all below it": {"domain": f"*.{domain}"},
        "domain and expression": {"domain": domain, "path_regex": expression},
        "domain, query and event type": {
            "domain": domain,
            "query": {"utm_source": "mail"},
            "event_type": "product_view",
        },
        "path": {"path": f"/{section}/item-{number}"},
        "query": {"query": {"utm_campaign": f"c{number % 400}"}},
        "expression alone": {"path_regex": f"item-{number}[0-9]?$"},
        "wildcard before": {"path": f"*-{number}"},
        "referrer": {"referrer": domain},
    }[kind]


def plain_sql(file: Path, folder: Path) -> str:
    """What a person would write who knows these rules and this data: one query a rule, and persons by cookie."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))["audiences"]
    counted = " UNION ALL ".join(
        f"SELECT '{each['name']}' AS audience, user_id, count(*) AS events, max(event_date) AS last_event_date "
        f"FROM '{folder / 'events.parquet'}' e JOIN '{folder / 'user_ids.parquet'}' u ON e.cookie_id = u.identifier "
        f"WHERE NOT is_bot AND {' AND '.join(map(_condition, each['any_of'][0].items()))} GROUP BY ALL"
        for each in declared
    )
    return (
        f"SELECT DATE '{LAST_DAY}' AS event_date, * FROM ({counted})".replace("e.user_id", "u.user_id")
        .replace("audience, user_id", "audience, u.user_id AS user_id")
        .replace("max(event_date)", "max(e.event_date)")
    )


def _condition(asked: tuple[str, object]) -> str:
    name, value = asked
    if name == "query" and isinstance(value, dict):
        return " AND ".join(f"regexp_matches(url, '[?&]{key}={text}(&|$)')" for key, text in value.items())
    if name == "path_regex":
        return f"regexp_matches(path, '{value}')"
    column = {"referrer": "referrer_domain"}.get(name, name)
    text = str(value)
    if name == "domain" and text.startswith("*."):
        return f"(domain = '{text[2:]}' OR domain LIKE '%{text[1:]}')"
    return f"{column} LIKE '{text.replace('*', '%')}'" if "*" in text else f"{column} = '{text}'"
