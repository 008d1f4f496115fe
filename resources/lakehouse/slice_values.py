"""Which slice values a set of partition keys means: exact, or refused.

How a table is cut into slices stands in `slicing`.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dagster import MultiPartitionsDefinition, PartitionsDefinition, TimeWindow, TimeWindowPartitionsDefinition

from resources.lakehouse.slicing import FORMAT, JOINT, Cut, Part, Slicing, dimensions, inexact

LENGTH: Mapping[Cut, timedelta] = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
LOOKS_LIKE_NULL = frozenset({"NULL", "__HIVE_DEFAULT_PARTITION__"})
"""Texts that readers of partitioned files take for a missing value, whatever their case."""


def slice_values(
    table: str, slicing: Slicing, partitions: PartitionsDefinition | None, keys: Sequence[str] | None
) -> list[str] | None:
    """The slice values that partition keys mean; None means the whole table. Raises InexactPartitioning."""
    if partitions is None or keys is None:
        return None
    if slicing.column is None:
        raise inexact(
            table,
            "partitions are asked for of a table that was published in one piece",
            "read it without partitions, or rebuild it with a partition column",
        )
    is_multi = isinstance(partitions, MultiPartitionsDefinition)
    definitions = dimensions(partitions) if isinstance(partitions, MultiPartitionsDefinition) else {"": partitions}
    if [part.dimension for part in slicing.parts] != list(definitions):
        raise inexact(
            table,
            f"it is cut for the dimensions {[part.dimension for part in slicing.parts]}, not for {list(definitions)}",
            "move the table's folder away and materialise all its partitions again",
        )
    known: dict[tuple[str, str], list[str]] = {}
    values: list[str] = []
    for key in keys:
        own_keys = key.split(JOINT) if is_multi else [key]
        if len(own_keys) != len(slicing.parts):
            raise inexact(table, f"the key {key!r} holds a {JOINT!r} within a dimension", "rename the partition")
        texts = []
        for part, own in zip(slicing.parts, own_keys, strict=True):
            if (part.dimension, own) not in known:
                known[part.dimension, own] = _texts(table, part, definitions[part.dimension], own)
            texts.append(known[part.dimension, own])
        values += map(JOINT.join, itertools.product(*texts))
    return values


def _texts(table: str, part: Part, partitions: PartitionsDefinition, key: str) -> list[str]:
    """What a key of one dimension means: its days or hours, or itself."""
    if isinstance(partitions, TimeWindowPartitionsDefinition):
        window = _window(table, partitions, key)
        if part.cut in LENGTH:
            return _units(table, part.cut, key, window.start.astimezone(UTC), window.end.astimezone(UTC))
    if part.cut == "integer" and not _is_canonical(key):
        raise inexact(table, f"no integer is written {key!r}", "name the partition as the number is written")
    if not key or (not part.dimension and key.upper() in LOOKS_LIKE_NULL):
        raise inexact(table, f"the key {key!r} can't be told from a missing value", "rename the partition")
    return [key]


def _window(table: str, partitions: TimeWindowPartitionsDefinition, key: str) -> TimeWindow:
    """The window of a key, which no other window may share."""
    window = partitions.time_window_for_partition_key(key)
    start, end = window.start, window.end
    # Where a clock is put back, Dagster tells the second of two equal hours by its offset.
    shared = key == end.strftime(partitions.fmt) and start.utcoffset() == end.utcoffset()
    if shared or not key.startswith(start.strftime(partitions.fmt)) or start < partitions.start:
        raise inexact(table, f"the key {key!r} doesn't say which window it means", "give the partitions a finer fmt")
    return window


def _units(table: str, cut: Cut, key: str, start: datetime, end: datetime) -> list[str]:
    origin, length = datetime(1970, 1, 1, tzinfo=UTC), LENGTH[cut]
    if (start - origin) % length or (end - origin) % length:
        raise inexact(
            table,
            f"the partition {key} is no row of whole UTC {cut}s: {start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M}",
            "let every window begin on the hour in UTC, or use a string column with the partition key",
        )
    return [(start + number * length).strftime(FORMAT[cut]) for number in range((end - start) // length)]


def _is_canonical(key: str) -> bool:
    try:
        return str(int(key)) == key
    except ValueError:
        return False
