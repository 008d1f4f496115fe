"""Every raw row gives one event, one duplicate or one quarantined row; the same alone, in a range and in any order."""

import hashlib
import hmac
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.events import DUPLICATE, EVENTS, VALUE_NOT_A_NUMBER
from platform_assets_tests.conftest import DEMO_KEY
from platform_assets_tests.domain.raw_worlds import DAY, DAYS, RawRow, made, numbered, place_of, row, worlds
from resources.compute.duckdb_engine import DuckDBEngine


def pseudonym(kind: str, text: str | None) -> str | None:
    trimmed = (text or "").strip(" ")
    trimmed = trimmed.lower() if kind == "login" else trimmed
    return hmac.new(DEMO_KEY, f"{kind}:{trimmed}".encode(), hashlib.sha256).hexdigest()[:32] if trimmed else None


def clients(each: RawRow) -> tuple[str | None, str | None, str | None]:
    """Pseudonyms of cookie, login and device."""
    get = each.fields.get
    if each.source == "web":
        return pseudonym("cookie", get("cookie_id")), pseudonym("login", get("login")), pseudonym("device", "d")
    joined = f"{get('ip') or ''}|{get('agent') or ''}" if get("ip") or get("agent") else None
    return pseudonym("cookie", joined), pseudonym("login", get("mail")), None


def value_of(each: RawRow) -> tuple[float | None, str | None]:
    """The event's value, and the first field whose text is no finite number."""
    product: float | None = 1.0
    for name in ["value"] if each.source == "web" else ["quantity", "price"]:
        text = each.fields.get(name) or None
        try:
            number = None if text is None else float(text)
        except ValueError:
            return None, name
        if number is not None and not math.isfinite(number):
            return None, name
        product = None if number is None or product is None else product * number
    return product, None


def copies_of(rows: Iterable[RawRow]) -> set[tuple[str, int]]:
    """Places of the copies that are dropped, as the decision on duplicates says it, over all days there are."""
    by_id, dropped = defaultdict(list), set()
    for each in rows:
        by_id[each.source, each.id].append(each)
    for copies in by_id.values():
        good = [each for each in copies if value_of(each)[1] is None]
        good.sort(key=lambda each: (each.at, each.landing_date, each.path, each.line))
        for before, copy in itertools.pairwise(good):
            if before.at.date() >= copy.at.date() - timedelta(days=1):
                dropped.add(copy.place)
    return dropped


def sessions_of(rows: Iterable[RawRow]) -> dict[tuple[str, int], str]:
    """The session of every row with a client and a good value, from all that there is before it."""
    by_client, found = defaultdict(list), {}
    for each in rows:
        cookie, login, device = clients(each)
        if (client := cookie or login or device) and value_of(each)[1] is None:
            by_client[client].append(each)
    for client, seen in by_client.items():
        begun = previous = None
        for each in sorted(seen, key=lambda each: each.at):
            if previous is None or each.at - previous > timedelta(minutes=30):
                begun = each.at
            previous = each.at
            start = max(begun, datetime.combine(each.at.date() - timedelta(days=1), time()))
            seconds = (start - datetime(1970, 1, 1)) // timedelta(seconds=1)
            found[each.place] = hashlib.md5(f"{client}@{seconds}".encode()).hexdigest()
    return found


def expected(rows: Sequence[RawRow], first: date, last: date) -> list[dict[str, Any]]:
    dropped, sessions = copies_of(rows), sessions_of(rows)
    found = []
    for each in rows:
        if not first <= each.at.date() <= last:
            continue
        (cookie, login, _), (value, bad_field) = clients(each), value_of(each)
        reason = DUPLICATE if each.place in dropped else VALUE_NOT_A_NUMBER if bad_field else None
        found.append(
            {
                "event_id": f"{each.source}:{each.id}",
                "event_time": each.at,
                "event_date": each.at.date(),
                "event_type": "page_view" if each.source == "web" else "purchase",
                "login_hash": login,
                "cookie_id": cookie,
                "session_id": sessions.get(each.place),
                "value": None if bad_field else value,
                "file": each.path,
                "line": each.line,
                "reason": reason,
            }
        )
    return sorted(found, key=place_of)


def told(event: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The part of an event that the oracle knows; the detail of a reason and a value nobody may use left out."""
    reason = event["reject_reason"] and event["reject_reason"].split(":")[0]
    value = None if reason == VALUE_NOT_A_NUMBER else event["value"]
    return {**{name: event[name] for name in wanted if name != "reason"}, "reason": reason, "value": value}


@settings(max_examples=25, deadline=None)
@given(rows=worlds())
def test_every_row_becomes_what_a_plain_reading_of_the_rules_says(rows: list[RawRow], one_engine: DuckDBEngine) -> None:
    wanted = expected(rows, DAYS[0], DAYS[-1])
    found = made(one_engine, rows, DAYS[0], DAYS[-1])
    assert [told(event, want) for event, want in zip(found, wanted, strict=True)] == wanted


@settings(max_examples=6, deadline=None)
@given(rows=worlds())
def test_a_day_alone_and_a_long_range_agree_on_every_row(rows: list[RawRow], one_engine: DuckDBEngine) -> None:
    alone = [event for day in DAYS for event in made(one_engine, rows, day)]
    # As text, because a rejected value may be NaN, which equals nothing.
    assert list(map(str, sorted(alone, key=place_of))) == list(map(str, made(one_engine, rows, DAYS[0], DAYS[-1])))


@settings(max_examples=8, deadline=None)
@given(rows=worlds(), data=st.data())
def test_the_order_of_rows_changes_nothing(rows: list[RawRow], data: st.DataObject, one_engine: DuckDBEngine) -> None:
    shuffled = data.draw(st.permutations(rows))
    found, again = (made(one_engine, order, DAYS[1], DAYS[3]) for order in (rows, shuffled))
    assert list(map(str, found)) == list(map(str, again))


def test_columns_and_their_types_are_the_contracts(one_engine: DuckDBEngine) -> None:
    (event,) = made(one_engine, [row()])
    assert tuple(event) == (*EVENTS.column_names, "file", "line", "reject_reason")


@pytest.mark.parametrize(("days_between", "published"), [(0, 1), (1, 1), (2, 2)])
def test_a_copy_is_dropped_if_the_one_before_it_is_of_that_day_or_the_day_before(
    days_between: int, published: int, one_engine: DuckDBEngine
) -> None:
    midnight = datetime.combine(DAY, time())
    rows = numbered([row(midnight), row(midnight + timedelta(days=days_between))], same_id=True)
    found = made(one_engine, rows, DAY, DAY + timedelta(days=days_between))
    assert [event["reject_reason"] for event in found].count(None) == published


def test_a_good_copy_is_published_even_if_a_bad_one_came_first(one_engine: DuckDBEngine) -> None:
    noon = row().at
    rows = numbered([row(value="?"), row(noon + timedelta(hours=1), value="1")], same_id=True)
    assert [event["reject_reason"] for event in made(one_engine, rows)] == ["value_not_a_number: value is ?", None]


def test_equal_ids_of_two_sources_are_two_events(one_engine: DuckDBEngine) -> None:
    rows = [row(), RawRow({"time": ""}, source="shop")]
    assert [event["event_id"] for event in made(one_engine, rows)] == ["shop:1", "web:1"]


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity", "1e999", "twelve", "1,5", "0x10"])
def test_a_value_that_is_no_finite_number_is_rejected_with_its_field_and_text(
    text: str, one_engine: DuckDBEngine
) -> None:
    rows = numbered([row(value=text), RawRow({"quantity": "1", "price": text}, source="shop")])
    reasons = {event["reject_reason"] for event in made(one_engine, rows)}
    assert reasons == {f"value_not_a_number: {field} is {text}" for field in ("value", "price")}
