"""Whose row it is, and what counts as a mention: the whole identifier in whatever form, never a part of another one."""

import hashlib
import hmac
import re
from datetime import date
from urllib.parse import quote, unquote

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.erased_persons import ERASED
from platform_assets.domain.erasure import Person, erasure_mark, holds, is_unmistakable, without_erased
from platform_assets.domain.source import Combine, EventType, FieldMapping, Format, Source
from platform_assets_tests.conftest import DEMO_KEY
from resources.compute.duckdb_engine import DuckDBEngine

BOB = "bob@x.example"
SHOP = Source(
    name="shop",
    description="",
    format=Format.JSON_LINES,
    place="{landing_zone}/{landing_date}/*",
    event_type=EventType(constant="visit"),
    fields={
        "event_time": FieldMapping(("at",)),
        "login": FieldMapping(("customer",), prefix="shop:"),
        "cookie_id": FieldMapping(("browser", "tab"), Combine.JOIN),
        "url": FieldMapping(("page",)),
    },
)


def pseudonym_of(kind: str, text: str) -> str:
    return hmac.new(DEMO_KEY, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()[:32]


def table_of(engine: DuckDBEngine, **columns: list[str | None]) -> ibis.Table:
    return engine.from_arrow("rows", pa.table({name: pa.array(each, pa.string()) for name, each in columns.items()}))


def held(engine: DuckDBEngine, person: Person, source: Source | None = None, **columns: list[str | None]) -> list[bool]:
    table = table_of(engine, **columns)
    return table.select(held=holds(table, person, source)).to_pyarrow()["held"].to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        *(BOB, "BOB@X.example", f"mailto:{BOB}", f"<{BOB}>", f"from {BOB}.", f'{{"user":"{BOB}"}}', f"... {BOB}!"),
        *(f"/login?user={quote(BOB, safe='')}&x=1", "/a?u%3Dbob%40x.example", f"a,{BOB},b", f"/{BOB}/"),
    ],
)
def test_an_identifier_is_found_in_whatever_form_it_is_written(one_engine: DuckDBEngine, text: str) -> None:
    assert held(one_engine, Person({}, frozenset({BOB})), record=[text]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        *("bobby@x.example", "jim.bob@x.example", "jim-bob@x.example", "bob@x.example.com", "bob@x.example-shop.com"),
        *("_bob@x.example", "ébob@x.example", "bob@xxexample", "bob", "/a?u=jim.bob%40x.example", "", None),
    ],
)
def test_a_part_of_another_identifier_is_nobodys(one_engine: DuckDBEngine, text: str | None) -> None:
    assert held(one_engine, Person({}, frozenset({BOB})), record=[text]) == [False]


def test_a_short_name_counts_in_free_text_only_and_as_a_whole(one_engine: DuckDBEngine) -> None:
    texts = ["bob", "bobby", "say bob", "bob@x.example", "Bob."]
    person = Person({}, frozenset({"bob"}))
    assert held(one_engine, person, record=texts) == [True, False, True, False, True]
    assert held(one_engine, person, item=texts) == [False] * 5
    assert not is_unmistakable("bob")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(BOB, True), ("c-0a20d3ccdadb", True), ("198.51.100.7", True), ("12345678", False), ("margaret", False)],
)
def test_only_long_and_mixed_texts_are_unmistakable(value: str, expected: bool) -> None:
    assert is_unmistakable(value) is expected


def test_a_pseudonym_counts_wherever_it_stands(one_engine: DuckDBEngine) -> None:
    theirs = pseudonym_of("login", BOB)
    person = Person({"login": frozenset({theirs})})
    texts = [theirs, f'{{"user_id":"{theirs}"}}', pseudonym_of("login", "jim"), None]
    assert held(one_engine, person, anything=texts) == [True, True, False, False]


def test_a_raw_row_is_theirs_by_whatever_its_source_makes_an_identifier_of(one_engine: DuckDBEngine) -> None:
    rows = {
        "at": ["1"] * 5,
        "customer": ["17", " 17 ", "170", None, "x"],
        "browser": [None, "b", "b", "b17", "b"],
        "tab": [None, "t", "u", None, "t"],
        "page": ["/", "/", "/17", "/", "/"],
    }
    login = Person({"login": frozenset({pseudonym_of("login", "shop:17")})})
    cookie = Person({"cookie": frozenset({pseudonym_of("cookie", "b|t")})})
    assert held(one_engine, login, SHOP, **rows) == [True, False, False, False, False]
    assert held(one_engine, cookie, SHOP, **rows) == [False, True, False, False, True]
    mentioned = Person({}, frozenset({"17"}))
    assert held(one_engine, mentioned, SHOP, **rows) == [False, False, True, False, False]


WORDS = st.sampled_from([BOB, BOB.upper(), "bob", "x.example", "jim", "é", "b", "@", ".", "-", "+", "%", "1", "_"])
BETWEEN = st.sampled_from(["", "", " ", "/", "=", '"', ",", "."])
TEXTS = st.lists(st.tuples(WORDS, BETWEEN), max_size=5).map(lambda parts: "".join(a + b for a, b in parts))


def mentions_bob(text: str) -> bool:
    """Plain account of the same: an identifier is what stands between characters that no identifier has."""
    words = re.split(r"[^\w.+@-]+", text)
    return any(word.strip(".+-").lower() == BOB for word in words)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=30))
def test_mentions_are_found_exactly(one_engine: DuckDBEngine, texts: list[str]) -> None:
    person = Person({}, frozenset({BOB}))
    expected = [mentions_bob(unquote(text)) for text in texts]
    assert held(one_engine, person, record=texts) == expected


def test_records_of_erased_persons_are_dropped_whatever_else_is_wrong_with_them(one_engine: DuckDBEngine) -> None:
    theirs = table_of(one_engine, pseudonym=[pseudonym_of("login", "shop:17"), pseudonym_of("cookie", "b|t")])
    login, cookie = theirs.select(mark=erasure_mark(theirs.pseudonym)).to_pyarrow()["mark"].to_pylist()
    parsed = table_of(
        one_engine,
        at=["1"] * 4,
        customer=["17", "18", "17", None],
        browser=[None, None, None, "b"],
        tab=[None, None, None, "t"],
        page=["/"] * 4,
        reject_reason=[None, None, "time_missing: at", None],
    ).mutate(landing_date=ibis.literal(date(2026, 1, 1)))
    marked = without_erased(parsed, SHOP, {"login": [login], "cookie": [cookie]})
    assert marked.to_pyarrow()["reject_reason"].to_pylist() == [ERASED, None, ERASED, ERASED]
    assert without_erased(parsed, SHOP, {}).equals(parsed)
    assert login not in (pseudonym_of("login", "shop:17"), pseudonym_of("cookie", "b|t"))
