"""Members of audiences are those that plain Python finds, for every kind of rule, address, identity and window."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from platform_assets.domain.audiences.audience import Audience
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.audiences.url_audiences import url_audiences
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets_tests.domain.audience_oracle import Declaration, History, members
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 1, 20)
IDENTIFIERS = {"login_hash": ["l1", None], "cookie_id": ["c1", "c2", None], "device_id": ["d1", None]}

HOSTS = ["shop.example", "a.shop.example", "b.a.shop.example", "notshop.example", "other.example", "example"]
PATHS = [
    *("/", "/shoes", "/shoes/", "/shoes/red", "/shoes/red/42", "/shoes_x", "/Shoes/red", "/checkout/thanks", "//shoes"),
    *("/caf%C3%A9/x", "/café/x", "/100%", "/100%25", "/a%2Fb", "/%e4x", "/a+b", "/a%20b", "/a b", "/x%zz%41", "/x\ny"),
    *("/sports/product-001", "/sports/product-0012", "/news/article-7", "/€uro/😀", ""),
]
QUERIES = [
    *("", "?", "?q=red+shoes", "?q=red%20shoes", "?q=", "?q", "?q=1&q=shoes", "?q=a%26q%3Dshoes", "?xq=shoes&Q=shoes"),
    *(
        "?utm=mail&q=shoes",
        "?utm=mail%2Bx",
        "?utm=m%e4",
        "?utm=mail#?q=shoes",
        "?u=http://x/?q=shoes",
        "?q=%zz+1",
        "?&&q=ü",
    ),
]
GLOBS = [
    *(
        "/shoes",
        "/shoes/",
        "/shoes/*",
        "/shoes*",
        "*/shoes*",
        "*shoes",
        "/*red*",
        "/café/*",
        "/100%",
        "/a/b",
        "/a+b",
        "/a b",
    ),
    *(
        "/sports/product-*",
        "/sports/product-0*2",
        "/news/article-7",
        "/€uro/😀",
        "/€*",
        "/*",
        "*_x",
        "/x*y",
        "/sh*es/*",
        "/ä*",
    ),
]
EXPRESSIONS = [
    *(
        r"^/shoes/?$",
        r"product-\d+$",
        r"^/(sports|news)/",
        "red",
        r"^/[^/]+/[^/]+$",
        "é",
        r"\.",
        r"^/s.*d$",
        r"a.b",
        r"%",
    ),
    *(r"^/sports/product-[0-9]{3}$", r"(?:42|7)$", r"[A-Z]", r"^/x.y$", "\\w{5,}/", "[^a-z/]"),
]
VALUES = ["shoes", "red shoes", "*shoes*", "*", "", "mail", "m*l*", "a&q=shoes", "ü", "%zz 1", "m%e4", "1*"]

GENERATE = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking would compute hundreds of examples of a second each."""

hosts_asked = st.sampled_from([*HOSTS, *(f"*.{host}" for host in HOSTS)])


def one_or_several(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


conditions = {
    "domain": one_or_several(hosts_asked),
    "query": st.dictionaries(st.sampled_from(["q", "utm", "u"]), st.sampled_from(VALUES), min_size=1, max_size=2),
    "referrer": one_or_several(hosts_asked),
    "event_type": one_or_several(st.sampled_from(["page_view", "purchase", "none such"])),
}
paths = {
    "path": one_or_several(st.sampled_from(GLOBS)),
    "path_regex": one_or_several(st.sampled_from(EXPRESSIONS)),
}
rules = st.one_of(
    st.sampled_from([*conditions, *paths]).flatmap(
        lambda name: st.fixed_dictionaries({name: (conditions | paths)[name]})
    ),
    st.fixed_dictionaries({}, optional=conditions | {"path": paths["path"]}).filter(bool),
    st.fixed_dictionaries({"path_regex": paths["path_regex"]}, optional=conditions),
)
audiences = st.fixed_dictionaries(
    {"any_of": st.lists(rules, min_size=1, max_size=3)},
    optional={
        "none_of": st.lists(rules, min_size=1, max_size=1),
        "at_least": st.integers(1, 3),
        "on_days": st.integers(1, 2),
        "within_days": st.integers(2, 9),
    },
)
declarations = st.lists(audiences, min_size=1, max_size=25).map(
    lambda found: [{"name": f"audience_{number}", **each} for number, each in enumerate(found)]
)
events = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.sampled_from(values) for name, values in IDENTIFIERS.items()},
            "event_date": st.integers(-11, 3).map(lambda days: DAY + timedelta(days=days)),
            "event_type": st.sampled_from(["page_view", "page_view", "purchase"]),
            "domain": st.sampled_from([*HOSTS, None]),
            "path": st.sampled_from([*PATHS, None]),
            "query": st.sampled_from(QUERIES),
            "referrer_domain": st.sampled_from([*HOSTS, None]),
            "is_bot": st.sampled_from([False] * 9 + [True]),
        }
    ),
    min_size=1,
    max_size=60,
)
histories = st.dictionaries(
    st.tuples(
        st.sampled_from(["l1", "c1", "c2", "d1"]), st.integers(-11, 2).map(lambda days: DAY + timedelta(days=days))
    ),
    st.sampled_from(["ann", "bob", None]),
    max_size=12,
)


def declared(audiences: Sequence[Declaration], folder: Path) -> tuple[Audience, ...]:
    path = folder / "audiences.yaml"
    path.write_text(yaml.safe_dump({"audiences": list(audiences)}, allow_unicode=True), encoding="utf-8")
    return load_audiences(path)


def told(rows: Iterable[dict]) -> list[dict]:
    """Events as the table has them."""
    return [
        {
            "event_id": str(number),
            "event_time": datetime.combine(row["event_date"], time(12)),
            "source": "test",
            "url": f"https://{row['domain']}{row['path']}{row['query']}" if row["path"] is not None else None,
            **{name: value for name, value in row.items() if name != "query"},
        }
        for number, row in enumerate(rows)
    ]


def found(
    engine: DuckDBEngine, rows: list[dict], history: History, audiences: Sequence[Audience], first: date, last: date
) -> list[dict]:
    events_table = ibis.memtable(pa.Table.from_pylist(rows, EVENTS.schema().to_pyarrow()))
    result = engine.backend.to_pyarrow(url_audiences(events_table, user_ids(history), audiences, first, last))
    return sorted(result.to_pylist(), key=lambda row: (row["event_date"], row["audience"], row["user_id"]))


def user_ids(history: History) -> ibis.Table:
    records = [
        {"event_date": day, "identifier": name, "kind": "cookie", "user_id": user, "is_hub": user is None}
        for (name, day), user in history.items()
    ]
    return ibis.memtable(pa.Table.from_pylist(records, USER_IDS.schema().to_pyarrow()))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=GENERATE)
@given(rows=events, history=histories, audiences=declarations, days=st.integers(0, 2))
def test_members_are_those_that_plain_python_finds(
    rows: list[dict], history: History, audiences: list, days: int, engine: DuckDBEngine, tmp_path: Path
) -> None:
    seen, last = told(rows), DAY + timedelta(days=days)
    asked = declared(audiences, tmp_path)
    assert found(engine, seen, history, asked, DAY, last) == members(seen, history, audiences, DAY, last)


@pytest.mark.long
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), phases=GENERATE)
@given(rows=events, history=histories, audiences=declarations, days=st.integers(0, 2))
def test_members_are_those_that_plain_python_finds_many_times(
    rows: list[dict], history: History, audiences: list, days: int, engine: DuckDBEngine, tmp_path: Path
) -> None:
    seen, last = told(rows), DAY + timedelta(days=days)
    asked = declared(audiences, tmp_path)
    assert found(engine, seen, history, asked, DAY, last) == members(seen, history, audiences, DAY, last)


PERSON = {("c1", DAY - timedelta(days=11)): "ann"}


def visit(path: str = "/", query: str = "", **fields: Any) -> dict:
    fixed = {"login_hash": None, "cookie_id": "c1", "device_id": None, "event_date": DAY, "event_type": "page_view"}
    return {
        **fixed,
        "domain": "shop.example",
        "referrer_domain": None,
        "is_bot": False,
        "path": path,
        "query": query,
    } | fields


def test_every_query_is_read_as_plain_python_reads_it(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    audiences = [
        {"name": f"value_{number}{'_there' if where else ''}", "any_of": [{"query": {name: value}, **where}]}
        for number, (name, value) in enumerate((name, value) for name in ("q", "utm", "u") for value in VALUES)
        for where in ({}, {"path": "/sh*"})
    ]
    seen = told([visit("/shoes", query, cookie_id=f"c{number}") for number, query in enumerate(QUERIES)])
    history = {(f"c{number}", DAY): f"person_{number}" for number in range(len(QUERIES))}
    expected = members(seen, history, audiences, DAY, DAY)
    assert len(expected) > 60
    assert found(one_engine, seen, history, declared(audiences, tmp_path), DAY, DAY) == expected


def test_every_pattern_finds_the_paths_that_plain_python_finds(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    kinds = [("path", each) for each in GLOBS] + [("path_regex", each) for each in EXPRESSIONS]
    audiences = [
        {"name": f"{kind}_{number}{'_there' if where else ''}", "any_of": [{kind: pattern, **where}]}
        for number, (kind, pattern) in enumerate(kinds)
        for where in ({}, {"domain": "*.shop.example"})
    ]
    seen = told([visit(path, cookie_id=f"c{number}") for number, path in enumerate(PATHS)])
    history = {(f"c{number}", DAY): f"person_{number}" for number in range(len(PATHS))}
    asked = declared(audiences, tmp_path)
    expected = members(seen, history, audiences, DAY, DAY)
    assert len(expected) > 200
    assert found(one_engine, seen, history, asked, DAY, DAY) == expected


def test_a_range_gives_the_rows_of_its_days(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    audiences = [
        {"name": "often", "within_days": 3, "at_least": 2, "any_of": [{"domain": "shop.example"}]},
        {"name": "not_shoes", "within_days": 5, "any_of": [{"path": "/*"}], "none_of": [{"path": "/shoes*"}]},
    ]
    seen = told(
        visit(PATHS[number % len(PATHS)], cookie_id=f"c{number % 3}", event_date=DAY - timedelta(days=number % 9))
        for number in range(60)
    )
    history = {(f"c{number}", DAY - timedelta(days=number)): user for number, user in enumerate(["ann", "bob", "ann"])}
    asked = declared(audiences, tmp_path)
    days = [DAY - timedelta(days=number) for number in (3, 2, 1, 0)]
    alone = [row for day in days for row in found(one_engine, seen, history, asked, day, day)]
    assert len(alone) >= 4
    assert alone == found(one_engine, seen, history, asked, days[0], days[-1])


def test_a_rule_with_many_values_is_each_of_their_combinations(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    audiences = [
        {"name": "many", "any_of": [{"domain": ["shop.example", "*.shop.example"], "path": ["/shoes", "/sh*"]}]}
    ]
    seen = told([visit("/shoes"), visit("/shirts"), visit("/other")])
    (row,) = found(one_engine, seen, PERSON, declared(audiences, tmp_path), DAY, DAY)
    assert row["events"] == 2


def test_hundreds_of_expressions_are_told_apart(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    audiences = [
        {"name": f"item_{number}", "any_of": [{"path_regex": f"/item-{number}(-[a-z]+)?$", **where}]}
        for number in range(450)
        for where in ({"domain": "shop.example"} if number % 3 else {},)
    ]
    seen = told(visit(f"/x/item-{number}-red") for number in (0, 1, 44, 199, 200, 201, 449, 450))
    asked = found(one_engine, seen, PERSON, declared(audiences, tmp_path), DAY, DAY)
    assert [row["audience"] for row in asked] == sorted(f"item_{number}" for number in (0, 1, 44, 199, 200, 201, 449))


def test_columns_are_the_contracts(one_engine: DuckDBEngine, tmp_path: Path) -> None:
    asked = declared([{"name": "all", "any_of": [{"domain": "shop.example"}]}], tmp_path)
    (row,) = found(one_engine, told([visit()]), PERSON, asked, DAY, DAY)
    assert tuple(row) == URL_AUDIENCES.column_names
