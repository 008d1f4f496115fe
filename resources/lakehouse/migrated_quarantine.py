"""The quarantine's part in a migration: rows of before stay, rows that the new version rejects are added.

It happens before the table's own commit, as in a publication: after a crash in between, rows are reported that are
still published, never a row nowhere; the next attempt puts that right.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from resources.compute.engine import QUARANTINE, Engine, StagedFile
from resources.lakehouse.audit import AuditedResult, schema_at_rest
from resources.lakehouse.commit import CommitUnknown, NewTable, Recut, all_files_of, commit_files
from resources.lakehouse.data_files import discard, put_beside_table
from resources.lakehouse.io_manager import read_files
from resources.lakehouse.quarantine import quarantine_of, quarantine_rows
from resources.lakehouse.schema_evolution import widened, with_note
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot
from resources.object_store import StoreUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536


def move_quarantine(
    contract: Contract,
    slicing: Slicing,
    result: AuditedResult,
    engine: Engine,
    lakehouse: Lakehouse,
    folder: Path,
    batch_id: str,
    *,
    cut_anew: bool,
) -> None:
    """Cut the quarantine as its table will be cut, and add the rows that the migration rejects.

    `batch_id` is `migration-<version>-<attempt>`; what an earlier attempt added is taken away.
    """
    quarantine = quarantine_of(contract, slicing)
    schema = schema_at_rest(quarantine, Slicing(slicing.column))
    published = lakehouse.latest(quarantine.name)
    if published and cut_anew:
        published = _recut(lakehouse, engine, published, contract, quarantine, slicing, schema, batch_id)
    rejected = [file for file in result.staged if file.outcome == QUARANTINE]
    left_over = _added_by_attempts(published, batch_id) if published else []
    if not rejected and not left_over:
        return
    files: list[StagedFile] = []
    if rejected:
        rows = quarantine_rows(engine.read_staged(quarantine.name, rejected, slicing.column), contract, quarantine)
        files = engine.stage(rows, slicing.column, folder / "quarantine")
    if published:
        published = widened(lakehouse, published, quarantine, slicing.column, schema, {})
    added = put_beside_table(lakehouse, quarantine.name, files, slicing.column, batch_id)
    try:
        commit_files(
            lakehouse,
            quarantine.name,
            added=added,
            removed=lambda snapshot: _added_by_attempts(snapshot, batch_id),
            batch_id=batch_id,
            metadata={},
            snapshot=published,
            new_table=NewTable(with_note(schema, quarantine), slicing.column, quarantine.description),
        )
    except (CommitUnknown, StoreUnavailable):
        raise
    except PlatformError:
        discard(lakehouse, quarantine.name, added)
        raise


def _added_by_attempts(snapshot: Snapshot, batch_id: str) -> list[ActiveFile]:
    migration = batch_id.rpartition("-")[0]
    return [file for file in snapshot.files if f"-{migration}-" in file.path]


def _recut(
    lakehouse: Lakehouse,
    engine: Engine,
    published: Snapshot,
    contract: Contract,
    quarantine: Contract,
    slicing: Slicing,
    schema: "pa.Schema",
    batch_id: str,
) -> Snapshot:
    """Every row of before, in the new partition of the same value, else in none, with the former one in its reason.

    Which of the new partitions would have rejected it can't be told. What was done already is left as it is.
    """
    attempts = {file.path for file in _added_by_attempts(published, batch_id)}
    kept = [file for file in published.files if file.path not in attempts]
    rows, former = read_files(lakehouse, engine, published, kept), published.slice_column
    values: dict[str, ibis.Value] = {
        name: rows[name] if name in rows.columns and name != former else ibis.null(dtype)
        for name, dtype in quarantine.schema().items()
    }
    if former:
        value = rows[former].cast(str)
        told = rows.reason + rows.reason.contains(":").ifelse("; ", ": ") + f"{former}=" + value
        told = told + f" until version {contract.version}"
        if former == slicing.column and not slicing.derived:
            values[former] = value.try_cast(quarantine.schema()[former])
            values["reason"] = values[former].notnull().ifelse(rows.reason, told.coalesce(rows.reason))
        else:
            values["reason"] = told.coalesce(rows.reason)
    expression = rows.select(**values)
    return commit_files(
        lakehouse,
        quarantine.name,
        added=[],
        removed=all_files_of(published),
        batch_id=f"{batch_id}-recut",
        metadata={},
        snapshot=lakehouse.snapshot(quarantine.name),
        recut=Recut(with_note(schema, quarantine), slicing.column, lambda: at_rest(expression, schema)),
    )


def at_rest(expression: ibis.Table, schema: "pa.Schema") -> "pa.RecordBatchReader":
    """The rows of an expression as a stream, in the types of a table's schema."""
    import pyarrow as pa

    batches = expression.select(*schema.names).to_pyarrow_batches(chunk_size=BATCH_ROWS)
    return pa.RecordBatchReader.from_batches(
        schema,
        (pa.record_batch([batch[field.name].cast(field.type) for field in schema], schema=schema) for batch in batches),
    )
