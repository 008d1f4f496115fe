"""What a release does, step by step, and what it tells: what left the quarantine, what stays and why, what follows."""

from collections.abc import Sequence
from pathlib import Path

from platform_assets.cli.quarantine.mended_file import read_mended
from platform_assets.cli.quarantine.mended_rows import judge, landing_day_by, store, withdraw
from platform_assets.cli.quarantine.quarantined_rows import quarantined_rows, refuse_unknown
from platform_assets.cli.quarantine.replay import Replayed, rehearse, replay
from platform_assets.cli.quarantine.workbench import Workbench
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.quarantine_rules import explanation
from platform_assets.domain.source import Format, Source
from platform_assets.raw_events.corrections import Correction

SHOWN_KEYS = 10


class CannotBeMended(PlatformError):
    """Rows of this table have no text in a landed file that could be put right."""


def release_partitions(
    bench: Workbench, table: str, partition: str | None, rule: str | None, *, dry_run: bool, downstream: bool
) -> None:
    """Release after a rule was mended: the partitions with quarantined rows that match are computed again."""
    refuse_unknown(bench.lakehouse, table)
    bench.refuse_unknown_partitions(table, [] if partition is None else [partition])
    asked = None if partition is None else [partition]
    rows = quarantined_rows(bench.lakehouse, bench.engine, table, partitions=asked, rule=rule)
    found = rows.group_by("partition").aggregate(rows=rows.count()).order_by("partition").to_pyarrow().to_pylist()
    keys = [row["partition"] for row in found if row["partition"] is not None]
    source = bench.source_of(table)
    keys = sorted({*keys, *(_broken_off(bench, source, partition, rule) if source else ())})
    if not found and not keys:
        bench.tell(f"No such row of {table} is quarantined: nothing to release.")
        return
    bench.tell(f"{sum(row['rows'] for row in found):,} quarantined row(s) of {table} in {_partitions(keys)}.")
    _replay(bench, table, keys, dry_run=dry_run, downstream=downstream)


def release_mended_rows(bench: Workbench, table: str, path: Path, *, dry_run: bool, downstream: bool) -> None:
    """Release after records were mended: corrections are stored and their landing days computed again."""
    refuse_unknown(bench.lakehouse, table)
    source = _correctable(bench, table)
    rows = read_mended(path, landing_day_by(bench, source))
    judged = judge(bench, source, rows)
    bench.tell(
        f"{path}: {len(judged.new):,} record(s) put right, {judged.unedited:,} not edited, "
        f"{judged.known:,} stored before."
    )
    if judged.new and not dry_run:
        store(bench, source, judged)
    keys = sorted({*(day.isoformat() for day in judged.days), *bench.corrections(source).uncomputed()})
    if not keys:
        bench.tell("Nothing to release.")
        return
    _replay(bench, table, keys, dry_run=dry_run, downstream=downstream, corrections=judged.new)


def withdraw_corrections(
    bench: Workbench, table: str, file: str, line: int | None, *, dry_run: bool, downstream: bool
) -> None:
    """Take corrections back; their records are read as received again."""
    source = _correctable(bench, table)
    days = withdraw(bench, source, file, line, dry_run=dry_run)
    if not days:
        bench.tell(f"No such record of {table} is corrected: nothing to withdraw.")
        return
    verb = "would be" if dry_run else "are"
    bench.tell(f"Corrections of {file} {verb} withdrawn; computed again: {_partitions(days)}.")
    if not dry_run:
        _replay(bench, table, days, dry_run=False, downstream=downstream)


def _correctable(bench: Workbench, table: str) -> Source:
    source = bench.source_of(table)
    if source is None:
        raise CannotBeMended(
            "its rows are computed and have no text of their own",
            where=f"table {table}",
            todo=f"mend the rule and release it without --mended, or mend the landed record in its raw table: "
            f"{', '.join(source.raw_contract().name for source in bench.sources)}",
        )
    if source.format is Format.PARQUET:
        raise CannotBeMended(
            "the records of a Parquet file have no text", where=f"table {table}", todo="have the file delivered again"
        )
    return source


def _broken_off(bench: Workbench, source: Source, partition: str | None, rule: str | None) -> list[str]:
    """Landing days whose corrections were stored and not read: they are part of any release that isn't narrower."""
    if rule is not None:
        return []
    return [day for day in bench.corrections(source).uncomputed() if partition in (None, day)]


def _replay(
    bench: Workbench,
    table: str,
    keys: Sequence[str],
    *,
    dry_run: bool,
    downstream: bool,
    corrections: Sequence[Correction] = (),
) -> None:
    source = bench.source_of(table)
    if dry_run and source is None:
        bench.tell(f"Would be computed again: {_partitions(keys)} of {table}. Nothing was changed.")
        return
    done = rehearse(bench, source, keys, corrections) if dry_run and source else replay(bench, table, keys)
    _tell(bench, table, done, dry_run=dry_run)
    days = _partitions(done.event_days)
    if not done.event_days:
        bench.tell("No computed event day is touched.")
    elif dry_run:
        bench.tell(f"Event days that would be computed again: {days}.")
    elif not downstream:
        bench.tell(f"Stale event days, left as they are: {days}.")
    else:
        bench.recompute(EVENTS.name, done.event_days)
        bench.tell(f"Event days computed again: {days}. What is made from them is stale where they changed.")
    if dry_run:
        bench.tell("Nothing was changed.")


def _tell(bench: Workbench, table: str, done: Replayed, *, dry_run: bool) -> None:
    leave, stay = ("would leave", "would stay") if dry_run else ("left", "stay")
    left, staying, come = (sum(counts.values()) for counts in (done.left, done.remaining, done.entered))
    bench.tell(f"{left:,} row(s) {leave} the quarantine of {table}, {staying:,} {stay}, {come:,} new.")
    contract = EVENTS if table == EVENTS.name else None
    for word, counts in ((leave, done.left), (stay, done.remaining), ("new", done.entered)):
        for rule, rows in counts.items():
            said = explanation(rule, contract)
            bench.tell(f"  {word}: {rows:,} × {rule}" + (f" ({said})" if said else ""))


def _partitions(keys: Sequence[str]) -> str:
    if not keys:
        return "its one piece"
    return f"{len(keys):,} partition(s): {', '.join(keys[:SHOWN_KEYS])}" + (" …" if len(keys) > SHOWN_KEYS else "")
