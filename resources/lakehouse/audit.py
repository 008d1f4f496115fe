"""Computes a result into a staging folder and judges it: every row by the contract's row rules, the whole by its table
rules. Nothing of it is visible yet; that is the business of `publish`.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from platform_assets.domain.contracts.contract import REJECT_CONTEXT, REJECT_REASON, Contract
from platform_assets.domain.errors import ContractViolation
from platform_assets.domain.event_days import DayContent
from platform_assets.domain.events import SESSION_GAP
from resources.compute.engine import DROP, PUBLISH, QUARANTINE, Engine, SliceAudit, StagedFile
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import EVENT_DAYS_NOTE, SLICES_NOTE, SLICING_NOTE

if TYPE_CHECKING:
    import pyarrow as pa


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
