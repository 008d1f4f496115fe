"""Write, audit, publish: a result is computed once, looked at, and only then made visible in one commit.

A row that breaks a row rule goes to the table's quarantine with its reason; a broken table rule publishes nothing.
Rows in = published + quarantined + dropped as declared, always; the three counts come back with every publication.
"""

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from platform_assets.domain.contracts.contract import REJECT_CONTEXT, REJECT_REASON, Column, Contract, Pii
from platform_assets.domain.errors import ContractViolation, PlatformError
from platform_assets.domain.event_days import DayContent
from platform_assets.domain.events import SESSION_GAP
from resources.compute.engine import DROP, PUBLISH, QUARANTINE, Engine, SliceAudit, StagedFile
from resources.lakehouse.disk import full_disk_is_named
from resources.lakehouse.replacement import replace_slices
from resources.lakehouse.schema_evolution import missing_columns
from resources.lakehouse.slicing import Slicing, refuse_other_slicing
from resources.lakehouse.tables import (
    EVENT_DAYS_NOTE,
    QUARANTINE_SUFFIX,
    SLICES_NOTE,
    SLICING_NOTE,
    Lakehouse,
    Snapshot,
)

if TYPE_CHECKING:
    import pyarrow as pa


KEY_ID_NOTE = "pseudonym_key_id"
"""Entry of a Delta commit that names the pseudonym key of its rows."""


class OtherPseudonymKey(PlatformError):
    """A table's rows were made with another pseudonym key. Nothing was published."""


NO_TABLE = -1
"""Stands for the version of a table that nothing was published to yet."""


class PublishedMeanwhile(PlatformError):
    """A table was published to after the rows were read that a result was made from. Nothing was published."""


class PublishedPartitionWouldBeEmptied(PlatformError):
    """A result without rows would replace partitions that hold rows. Nothing was published."""


@dataclass(frozen=True)
class SlicePublication:
    """What was published for one partition value. `rejected` counts rows by reason; `drops` are among them.

    `event_days` says which event days its rows touch, where the contract names an event time.
    """

    slice_value: str | None
    rows: int
    quarantined: int
    dropped: int
    rejected: Mapping[str, int]
    digest: str
    event_days: Mapping[date, DayContent] = field(default_factory=dict)


@dataclass(frozen=True)
class Publication:
    """One publication of a table: the snapshot that it made, and what every partition value holds in it."""

    snapshot: Snapshot
    batch_id: str
    slices: tuple[SlicePublication, ...]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.snapshot.table

    @property
    def version(self) -> int:
        """The Delta version."""
        return self.snapshot.version


@dataclass(frozen=True)
class AuditedResult:
    """A result that is computed and found right, and not yet published. `notes` tell of its partitions."""

    staged: Sequence[StagedFile]
    schema: "pa.Schema"
    audits: Sequence[SliceAudit]
    publications: tuple[SlicePublication, ...]
    notes: Mapping[str, str]

    @property
    def good(self) -> list[StagedFile]:
        """The files that are to be published."""
        return [file for file in self.staged if file.outcome == PUBLISH]


def publish(
    expression: ibis.Table,
    contract: Contract,
    slicing: Slicing,
    slices: Sequence[str] | None,
    *,
    engine: Engine,
    lakehouse: Lakehouse,
    staging_folder: Path,
    provenance: Mapping[str, str],
    partitions: Mapping[str, Sequence[str]] | None = None,
    allow_emptying: bool = False,
    based_on: int | None = None,
) -> Publication:
    """Publish a result to its table, replacing the partition values `slices` (None: the whole table).

    `partitions` says which of them make up a partition together: it may lose all rows of one as long as it keeps some.
    `provenance` is written into the Delta commit (run, input versions, code). A result that was made from the table's
    own rows names their version in `based_on` (NO_TABLE: there was none). Raises ContractViolation where a table rule
    is broken, PublishedPartitionWouldBeEmptied where rows would vanish, PublishedMeanwhile where `based_on` is not the
    latest version any more, DiskFull, and what a commit raises (`commit.commit_files`).
    """
    schema = schema_at_rest(contract, slicing)
    published = lakehouse.latest(contract.name)
    if published:
        refuse_other_key(published, provenance.get(KEY_ID_NOTE, ""))
        missing_columns(published, contract, slicing.column, schema)
        refuse_other_slicing(published, slicing)
    batch_id = uuid.uuid4().hex
    folder = staging_folder / f"{contract.name}-{batch_id}"
    try:
        with full_disk_is_named(*([Path(lakehouse.root)] if lakehouse.is_local else []), staging_folder):
            result = audited(expression, contract, slicing, slices, engine=engine, folder=folder)
            published = lakehouse.newest(published) if published else lakehouse.latest(contract.name)
            together = partitions or {value: [value] for value in slices or ()}
            refuse = _keep if allow_emptying else partial(_refuse_emptying, audits=result.audits, partitions=together)
            if based_on is not None:
                refuse = partial(_refuse_later, based_on, refuse)
            if published:
                refuse(published)
            note = {**provenance, **result.notes}
            quarantine = partial(
                _publish_quarantine, result.staged, contract, slicing, slices, engine, lakehouse, folder, batch_id, note
            )
            snapshot = replace_slices(
                lakehouse,
                contract,
                slicing.column,
                schema,
                result.good,
                slices,
                batch_id,
                note,
                snapshot=published,
                refuse=refuse,
                before_commit=quarantine,
            )
            return Publication(snapshot, batch_id, result.publications)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def audited(
    expression: ibis.Table,
    contract: Contract,
    slicing: Slicing,
    slices: Sequence[str] | None,
    *,
    engine: Engine,
    folder: Path,
) -> AuditedResult:
    """Compute a result below `folder` and judge it. Raises ContractViolation where a table rule is broken."""
    schema = schema_at_rest(contract, slicing)
    staged = engine.stage(staging_expression(expression, contract, slicing), slicing.column, folder)
    audits = _complete(_audit(engine, staged, slicing, contract), slices)
    _refuse_broken_table_rules(contract, slicing, audits, slices)
    publications = tuple(_publication(contract, audit) for audit in audits)
    notes = {SLICES_NOTE: _slices_note(publications), **_event_days_note(contract, publications)}
    result = AuditedResult(staged, schema, audits, publications, notes)
    _refuse_other_types(contract, schema, result.good)
    return result


def refuse_other_key(published: Snapshot, key_id: str) -> None:
    """Raise OtherPseudonymKey if a table was made with another key than this one.

    Rows under two keys in one table would give one person two ids, and nobody would notice.
    """
    known = _key_id(published)
    if known and key_id and known != key_id:
        raise OtherPseudonymKey(
            f"its rows were made with the pseudonym key {known}, this run has the key {key_id}",
            where=f"table {published.table} at {published.delta.table_uri}",
            todo="set PLATFORM_PSEUDONYM_KEY to the former key, or PLATFORM_HOME to a folder of this data's own",
        )


def _key_id(published: Snapshot) -> str:
    """The key of the last publication. Commits that publish nothing (maintenance, for one) don't name it."""
    for look_back in (1, 20, None):
        for entry in published.delta.history(look_back):
            if KEY_ID_NOTE in entry:
                return str(entry[KEY_ID_NOTE])
    return ""


def _keep(published: Snapshot) -> None:
    """Refuse nothing."""


def staging_expression(expression: ibis.Table, contract: Contract, slicing: Slicing) -> ibis.Table:
    """A step's result with the verdict on every row: contract columns, slice column, reject context, `outcome`."""
    _refuse_other_columns(expression, contract)
    given = expression[REJECT_REASON] if REJECT_REASON in expression.columns else ibis.null(str)
    broken = [(~rule.holds(expression).fill_null(False), ibis.literal(rule.name)) for rule in contract.all_rules()]
    verdict = given.fill_null(ibis.cases(*broken, else_=ibis.null(str))) if broken else given
    judged = expression.mutate(**{REJECT_REASON: verdict.cast(str)})
    reason = judged[REJECT_REASON]
    dropped = reduce(lambda found, rule: found | (reason.split(":")[0] == rule), contract.drops, ibis.literal(False))
    outcome = ibis.cases((reason.isnull(), PUBLISH), (dropped, DROP), else_=QUARANTINE)
    context = {
        f"rejected_{name}": ibis.cases((reason.notnull(), judged[name].cast(str)), else_=ibis.null(str))
        for name in REJECT_CONTEXT
        if name in judged.columns
    }
    columns = {name: judged[name].cast(dtype) for name, dtype in contract.schema().items()}
    staged = judged.select(**columns, **context, **{REJECT_REASON: reason}, outcome=outcome)
    return slicing.add_to(staged)


def _refuse_other_columns(expression: ibis.Table, contract: Contract) -> None:
    schema = expression.schema()
    allowed = {*contract.column_names, REJECT_REASON, *REJECT_CONTEXT}
    missing = [name for name in contract.column_names if name not in schema]
    extra = [name for name in schema if name not in allowed]
    wrong = [
        f"{name}: {schema[name]} instead of {dtype}"
        for name, dtype in contract.schema().items()
        if name in schema and _kind(schema[name]) != _kind(dtype)
    ]
    if missing or extra or wrong:
        raise ContractViolation(
            f"the result has other columns than the contract (missing {missing}, extra {extra}, other type {wrong})",
            where=f"table {contract.name}",
            todo="make the step and its contract agree; types are compared exactly, nothing is cast silently",
        )


def _kind(dtype: ibis.expr.datatypes.DataType) -> str:
    plain = dtype.copy(nullable=True)
    return "timestamp" if plain.is_timestamp() else str(plain).replace("!", "")


def _audit(engine: Engine, staged: Sequence[StagedFile], slicing: Slicing, contract: Contract) -> list[SliceAudit]:
    instant = contract.event_time_column
    return engine.audit(
        staged, slicing.column, contract.key, contract.column_names, event_time=instant, last_minutes=SESSION_GAP
    )


def _complete(audits: Sequence[SliceAudit], slices: Sequence[str] | None) -> list[SliceAudit]:
    """Audits for every partition value that was asked for, also for those without a row."""
    found = {audit.slice_value for audit in audits}
    asked = slices if slices is not None else ([] if found else [None])
    return [*audits, *(SliceAudit(value, 0, 0, "empty", {}) for value in asked if value not in found)]


def _refuse_broken_table_rules(
    contract: Contract, slicing: Slicing, audits: Sequence[SliceAudit], slices: Collection[str] | None
) -> None:
    where = f"table {contract.name}"
    columns = " and ".join(contract.partition_columns)
    # Delta has no empty text: it would come back as a missing value.
    nowhere = [audit for audit in audits if audit.slice_value in (None, "") and (audit.rows or audit.rejected)]
    if slicing.column and nowhere:
        raise ContractViolation(
            f"rows without a value in {columns} belong to no partition",
            where=where,
            todo="reject them in an earlier step or give them a value; nothing was published",
        )
    twice = {audit.slice_value: audit.duplicate_keys for audit in audits if audit.duplicate_keys}
    if twice:
        raise ContractViolation(
            f"the key ({', '.join(contract.key)}) is not unique: surplus rows by partition {twice}",
            where=where,
            todo="deduplicate in the step, or extend the key; nothing was published",
        )
    if slices is None:
        return
    asked = set(slices)
    outside = sorted(str(audit.slice_value) for audit in audits if audit.slice_value not in asked)
    if outside:
        raise ContractViolation(
            f"rows outside of the asked partitions, for example in {outside[:3]}",
            where=where,
            todo=f"let the step return only rows whose {columns} lies in the partitions of its run",
        )


def _refuse_other_types(contract: Contract, schema: "pa.Schema", files: Sequence[StagedFile]) -> None:
    """What the engine wrote is looked at, not what it was asked to write."""
    import pyarrow.parquet as pq

    for file in files[:1]:
        written = {field.name: field.type for field in pq.read_schema(file.path)}
        wrong = [
            f"{field.name}: {written[field.name]} instead of {field.type}"
            for field in schema
            if field.name in written and written[field.name] != field.type
        ]
        if wrong:
            raise ContractViolation(
                f"the engine stored other types than the contract names ({', '.join(wrong)})",
                where=f"table {contract.name}",
                todo="cast these columns in the step; nothing was published",
            )


def _refuse_emptying(snapshot: Snapshot, audits: Sequence[SliceAudit], partitions: Mapping[str, Sequence[str]]) -> None:
    published = snapshot.rows_by_slice()
    filled = {audit.slice_value for audit in audits if audit.rows}
    groups: Mapping[str, Sequence[str | None]] = partitions or {str(value): [value] for value in published}
    lost = {key: values for key, values in groups.items() if filled.isdisjoint(values)}
    rows = {key: sum(published.get(value, 0) for value in values) for key, values in lost.items()}
    emptied = {key: count for key, count in rows.items() if count}
    if emptied:
        some = dict(list(emptied.items())[:3])
        raise PublishedPartitionWouldBeEmptied(
            f"{len(emptied)} published partition(s) would lose all rows, for example {some}",
            where=f"table {snapshot.table}",
            todo="bring the input back, or set PLATFORM_ALLOW_EMPTYING=true for this run if they are to be emptied",
        )


def _refuse_later(based_on: int, also: Callable[[Snapshot], None], published: Snapshot) -> None:
    if published.version != based_on:
        raise PublishedMeanwhile(
            "somebody else has published to this table meanwhile",
            where=f"table {published.table}, version {published.version}",
            todo="run this again",
        )
    also(published)


def _publication(contract: Contract, audit: SliceAudit) -> SlicePublication:
    dropped = sum(count for rule, count in audit.rejected.items() if rule in contract.drops)
    quarantined = sum(audit.rejected.values()) - dropped
    return SlicePublication(
        audit.slice_value, audit.rows, quarantined, dropped, audit.rejected, audit.digest, audit.event_days
    )


def _slices_note(publications: Sequence[SlicePublication]) -> str:
    return json.dumps(
        {
            str(item.slice_value): [item.rows, item.quarantined, item.dropped, item.digest]
            for item in sorted(publications, key=lambda item: str(item.slice_value))
        }
    )


def _event_days_note(contract: Contract, publications: Sequence[SlicePublication]) -> dict[str, str]:
    if contract.event_time_column is None:
        return {}
    days = {
        str(item.slice_value): {day.isoformat(): content for day, content in sorted(item.event_days.items())}
        for item in sorted(publications, key=lambda item: str(item.slice_value))
    }
    return {EVENT_DAYS_NOTE: json.dumps(days)}


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


def _publish_quarantine(
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


def schema_at_rest(contract: Contract, slicing: Slicing) -> "pa.Schema":
    """The schema of a contract's table: instants with their zone, a derived slice column at the end."""
    import pyarrow as pa

    fields = [
        pa.field(name, pa.timestamp("us", tz="UTC") if dtype.is_timestamp() else dtype.to_pyarrow())
        for name, dtype in contract.schema().items()
    ]
    if slicing.derived:
        fields.append(pa.field(slicing.column, pa.string(), metadata={SLICING_NOTE: slicing.note}))
    return pa.schema(fields)


def total_rejected(publication: Publication) -> Counter[str]:
    """Rejected rows of a publication by reason, over all its partitions."""
    return sum((Counter(item.rejected) for item in publication.slices), Counter())
