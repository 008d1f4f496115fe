"""`source_fields`: which fields a source really sends, compared with those that its declaration names.

Every landing day notes how many of its records have each field; the check compares the days. What a CSV or Parquet
file must have at all is decided while it is read (`declared_columns`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.source import Format, Source
from platform_assets.raw_events.engine_functions import json_keys
from platform_assets.raw_events.landed_file import LandedFile

NOTE = "source_fields"
"""Metadata of a landing day: {"records", "values", "undeclared", "nested", "defaults", "types"}, all but the first by
field."""
LOOK_BACK_MATERIALISATIONS = 2000
COMPARED_DAYS = 14
"""So long a change of a column's type is told: nobody can declare it, so it must come to an end."""
MOST_FIELDS = 100
"""So many undeclared fields of a landing day are told, the commonest first; a broken source may send millions."""


def field_counts(raw: ibis.Table, source: Source) -> dict[str, dict[str, Any]]:
    """By landing day of a raw table: records, and those with a value for each mapped field, or with an undeclared one.

    `nested` counts values that are JSON objects or lists, `defaults` the values that a declared default stands in for.
    """
    columns = {field: raw[source.raw_column(field)].nullif("") for field in source.mapped_fields}
    values = {f"values {field}": column.count() for field, column in columns.items()}
    nested = {
        f"nested {field}": (column.startswith("{") | column.startswith("[")).sum()
        for field, column in columns.items()
        if source.format in (Format.JSON_LINES, Format.PARQUET)
    }
    by_day = raw.group_by("landing_date").aggregate(records=raw.count(), **values, **nested)
    undeclared = _undeclared(raw)
    return {
        str(row["landing_date"]): {
            "records": row["records"],
            "values": (counts := {field: row[f"values {field}"] for field in columns}),
            "undeclared": undeclared.get(str(row["landing_date"]), {}),
            "nested": {field: count for field in columns if (count := row.get(f"nested {field}"))},
            "defaults": {
                field: row["records"] - counts[field] for field in source.defaults if row["records"] > counts[field]
            },
        }
        for row in by_day.to_pyarrow().to_pylist()
    }


def _undeclared(raw: ibis.Table) -> dict[str, dict[str, int]]:
    """How many records of each landing day have an undeclared field, the commonest fields first."""
    more = raw.filter(raw.extra_fields.notnull())
    keys = more.select("landing_date", field=json_keys(more.extra_fields, "$").unnest())
    counted = keys.group_by("landing_date", "field").aggregate(records=keys.count())
    found: dict[str, dict[str, int]] = {}
    for row in counted.order_by(ibis.desc("records"), "field").to_pyarrow().to_pylist():
        of_day = found.setdefault(str(row["landing_date"]), {})
        if len(of_day) < MOST_FIELDS:
            of_day[row["field"]] = row["records"]
    return found


def field_metadata(counts: Mapping[str, Any], files: Sequence[LandedFile]) -> dict[str, Any]:
    """What a landing day shows of its fields: all counts, the types that its files name, and figures that plot."""
    types: dict[str, set[str]] = {}
    for field, kind in (item for file in files for item in file.column_types.items()):
        types.setdefault(field, set()).add(kind)
    return {
        NOTE: dg.MetadataValue.json({**counts, "types": {field: sorted(kinds) for field, kinds in types.items()}}),
        "undeclared_fields": len(counts["undeclared"]),
        "defaults_used": sum(counts["defaults"].values()),
    }


def source_fields_check(source: Source) -> dg.AssetChecksDefinition:
    """A check of the fields of every landing day that was read: an error if a mapped field is gone, else a warning."""
    table = f"raw_{source.name}"

    @dg.asset_check(
        asset=table,
        name="source_fields",
        description="Every mapped field has values on every landing day, and every field that is sent is declared.",
    )
    def source_fields(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return verdict(source, _noted(context.instance, dg.AssetKey(table)))

    return source_fields


def verdict(source: Source, noted: Mapping[str, Mapping[str, Any]]) -> dg.AssetCheckResult:
    """What the counts of landing days (`field_counts`) say of a source."""
    gone = _days(noted, lambda day: _without_values(source, day))
    known = {*source.unmapped, *source.source_fields}
    new = _days(noted, lambda day: [name for name in day["undeclared"] if name not in known])
    nested = _days(noted, lambda day: [f for f, count in day["nested"].items() if 2 * count > day["values"].get(f, 0)])
    sentences = [
        *(f"{field}, which is mapped, has no value on {_when(days)}." for field, days in gone.items()),
        *(f"{field} is sent since {days[0]}, undeclared; it is kept in extra_fields." for field, days in new.items()),
        *(f"{field} holds JSON objects or lists on {_when(days)}." for field, days in nested.items()),
        *_changed_types(source, noted),
    ]
    remedy = (
        f" In the declaration of {source.name}: map a new field, or name it under `unmapped`; name a field that may be "
        "absent under `optional` or `defaults`."
    )
    severity = dg.AssetCheckSeverity.ERROR if gone else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=not sentences,
        severity=severity,
        description=" ".join(sentences) + remedy if sentences else "Every landing day has the declared fields.",
        metadata={
            "landing_days": len(noted),
            "without_values": dg.MetadataValue.json(gone),
            "undeclared": dg.MetadataValue.json(new),
            "nested": dg.MetadataValue.json(nested),
        },
    )


def _changed_types(source: Source, noted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each mapped field whose column was of another type on the landing day before."""
    told, known = [], dict[str, list[str]]()
    for day in sorted(noted)[-COMPARED_DAYS:]:
        for field, kinds in noted[day]["types"].items():
            if field in source.source_fields and known.get(field, kinds) != kinds:
                told.append(f"{field} is {' and '.join(kinds)} on {day} and was {' and '.join(known[field])} before.")
            known[field] = kinds
    return told


def _without_values(source: Source, day: Mapping[str, Any]) -> list[str]:
    """Mapped fields without any value; those that were not mapped when the day was read are not known."""
    if source.format is Format.ACCESS_LOG or not day["records"]:
        return []  # an access log can't lose a field, and may tell nothing in it all day
    return [
        field for field in source.mapped_fields if not source.may_be_absent(field) and day["values"].get(field) == 0
    ]


def _days(noted: Mapping[str, Mapping[str, Any]], fields_of: Any) -> dict[str, list[str]]:
    """The landing days of every field that `fields_of` finds in a day's counts."""
    days: dict[str, list[str]] = {}
    for day, counts in sorted(noted.items()):
        for field in fields_of(counts):
            days.setdefault(field, []).append(day)
    return days


def _when(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{len(days)} landing days, the first {days[0]}, the last {days[-1]}"


def _noted(instance: dg.DagsterInstance, table: dg.AssetKey) -> dict[str, Mapping[str, Any]]:
    """The counts that the latest materialisation of every landing day noted."""
    noted: dict[str, Any] = {}
    for record in instance.fetch_materializations(table, limit=LOOK_BACK_MATERIALISATIONS).records:
        materialisation = record.asset_materialization
        if materialisation is not None and record.partition_key is not None and record.partition_key not in noted:
            value = materialisation.metadata.get(NOTE)
            noted[record.partition_key] = value.data if isinstance(value, dg.JsonMetadataValue) else None
    return {day: counts for day, counts in noted.items() if counts is not None}
