"""`lakehouse_maintenance`: every night the tables are kept small, quick to open, and free of files nobody needs.

What is done to a table stands in `resources.lakehouse.maintenance`; this is when, to which tables, and what is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus

from platform_assets.domain.errors import PlatformError
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.maintenance import TableUpkeep, maintain_table
from resources.lakehouse.sweeping import Horizon, horizon, stale_staging, sweep_staging
from resources.lakehouse.tables import Lakehouse
from resources.lakehouse.unfinished_uploads import abort_unfinished_uploads
from resources.settings import Settings

EVERY_NIGHT = "0 3 * * *"
READING = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
"""Runs in these states may hold versions that they read; a queued run has read nothing yet."""


class MaintenanceIncomplete(PlatformError):
    """Some tables could not be maintained. The others were."""


@dataclass(frozen=True)
class Upkeep:
    """What one maintenance did: every table, and what dead publications left in the staging folder."""

    horizon: Horizon
    tables: tuple[TableUpkeep, ...]
    staging_leftovers: int
    staging_bytes: int


def maintain(
    settings: Settings,
    lakehouse: Lakehouse,
    now: datetime,
    oldest_run_began: datetime | None,
    *,
    tables: Sequence[str] = (),
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Upkeep:
    """Maintain tables (none named: all of them) and the staging folder.

    A table that fails keeps none of the others from being maintained; MaintenanceIncomplete tells of it at the end.
    """
    until = horizon(now, timedelta(days=settings.retention_days), oldest_run_began)
    tell(f"versions since {until.instant:%Y-%m-%d %H:%M} UTC stay readable: {until.reason}")
    # One thread: every thread of the engine writes files of its own.
    engine = DuckDBEngine.from_settings(settings.model_copy(update={"duckdb_threads": 1}))
    done: list[TableUpkeep] = []
    failed: dict[str, Exception] = {}
    for table in tables or lakehouse.table_names():
        try:
            done.append(maintain_table(lakehouse, engine, table, settings.staging_folder, until, dry_run=dry_run))
        except Exception as error:
            failed[table] = error
            tell(f"{table}: {error}")
        else:
            tell(sentence(done[-1]))
    if given_up := abort_unfinished_uploads(lakehouse, until.instant, dry_run=dry_run):
        tell(f"{given_up} unfinished uploads given up")
    leftovers = stale_staging(settings.staging_folder, until.instant)
    freed = 0 if dry_run else sweep_staging(leftovers)
    if failed:
        first = next(iter(failed.values()))
        raise MaintenanceIncomplete(
            f"{len(failed)} of {len(failed) + len(done)} tables were not maintained: {first}",
            where=", ".join(failed),
            todo="mend what their errors say; the next maintenance takes up what was left",
        ) from first
    return Upkeep(until, tuple(done), len(leftovers), freed)


def sentence(done: TableUpkeep) -> str:
    """What was done to a table, for a log."""
    return (
        f"{done.table}: {done.live_files_before} → {done.live_files} live files, {done.stored_files_before} → "
        f"{done.stored_files} stored; {done.expired_files} expired and {done.orphans} orphaned, "
        f"{done.freed_bytes / 1e6:.1f} MB; log {done.log_files} files, {done.log_bytes / 1e6:.1f} MB"
        + (", checkpoint" if done.checkpoint else "")
    )


def oldest_run_in_progress(instance: dg.DagsterInstance, besides: str | None = None) -> datetime | None:
    """When the oldest run that may still read began (UTC), None if none runs; `besides` is a run that doesn't count."""
    records = instance.get_run_records(dg.RunsFilter(statuses=list(READING)))
    began = [record.create_timestamp for record in records if record.dagster_run.run_id != besides]
    return min(began, default=None)


def maintenance_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The job `lakehouse_maintenance`, every night at 03:00 UTC."""

    @dg.op(
        description="Joins small files, writes checkpoints, deletes what no promised version needs.",
        required_resource_keys={"lakehouse"},
    )
    def maintain_lakehouse(context: dg.OpExecutionContext) -> None:
        oldest = oldest_run_in_progress(context.instance, besides=context.run_id)
        lakehouse = context.resources.lakehouse.lakehouse
        done = maintain(settings, lakehouse, datetime.now(UTC), oldest, tell=context.log.info)
        context.add_output_metadata(_metadata(done))

    @dg.job(
        name="lakehouse_maintenance",
        description="Keeps every table small and quick to open. Reads that are pinned by a run in progress, and "
        "versions within PLATFORM_RETENTION_DAYS, stay whole.",
        executor_def=dg.in_process_executor,
    )
    def lakehouse_maintenance() -> None:
        maintain_lakehouse()

    return dg.ScheduleDefinition(
        job=lakehouse_maintenance,
        cron_schedule=EVERY_NIGHT,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def _metadata(done: Upkeep) -> dict[str, dg.MetadataValue | int | str]:
    columns = [dg.TableColumn(name) for name in TableUpkeep.__dataclass_fields__]
    records = [dg.TableRecord(asdict(table)) for table in done.tables]
    return {
        "tables": dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns)),
        "readable_since": done.horizon.instant.isoformat(),
        "horizon": done.horizon.reason,
        "live_files_before": sum(table.live_files_before for table in done.tables),
        "live_files": sum(table.live_files for table in done.tables),
        "freed_bytes": sum(table.freed_bytes for table in done.tables) + done.staging_bytes,
        "orphans": sum(table.orphans for table in done.tables) + done.staging_leftovers,
        "log_bytes": sum(table.log_bytes for table in done.tables),
    }
