"""The quarantine of a table: what its rows say, and how the rejected rows of a result are put there.

What makes a row be rejected is decided in `audit`; how quarantined rows are seen and released in `platform_assets.cli`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis

from platform_assets.domain.contracts.contract import REJECT_REASON, Column, Contract, Pii
from resources.compute.engine import PUBLISH, QUARANTINE, Engine, StagedFile
from resources.lakehouse.audit import schema_at_rest
from resources.lakehouse.replacement import replace_slices
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse, Snapshot


def quarantine_contract(contract: Contract, slice_column: str | None, slice_dtype: str) -> Contract:
    """The contract of a table's quarantine: one row is one rejected row, with its reason and where it came from."""
    personal = max((column.pii for column in contract.columns), key=list(Pii).index, default=Pii.NONE)
    columns = [
        Column("rule", "string", "The broken rule; none in rows of a table that was made without this column."),
        Column("reason", "string", "The broken rule, with detail after a colon.", pii=personal),
        Column("source", "string", "The source the row came from, where known."),
        Column("file", "string", "The landed file, where known."),
        Column("line", "string", "The line in that file, where known."),
        Column("record", "string", "The record as received, or the row as JSON.", pii=personal),
    ]
    if slice_column:
        columns.insert(0, Column(slice_column, slice_dtype, "The partition whose computation rejected the row."))
    return Contract(
        name=contract.name + QUARANTINE_SUFFIX,
        description=f"Rows that {contract.name} rejected. One row is one rejected row.",
        key=(),
        columns=tuple(columns),
        partition_column=slice_column,
        owner=contract.owner,
    )


def quarantine_of(contract: Contract, slicing: Slicing) -> Contract:
    """The contract of the quarantine of a table that is cut so."""
    kind = "string" if slicing.derived or not slicing.column else str(contract.schema()[slicing.column])
    return quarantine_contract(contract, slicing.column, kind)


def publish_quarantine(
    staged: Sequence[StagedFile],
    contract: Contract,
    slicing: Slicing,
    slices: Sequence[str] | None,
    engine: Engine,
    lakehouse: Lakehouse,
    folder: Path,
    batch_id: str,
    note: Mapping[str, str],
) -> Snapshot | None:
    """Quarantine first: a crash before the main commit leaves rows reported twice, never a row reported nowhere."""
    name = contract.name + QUARANTINE_SUFFIX
    rejected = [file for file in staged if file.outcome == QUARANTINE]
    snapshot = lakehouse.latest(name)
    if not rejected and not (snapshot and snapshot.files_of(slices)):
        return None
    quarantine = quarantine_of(contract, slicing)
    files: list[StagedFile] = []
    if rejected:
        rows = engine.read_staged(name, rejected, slicing.column)
        files = engine.stage(quarantine_rows(rows, contract, quarantine), slicing.column, folder / "quarantine")
    schema = schema_at_rest(quarantine, Slicing(slicing.column))
    return replace_slices(
        lakehouse, quarantine, slicing.column, schema, files, slices, batch_id, note, snapshot=snapshot
    )


def quarantine_rows(rows: ibis.Table, contract: Contract, quarantine: Contract) -> ibis.Table:
    """Rejected rows of a staged result as rows of the quarantine, ready to be staged."""

    def context(name: str) -> ibis.Value:
        return rows[f"rejected_{name}"] if f"rejected_{name}" in rows.columns else ibis.null(str)

    own_columns = [name for name in contract.column_names if name in rows.columns]
    as_json = ibis.struct({name: rows[name] for name in own_columns}).cast("json").cast(str)
    values = {
        "rule": rows[REJECT_REASON].split(":")[0],
        "reason": rows[REJECT_REASON],
        **{name: context(name) for name in ("source", "file", "line")},
        "record": context("record").fill_null(as_json),
    }
    for column in quarantine.partition_columns:
        values[column] = rows[column]
    return rows.select(**values, outcome=ibis.literal(PUBLISH))
