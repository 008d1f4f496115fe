"""Parses JSON lines: the declared fields as text, everything undeclared as JSON text beside them.

A record is parsed for its fields and once more for its keys. Only where the keys are more than the fields that have a
value is it looked at closely: for declared fields that are null, for undeclared ones, and for keys given twice.

Known leniency of the engine's parser: NaN and Infinity pass as numbers, for the typed step to judge.
"""

import json
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from platform_assets.domain.engine_functions import json_merge_patch
from platform_assets.domain.source import Source
from platform_assets.raw_events.engine_functions import Shape, json_fields, json_keys

_COMMA_BEFORE_END = r",\s*[}\]]"
_JSON_STRING = r'"([^"\\]|\\.)*"'

Path = tuple[str, ...]
"""Where an object is in a record: the keys that lead to it, none for the record itself."""


def parse_json_lines(records: ibis.Table, source: Source) -> ibis.Table:
    """The records with one column for each source field, `extra_fields`, and `problem` (null: none)."""
    shape = _shape(source.source_fields)
    objects = _objects(shape)
    no_text = ibis.null("string")
    table = records.mutate(document=json_fields(records.read_problem.isnull().ifelse(records.record, no_text), shape))
    table = table.mutate(is_json=table.document.notnull())
    table = table.mutate(
        {_count(at): table.is_json.ifelse(_keys(table, at).length(), 0).fill_null(0) for at in objects}
    )
    table = table.mutate({_plain(at): _is_plain(table, shape, at) for at in objects})
    close_look = table.is_json & ~table[_plain(())]
    table = table.mutate(
        {_listed(at): close_look.ifelse(_keys(table, at), ibis.null("array<string>")) for at in objects}
    )
    table = table.mutate(doubled_key=ibis.coalesce(*(_doubled_key(table[_listed(at)]) for at in objects)))
    extra_fields = json_merge_patch(table.record, _patch(table, shape)).nullif("{}")
    return table.select(
        *("landing_date", "file", "line", "record"),
        problem=_problem(table),
        **{source.raw_column(field): _value(table.document, _path(field)) for field in source.source_fields},
        extra_fields=(table[_listed(())].notnull() & table.doubled_key.isnull()).ifelse(extra_fields, no_text),
    )


def _problem(table: ibis.Table) -> ir.StringValue:
    not_an_object = (table[_count(())] == 0).ifelse(~table.record.lstrip().startswith("{"), False)
    return ibis.cases(
        (table.read_problem.notnull(), table.read_problem),
        (~table.is_json, "malformed_json"),
        (not_an_object, "malformed_json: not an object"),
        (_has_comma_before_end(table.record), "malformed_json: a comma before a closing bracket"),
        (table.doubled_key.notnull(), ibis.literal("duplicate_key: ") + table.doubled_key),
    )


def _has_comma_before_end(record: ir.StringValue) -> ir.BooleanValue:
    """Whether there is a comma that the engine's parser overlooks; strings may hold whatever they like."""
    without_strings = record.re_replace(_JSON_STRING, '""')
    return record.re_search(_COMMA_BEFORE_END).ifelse(without_strings.re_search(_COMMA_BEFORE_END), False)


def _doubled_key(keys: ir.ArrayValue) -> ir.StringValue:
    """The first key that stands twice in a list of keys, null if none does."""
    again = keys.filter(lambda key, index: keys.index(key) != index)
    return (keys.length() == keys.unique().length()).ifelse(ibis.null("string"), again[0])


def _is_plain(table: ibis.Table, shape: Shape, at: Path) -> ir.BooleanValue:
    """Whether every key of an object is a declared field that has a value: as many keys as values prove it."""
    here = _inside(shape, at)
    leaves = [
        _value(table.document, (*at, key)).notnull().cast("int64") for key, inner in here.items() if inner is None
    ]
    inner_objects = [
        _is_plain(table, shape, (*at, key)).cast("int64") for key, inner in here.items() if inner is not None
    ]
    plain = table[_count(at)] == reduce(add, [*leaves, *inner_objects])
    return plain & (table[_count(at)] > 0) if at else plain


def _patch(table: ibis.Table, shape: Shape) -> ir.StringValue:
    """The merge patch that leaves undeclared fields only. An inner object with one of them is kept whole."""
    declared = [f"{json.dumps(key)}:null" for key, inner in shape.items() if inner is None]
    patch = ibis.literal("{" + ",".join(declared or ['"":null']))
    for key in (key for key, inner in shape.items() if inner is not None):
        patch = patch + table[_plain((key,))].ifelse(f",{json.dumps(key)}:null", "")
    return patch + "}"


def _shape(fields: tuple[str, ...]) -> Shape:
    shape: dict = {}
    for field in fields:
        *parents, leaf = _path(field)
        here = shape
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = None
    return shape


def _objects(shape: Shape, at: Path = ()) -> list[Path]:
    inner = [_objects(below, (*at, key)) for key, below in shape.items() if below is not None]
    return [at, *(path for paths in inner for path in paths)]


def _inside(shape: Shape, at: Path) -> Shape:
    return reduce(lambda here, key: here[key] or {}, at, shape)


def _value(document: ir.StructValue, path: Path) -> ir.StringValue:
    return reduce(lambda value, key: value[key], path, document)


def _keys(table: ibis.Table, at: Path) -> ir.ArrayValue:
    return json_keys(table.is_json.ifelse(table.record, ibis.null("string")), _json_path(at))


def _path(field: str) -> Path:
    return tuple(field.split("."))


def _json_path(at: Path) -> str:
    return "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in at)


def _count(at: Path) -> str:
    return ".".join(("key_count", *at))


def _plain(at: Path) -> str:
    return ".".join(("is_plain", *at))


def _listed(at: Path) -> str:
    return ".".join(("keys", *at))
