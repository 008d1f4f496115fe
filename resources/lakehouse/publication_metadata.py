"""What a publication shows in the Dagster UI: counts and versions that plot, a preview of rows, column lineage.

Static facts of a table (schema, descriptions) are shown by `platform_assets.table_asset`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract, Pii
from resources.compute.engine import Engine
from resources.lakehouse.audit import SlicePublication
from resources.lakehouse.column_lineage import column_lineage
from resources.lakehouse.publish import Publication, total_rejected
from resources.lakehouse.tables import Lakehouse

PREVIEW_ROWS = 5
CELL_CHARACTERS = 60
HIDDEN = "•••"
"""Stands in a preview for a value that identifies a person: the UI has no login."""


def publication_metadata(
    publication: Publication,
    input_versions: Mapping[str, int],
    lakehouse: Lakehouse,
    partitions: int,
) -> dict[str, Any]:
    """Metadata that is the same for every partition of a run."""
    rejected = total_rejected(publication)
    metadata: dict[str, Any] = {
        "delta_version": publication.version,
        "dagster/uri": lakehouse.uri(publication.table),
        "input_versions": dg.MetadataValue.json(dict(sorted(input_versions.items()))),
        "partitions_in_run": partitions,
        "rows_in_run": sum(item.rows for item in publication.slices),
    }
    if rejected:
        metadata["rejected_in_run"] = dg.MetadataValue.json(dict(sorted(rejected.items())))
    return metadata


def slice_metadata(slices: Sequence[SlicePublication], row_count_key: str) -> dict[str, Any]:
    """Metadata of one partition, given its slices: its rows, quarantined and dropped rows, and the rows by event day
    where the publication notes them."""
    metadata: dict[str, Any] = {
        row_count_key: sum(item.rows for item in slices),
        "quarantined_rows": sum(item.quarantined for item in slices),
        "dropped_rows": sum(item.dropped for item in slices),
    }
    days = {day.isoformat(): content.rows for item in slices for day, content in sorted(item.event_days.items())}
    if days:
        metadata["event_days"] = dg.MetadataValue.json(days)
    return metadata


def lineage_metadata(expression: ibis.Table, contract: Contract, engine: Engine) -> dict[str, Any]:
    """Column lineage, computed from the expression."""
    sources = column_lineage(engine.to_sql(expression), engine.source_tables(), list(contract.column_names))
    deps = {
        column: [dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name) for table, name in sorted(found)]
        for column, found in sources.items()
        if found
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)} if deps else {}


def preview(table: ibis.Table, contract: Contract) -> dg.MetadataValue:
    """The first rows as a Markdown table, without any personal value: what the UI keeps, no erasure reaches."""
    personal = {column.name for column in contract.columns if column.pii is not Pii.NONE}
    shown = table.select(*contract.column_names).limit(PREVIEW_ROWS).to_pyarrow().to_pylist()
    lines = [" | ".join(contract.column_names), " | ".join("---" for _ in contract.column_names)]
    for row in shown:
        lines.append(" | ".join(HIDDEN if name in personal else _cell(value) for name, value in row.items()))
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines) if shown else "No rows.")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return (text if len(text) <= CELL_CHARACTERS else text[:CELL_CHARACTERS] + "…").replace("|", "\\|")


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns as the UI shows them; personal columns are tagged."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.dtype,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
                tags={"pii": column.pii.value} if column.pii is not Pii.NONE else {},
            )
            for column in contract.columns
        ],
        constraints=dg.TableConstraints(other=[f"one row per ({', '.join(contract.key)})"] if contract.key else []),
    )
