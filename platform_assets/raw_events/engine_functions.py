"""Functions that parsing needs and Ibis has no portable name for, spelled as DuckDB knows them.

This is the one module to change for another engine: it must give the same results under these Python names. Everything
else in the package is plain Ibis. (On Spark: `from_json`, `json_object_keys`, `try_to_timestamp`, `to_utc_timestamp`,
`regexp_extract`.)
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

Shape = Mapping[str, "Shape | None"]
"""Keys of a JSON object to take out: None for a value as text, a shape for an object to go into."""


def json_fields(record: ir.StringValue, shape: Shape) -> ir.StructValue:
    """The fields of a JSON object as text, null where they are absent or null; null for what is no JSON.

    Text is unquoted, everything else keeps its JSON text, with numbers in their shortest form. Of a key given twice
    the first is taken. JSON that is no object gives a struct of nulls.
    """
    # The parser raises for what is no JSON. A `try` around it would repeat a whole vector of 2,048 rows one by one.
    valid = json_valid(record).ifelse(record, ibis.null("string"))
    return _json_transform(_struct_type(shape))(valid, json.dumps(_structure(shape), ensure_ascii=False))


@ibis.udf.scalar.builtin(signature=((dt.string,), dt.boolean))
def json_valid(record: Any) -> Any:
    """Whether a text is JSON."""


@ibis.udf.scalar.builtin(signature=((dt.string, dt.string), dt.Array(dt.string)))
def json_keys(record: Any, path: Any) -> Any:
    """The keys of the JSON object at a path, null if nothing is there; raises for what is no JSON."""


@ibis.udf.scalar.builtin(signature=((dt.string, dt.string), dt.timestamp))
def try_strptime(text: Any, pattern: Any) -> Any:
    """The time that a pattern finds, in UTC if the pattern has an offset; null if it does not fit."""


@ibis.udf.scalar.builtin(signature=((dt.Timestamp(timezone=None),), dt.int64))
def epoch_us(time: Any) -> Any:
    """Microseconds since 1970 in UTC."""


@ibis.udf.scalar.builtin(signature=((dt.int64,), dt.timestamp))
def make_timestamp(microseconds: Any) -> Any:
    """The time without zone so many microseconds after 1970 in UTC."""


@ibis.udf.scalar.builtin(signature=((dt.string, dt.Timestamp(timezone=None)), dt.Timestamp(timezone=None)))
def timezone(zone: Any, time: Any) -> Any:
    """The instant at which clocks of a zone show a time."""


def naive_utc(time: ir.TimestampValue) -> ir.TimestampValue:
    """An instant as time without zone in UTC, whatever zone the session has."""
    return make_timestamp(epoch_us(time))


def named_groups(text: ir.StringValue, pattern: str, names: tuple[str, ...]) -> ir.StructValue:
    """The groups of a regular expression's first match; empty text in all of them if nothing matches."""
    return _group_function(names)(text, pattern, list(names))


@cache
def _json_transform(fields: dt.Struct) -> Any:
    """Parsing into a struct, which depends on the source."""

    @ibis.udf.scalar.builtin(signature=((dt.string, dt.string), fields))
    def json_transform(record: Any, structure: Any) -> Any: ...

    return json_transform


@cache
def _group_function(names: tuple[str, ...]) -> Any:
    groups = dt.Struct(dict.fromkeys(names, dt.string))

    @ibis.udf.scalar.builtin(signature=((dt.string, dt.string, dt.Array(dt.string)), groups))
    def regexp_extract(text: Any, pattern: Any, group_names: Any) -> Any: ...

    return regexp_extract


def _structure(shape: Shape) -> dict[str, Any]:
    return {key: "VARCHAR" if inner is None else _structure(inner) for key, inner in shape.items()}


def _struct_type(shape: Shape) -> dt.Struct:
    return dt.Struct({key: dt.string if inner is None else _struct_type(inner) for key, inner in shape.items()})
