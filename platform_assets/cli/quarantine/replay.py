"""Replays partitions with quarantined rows: what left the quarantine, what stays and why, which event days follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis

from platform_assets.cli.quarantine.quarantined_rows import quarantine_version, quarantined_rows
from platform_assets.cli.quarantine.touched_days import days_of_changed_rows, days_of_rows, days_that_read
from platform_assets.cli.quarantine.workbench import Workbench
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.event_days import reads_otherwise
from platform_assets.domain.source import Source
from platform_assets.raw_events.corrections import Correction
from resources.lakehouse.io_manager import read
from resources.lakehouse.publication_history import raw_history
from resources.lakehouse.tables import Lakehouse

Counts = dict[str, int]
"""Rows by rule."""


@dataclass(frozen=True)
class Replayed:
    """What replaying some partitions did: rows by rule, and the computed event days that the changed rows touch."""

    left: Counts
    remaining: Counts
    entered: Counts
    event_days: tuple[str, ...]


def replay(bench: Workbench, table: str, keys: Sequence[str]) -> Replayed:
    """Recompute these partitions of a table (none: its one piece) and compare quarantine and rows with before."""
    version, at = quarantine_version(bench.lakehouse, table), bench.lakehouse.snapshot(table).version
    bench.recompute(table, keys)
    partitions = list(keys) or None
    before = quarantined_rows(bench.lakehouse, bench.engine, table, partitions=partitions, version=version)
    after = quarantined_rows(bench.lakehouse, bench.engine, table, partitions=partitions)
    was, now = _identified(before), _identified(after)
    source = bench.source_of(table)
    event_days: tuple[str, ...] = ()
    if source:
        event_days = _touched_by_raw(bench, source, keys, at)
    elif table == EVENTS.name:
        event_days = _touched_by_events(bench, keys, at)
    return Replayed(
        left=_by_rule(was.anti_join(now, "identity")),
        remaining=_by_rule(now.semi_join(was, "identity")),
        entered=_by_rule(now.anti_join(was, "identity")),
        event_days=event_days,
    )


def rehearse(bench: Workbench, source: Source, keys: Sequence[str], corrections: Sequence[Correction]) -> Replayed:
    """What `replay` would do to a raw table with further corrections; landed files are read, nothing is published.

    Its event days are those of the rows that would leave the quarantine.
    """
    days = [date.fromisoformat(key) for key in keys]
    fresh = {(each.landing_date, each.file, each.line) for each in corrections}
    stored = bench.corrections(source).of(days)
    kept = [each for each in stored if (each.landing_date, each.file, each.line) not in fresh]
    landed = bench.landed(source, days, [*kept, *corrections])
    parsed = bench.parsed(source, landed)
    quarantined = quarantined_rows(bench.lakehouse, bench.engine, source.raw_contract().name, partitions=keys)
    told = quarantined.select(day=quarantined.partition.cast("date"), path="file", number="line", then="rule")
    same = [parsed.landing_date == told.day, parsed.file == told.path, parsed.line == told.number]
    judged = parsed.mutate(now=parsed.reject_reason.split(":")[0]).left_join(told, same)
    judged = judged.select("event_date", "event_time", "now", "then")
    with landed.naming_the_file():
        moving = ibis.memtable(judged.filter(judged.now.notnull() | judged.then.notnull()).to_pyarrow())
    leaving = moving.filter(moving.now.isnull())
    return Replayed(
        left=_by_rule(leaving.select(rule="then")),
        remaining=_by_rule(moving.filter(moving.now.notnull(), moving.then.notnull()).select(rule="now")),
        entered=_by_rule(moving.filter(moving.then.isnull()).select(rule="now")),
        event_days=computed_days(bench.lakehouse, days_that_read(*days_of_rows(leaving))),
    )


def computed_days(lakehouse: Lakehouse, days: set[date]) -> tuple[str, ...]:
    """Those of some event days that were computed before; the others are missing, not stale."""
    computed = lakehouse.slice_notes(EVENTS.name)
    return tuple(key for key in sorted(day.isoformat() for day in days) if key in computed)


def _touched_by_raw(bench: Workbench, source: Source, keys: Sequence[str], version: int) -> tuple[str, ...]:
    """Told from what the publications of these landing days noted before and after."""
    history = raw_history(bench.lakehouse, source.raw_contract().name, source.lateness_days)
    states = [(day, history.at(day, version), history.now(day)) for day in map(date.fromisoformat, keys)]
    return tuple(
        key
        for key in sorted(bench.lakehouse.slice_notes(EVENTS.name))
        if any(
            reads_otherwise(date.fromisoformat(key), landing_day, then, now, source.lateness_days)
            for landing_day, then, now in states
        )
    )


def _touched_by_events(bench: Workbench, keys: Sequence[str], version: int) -> tuple[str, ...]:
    """The days after these that read rows which became events, or ceased to be some."""
    states = (bench.lakehouse.snapshot(EVENTS.name, at) for at in (version, None))
    before, after = (read(bench.lakehouse, bench.engine, state, keys) for state in states)
    touched = computed_days(bench.lakehouse, days_that_read(*days_of_changed_rows(before, after)))
    return tuple(day for day in touched if day not in keys)


def _identified(rows: ibis.Table) -> ibis.Table:
    """Rows with what tells one from another while its rule and reason may change: its place, else its text."""
    place = rows.file + ":" + rows.line.cast(str)
    parts = [part.fill_null("") for part in (rows.partition, rows.source, place.coalesce(rows.record))]
    return rows.select("rule", identity=ibis.literal("\n").join(parts))


def _by_rule(rows: ibis.Table) -> Counts:
    counted = rows.group_by("rule").aggregate(rows=rows.count()).order_by("rule").to_pyarrow().to_pylist()
    return {entry["rule"]: entry["rows"] for entry in counted}
