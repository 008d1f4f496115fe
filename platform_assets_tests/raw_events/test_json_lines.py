"""JSON lines: every record becomes one row, whatever it holds."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.sources import EventType, FieldMapping
from platform_assets.raw_events.landed_records import ReadLimits
from platform_assets_tests.raw_events.landing import EVENTS, NOON, Landing

TIME = f'"time":"{NOON}"'
NESTED = replace(
    EVENTS,
    event_type=EventType(field="what.kind"),
    fields={"event_time": FieldMapping(("time",)), "login": FieldMapping(("user.name",))},
)


def test_declared_fields_are_text_and_undeclared_ones_are_kept_beside_them(landing: Landing) -> None:
    landing.file(f'{{{TIME},"login":"ann","consent":true,"item":42,"more":{{"a":[1,null]}}}}')
    (row,) = landing.parse()
    assert (row["login"], row["item"], row["reject_reason"]) == ("ann", "42", None)
    assert json.loads(row["extra_fields"]) == {"consent": True, "more": {"a": [1, None]}}
    assert (row["time"], row["source"], row["line"]) == (NOON, "shop", 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"a \\"b\\" \\u00e9"', 'a "b" é'),
        ('""', ""),
        ("null", None),
        ("12345678901234567890123", "12345678901234567890123"),
        ("-0.5", "-0.5"),
        ("false", "false"),
        ("[1,2]", "[1,2]"),
        ('{"x":null}', '{"x":null}'),
        ("NaN", "NaN"),
    ],
)
def test_a_value_keeps_its_text(landing: Landing, value: str, text: str | None) -> None:
    landing.file(f'{{{TIME},"item":{value}}}')
    (row,) = landing.parse()
    assert (row["item"], row["extra_fields"], row["reject_reason"]) == (text, None, None)


def test_a_missing_field_is_null(landing: Landing) -> None:
    landing.file(f"{{{TIME}}}")
    assert landing.parse()[0]["login"] is None


def test_a_field_of_other_case_is_another_field(landing: Landing) -> None:
    landing.file(f'{{{TIME},"Login":"ann"}}')
    (row,) = landing.parse()
    assert (row["login"], row["extra_fields"]) == (None, '{"Login":"ann"}')


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"time":', "malformed_json"),
        ("garbage", "malformed_json"),
        (f"{{{TIME}}} {{{TIME}}}", "malformed_json"),
        (f"{{{TIME},}}", "malformed_json: a comma before a closing bracket"),
        (f'{{{TIME},"a":[1, ]}}', "malformed_json: a comma before a closing bracket"),
        (f"[{{{TIME}}}]", "malformed_json: not an object"),
        ('"text"', "malformed_json: not an object"),
        ("null", "malformed_json"),
        (f'{{{TIME},"login":"a","login":"a"}}', "duplicate_key: login"),
        (f'{{{TIME},"x":1,"x":2}}', "duplicate_key: x"),
        (f'{{{TIME},"login":null,"login":"b"}}', "duplicate_key: login"),
        (f'{{{TIME},"a":{"[" * 32}1{"]" * 32}}}', "nested_too_deep: more than 32 levels"),
        (f'{{{TIME},"a":{"[" * 100_000}1{"]" * 100_000}}}', "nested_too_deep: more than 32 levels"),
        ("[" * 100_000, "nested_too_deep: more than 32 levels"),
        ("{}", "time_missing: time"),
        (f'{{{TIME},"a":"\t"}}', "malformed_json"),
    ],
)
def test_a_bad_record_keeps_its_text_and_says_why(landing: Landing, record: str, reason: str) -> None:
    landing.file(f"{{{TIME}}}\n{record}\n{{{TIME}}}\n")
    before, bad, after = landing.parse()
    assert (bad["reject_reason"], bad["record"], bad["line"]) == (reason, record, 2)
    assert before["reject_reason"] is after["reject_reason"] is None


def test_commas_and_brackets_in_strings_are_harmless(landing: Landing) -> None:
    for index, text in enumerate([",}", ", ]", "{" * 50, '\\"' + "[" * 50, "\\\\"]):
        landing.file(f'{{{TIME},"item":"{text}"}}', f"{index}")
    assert landing.reasons() == [None] * 5


def test_records_with_many_shallow_brackets_are_not_deep(landing: Landing) -> None:
    landing.file(f'{{{TIME},"item":[{",".join(["{}"] * 500)}]}}')
    assert landing.reasons(limits=ReadLimits(max_nesting=3)) == [None]


@pytest.mark.parametrize(
    ("user", "name", "extra"),
    [
        ('{"name":"ann"}', "ann", None),
        ('{"name":"ann","age":7}', "ann", {"user": {"name": "ann", "age": 7}}),
        ('{"age":7}', None, {"user": {"age": 7}}),
        ('"ann"', None, {"user": "ann"}),
        ("[1]", None, {"user": [1]}),
        ("null", None, {"user": None}),
    ],
)
def test_a_dotted_field_is_taken_from_an_inner_object(landing: Landing, user: str, name: str | None, extra) -> None:
    landing.file(f'{{{TIME},"user":{user},"what":{{"kind":"view"}}}}')
    (row,) = landing.parse(NESTED)
    assert (row["user_name"], row["what_kind"], row["reject_reason"]) == (name, "view", None)
    assert (json.loads(row["extra_fields"]) if row["extra_fields"] else None) == extra


def test_a_key_given_twice_in_an_inner_object_with_declared_fields_is_refused(landing: Landing) -> None:
    landing.file(f'{{{TIME},"user":{{"name":"a","name":"b"}}}}')
    assert landing.reasons(NESTED) == ["duplicate_key: name"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abxy", max_size=2), inner, max_size=3),
    max_leaves=5,
)
pairs = st.lists(st.tuples(st.sampled_from(["time", "login", "item", "x", "Item", "é"]), values), max_size=5)
objects = pairs.map(
    lambda pairs: "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
)
good = st.dictionaries(st.sampled_from(["login", "item", "x", "y"]), values).map(lambda value: {"time": NOON, **value})
lines = st.one_of(
    good.map(json.dumps),
    objects,
    st.tuples(objects, st.integers(1, 30)).map(lambda cut: cut[0][: cut[1]]),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff"), min_size=1, max_size=20),
)


def rule_by_the_book(line: str) -> str | None:
    """What Python's parser says of a line."""
    try:
        parsed = json.loads(line, object_pairs_hook=lambda pairs: ("object", pairs))
    except (ValueError, RecursionError):
        return "malformed_json"
    if not (isinstance(parsed, tuple) and parsed[0] == "object"):
        return "malformed_json"
    keys = [key for key, _ in parsed[1]]
    if len(keys) > len(set(keys)):
        return "duplicate_key"
    time = dict(parsed[1]).get("time")
    return None if time == NOON else "time_missing" if time in (None, "") else "time_unreadable"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=30))
def test_every_line_gives_one_row_as_python_s_parser_would_have_it(landing: Landing, lines: list[str]) -> None:
    landing.file("\n".join(lines).encode())
    rows = landing.parse()
    assert [row["record"] for row in rows] == lines
    for line, row in zip(lines, rows, strict=True):
        rule = rule_by_the_book(line)
        assert (row["reject_reason"] or "none").split(":")[0] == (rule or "none")
        if rule is None:
            received = json.loads(line)
            extra = {key: value for key, value in received.items() if key not in ("time", "login", "item")}
            assert json.loads(row["extra_fields"] or "{}") == extra
            for name in ("login", "item"):
                value = received.get(name)
                text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                assert row[name] == text or json.loads(row[name]) == value
