"""Writes Arrow values as text without losing anything: as a source would have written them, or as JSON.

Whole columns at a time; nested values become JSON text.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_ESCAPES = {'"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_CONTROL = r"[\x00-\x1f]"


def as_received(values: pa.Array) -> pa.StringArray:
    """Each value as text, null as null: times in ISO 8601 (in UTC with Z if they have a zone), bytes that are no text
    in hexadecimal behind `\\x`, nested values as JSON."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return as_received(values.dictionary_decode())
    if pa.types.is_nested(kind):
        return pc.if_else(values.is_valid(), json_values(values), pa.scalar(None, pa.string()))
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(values.cast(pa.string()), " ", "T")
    if pa.types.is_float16(kind):
        return values.cast(pa.float32()).cast(pa.string())
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return values.cast(pa.int64()).cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _bytes_as_text(values)
    return values.cast(pa.string())


def json_values(values: pa.Array) -> pa.StringArray:
    """Each value as JSON text; null and numbers that JSON doesn't know (NaN, infinity) as `null` and as text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return json_values(values.dictionary_decode())
    if pa.types.is_struct(kind):
        names = [kind.field(index).name for index in range(kind.num_fields)]
        text = json_objects(names, values.flatten())
    elif pa.types.is_map(kind):
        pairs = _joined('"', _escaped(as_received(values.keys)), '":', json_values(values.items))
        text = _joined("{", _join_lists(values, pairs), "}")
    elif pa.types.is_nested(kind):
        listed = values.cast(pa.list_(kind.value_type)) if not pa.types.is_list(kind) else values
        text = _joined("[", _join_lists(listed, json_values(listed.values)), "]")
    else:
        text = as_received(values)
        if pa.types.is_floating(kind):
            text = pc.if_else(pc.is_finite(values), text, _joined('"', text, '"'))
        elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)):
            text = _joined('"', _escaped(text), '"')
    return pc.if_else(values.is_valid(), text, "null")


def json_objects(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.StringArray:
    """One JSON object for each row."""
    keys = _escaped(pa.array(names, pa.string())).to_pylist()
    parts: list[pa.Array | str] = []
    for key, column in zip(keys, columns, strict=True):
        parts += [f'{"," if parts else "{"}"{key}":', json_values(column)]
    return _joined(*parts, "}") if parts else pa.array([], pa.string())


def _join_lists(lists: pa.ListArray, texts: pa.StringArray) -> pa.StringArray:
    """The texts of each list's members with commas between, given the texts of all members."""
    return pc.binary_join(pa.ListArray.from_arrays(lists.offsets, texts), ",")


def _joined(*parts: pa.Array | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, "")


def _escaped(text: pa.StringArray) -> pa.StringArray:
    """Text as it stands between the quotes of a JSON string."""
    text = pc.replace_substring(text, "\\", "\\\\")
    for sign, escape in _ESCAPES.items():
        text = pc.replace_substring(text, sign, escape)
    if pc.any(pc.match_substring_regex(text, _CONTROL)).as_py():
        for code in range(0x20):
            text = pc.replace_substring(text, chr(code), f"\\u{code:04x}")
    return text


def _bytes_as_text(values: pa.Array) -> pa.StringArray:
    values = values.cast(pa.binary())
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        shown = [None if value is None else _shown(value) for value in values.to_pylist()]
        return pa.array(shown, pa.string())


def _shown(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"\\x{value.hex()}"
