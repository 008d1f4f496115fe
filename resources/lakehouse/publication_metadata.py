"""What a publication shows in the Dagster UI: counts and versions that plot, a preview of rows, column lineage.

Static facts of a table (schema, descriptions) are shown by `platform_assets.table_asset`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract, Pii
from resources.compute.engine import Engine
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
    engine: Engine,
    keys: Sequence[str] | None,
) -> dict[str, Any]:
    """Metadata that is the same for every partition of a run."""
    rejected = total_rejected(publication)
    metadata: dict[str, Any] = {
        "delta_version": publication.version,
        "dagster/uri": lakehouse.uri(publication.table),
        "input_versions": dg.MetadataValue.json(dict(sorted(input_versions.items()))),
        "partitions_in_run": len(keys) if keys else 1,
        "rows_in_run": sum(item.rows for item in publication.slices),
    }
    if rejected:
        metadata["rejected_in_run"] = dg.MetadataValue.json(dict(sorted(rejected.items())))
    return metadata


def slice_metadata(publication: Publication, values: Collection[str] | None) -> dict[str, Any]:
    """Metadata of one partition: its own rows, quarantined and dropped rows, and the digest of its content."""
    chosen = [item for item in publication.slices if values is None or item.slice_value in set(values)]
    return {
        "dagster/partition_row_count" if values is not None else "dagster/row_count": sum(i.rows for i in chosen),
        "quarantined_rows": sum(item.quarantined for item in chosen),
        "dropped_rows": sum(item.dropped for item in chosen),
        "content_digest": "+".join(sorted(item.digest for item in chosen))[:64],
    }


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
    """The first rows as a Markdown table, without any raw personal value."""
    raw = {column.name for column in contract.columns if column.pii is Pii.RAW}
    shown = table.select(*contract.column_names).limit(PREVIEW_ROWS).to_pyarrow().to_pylist()
    lines = [" | ".join(contract.column_names), " | ".join("---" for _ in contract.column_names)]
    for row in shown:
        lines.append(" | ".join(HIDDEN if name in raw else _cell(value) for name, value in row.items()))
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
