"""What happens when a contract and its published table differ: widened, to be migrated, or refused with the reason.

A table carries a note of the contract it keeps (version, key, columns that must have a value) in the metadata of its
first column, because Delta commits that together with the schema. How rows are migrated stands in `migration`.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import ContractViolation
from resources.lakehouse.tables import ADDED_AT, QUARANTINE_SUFFIX, Lakehouse, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = "platform.contract"
ADDED_NOTE = "columns_added"
"""Entry of a Delta commit that names the columns it adds."""
WIDENING_ATTEMPTS = 50


class OlderContract(ContractViolation):
    """The published table keeps a newer contract than this code has. Nothing was published."""


class MigrationNeeded(ContractViolation):
    """The published table keeps an older version of the contract than this code has. Nothing was published."""


class ContractChanged(ContractViolation):
    """The contract got more than further nullable columns, and has its old version. Nothing was published."""


@dataclass(frozen=True)
class PublishedContract:
    """What a table says of the contract it keeps. `key` and `required` are None where it was made without a note."""

    version: int = 1
    key: tuple[str, ...] | None = None
    required: frozenset[str] | None = None


def published_contract(snapshot: Snapshot) -> PublishedContract:
    """The contract that a table keeps; a table without a note keeps version 1 of it."""
    note = json.loads(snapshot.delta.schema().fields[0].metadata.get(NOTE, "{}"))
    if not note:
        return PublishedContract()
    return PublishedContract(note["version"], tuple(note["key"]), frozenset(note["required"]))


def with_note(schema: "pa.Schema", contract: Contract) -> "pa.Schema":
    """The schema that a table of this contract is made with."""
    note = {"version": contract.version, "key": contract.key, "required": contract.required}
    first = schema.field(0)
    return schema.set(0, first.with_metadata({**(first.metadata or {}), NOTE: json.dumps(note)}))


def widened(
    lakehouse: Lakehouse,
    snapshot: Snapshot,
    contract: Contract,
    slice_column: str | None,
    schema: "pa.Schema",
    metadata: Mapping[str, str],
) -> Snapshot:
    """The table with every column of the contract; where some were missing, they are added in a commit of their own.

    `metadata` stands in that commit. Raises OlderContract, MigrationNeeded or ContractChanged where they differ in
    anything else.
    """
    import pyarrow as pa
    from deltalake import CommitProperties, Schema
    from deltalake.exceptions import DeltaError

    for attempt in range(WIDENING_ATTEMPTS):
        columns = missing_columns(snapshot, contract, slice_column, schema)
        if not columns:
            return snapshot
        mark = {ADDED_AT: str(snapshot.version + 1)}
        note = {**metadata, ADDED_NOTE: json.dumps([field.name for field in columns])}
        fields = Schema.from_arrow(pa.schema([field.with_metadata(mark) for field in columns])).fields
        properties = CommitProperties(custom_metadata=note, max_commit_retries=0)
        try:
            snapshot.delta.alter.add_columns(fields, commit_properties=properties)
            return Snapshot(snapshot.table, snapshot.delta)
        except (DeltaError, OSError):
            if attempt == WIDENING_ATTEMPTS - 1:
                raise
        # Whoever was first may have added the same columns, this very attempt among them: the table is asked again.
        time.sleep(min(0.005 * 2**attempt, 0.5))
        snapshot = lakehouse.snapshot(contract.name)
    return snapshot


def refuse_other_contract(
    snapshot: Snapshot, contract: Contract, slice_column: str | None, schema: "pa.Schema"
) -> None:
    """Raise OlderContract, MigrationNeeded or ContractChanged where the table can't take these rows at once."""
    if missing := missing_columns(snapshot, contract, slice_column, schema):
        raise MigrationNeeded(
            f"the column(s) {', '.join(field.name for field in missing)} vanished while this was published",
            where=f"table {contract.name}, Delta version {snapshot.version}",
            todo="run this again; nothing was published",
        )


def missing_columns(
    snapshot: Snapshot, contract: Contract, slice_column: str | None, schema: "pa.Schema"
) -> "list[pa.Field]":
    """The nullable columns that the table lacks; `schema` is the contract's at rest.

    Raises OlderContract, MigrationNeeded or ContractChanged where table and contract differ in anything else.
    """
    import pyarrow as pa

    keeps, where = published_contract(snapshot), f"table {contract.name}, Delta version {snapshot.version}"
    if keeps.version > contract.version:
        raise OlderContract(
            f"it keeps version {keeps.version} of its contract, and this code has version {contract.version}",
            where=where,
            todo="update the code; nothing was published",
        )
    if keeps.version < contract.version:
        raise MigrationNeeded(
            f"it keeps version {keeps.version} of its contract, and this code has version {contract.version}",
            where=where,
            todo=f"run `platform migrate {contract.name}`; nothing was published",
        )
    there = {field.name: field.type for field in pa.schema(snapshot.delta.schema().to_arrow())}
    here = {field.name: field.type for field in schema}
    unknown = [name for name in there if name not in here]
    missing = [field for field in schema if field.name not in there]
    differences = _differences(snapshot, contract, keeps, slice_column, there, here)
    if not differences and not unknown:
        return missing
    if not differences and set(unknown) <= set(snapshot.later_columns):
        raise OlderContract(
            f"it has the column(s) {', '.join(unknown)}, which a newer contract added and this code's lacks",
            where=where,
            todo=f"update the code; or, if they are to go, {_remedy(contract, [])}",
        )
    differences += [f"{name} is gone from the contract" for name in unknown]
    differences += [f"{field.name} is new" for field in missing if field.name not in contract.required]
    raise ContractChanged(
        f"the contract was changed and is still version {contract.version}: {'; '.join(differences)}",
        where=where,
        todo=_remedy(contract, differences),
    )


def _differences(
    snapshot: Snapshot,
    contract: Contract,
    keeps: PublishedContract,
    slice_column: str | None,
    there: "dict[str, pa.DataType]",
    here: "dict[str, pa.DataType]",
) -> list[str]:
    found = [f"{name} is {there[name]}, now {kind}" for name, kind in here.items() if there.get(name, kind) != kind]
    if snapshot.slice_column != slice_column:
        found.append(f"it is cut by {snapshot.slice_column or 'nothing'}, now by {slice_column or 'nothing'}")
    found += [f"{name} is new and must have a value" for name in contract.required if name not in there]
    if keeps.key is not None and keeps.key != contract.key:
        found.append(f"the key is ({', '.join(keeps.key)}), now ({', '.join(contract.key)})")
    if keeps.required is not None:
        in_both = here.keys() & there.keys()
        tighter = sorted((set(contract.required) - keeps.required) & in_both)
        looser = sorted((keeps.required - set(contract.required)) & in_both)
        found += [f"{name} may be empty, now it must have a value" for name in tighter]
        found += [f"{name} must have a value, now it may be empty" for name in looser]
    return found


def _remedy(contract: Contract, differences: list[str]) -> str:
    following = contract.version + 1
    step = f"raise the contract's version to {following}, write the migration from {contract.version} to {following}"
    if contract.declared_by:
        step = f"raise `version` of {contract.declared_by} to {following}"
    remedy = f"{step}, and run `platform migrate {contract.name.removesuffix(QUARANTINE_SUFFIX)}`"
    if any(text.endswith("is new and must have a value") for text in differences):
        remedy = f"declare the new column(s) nullable; or {remedy}"
    return f"{remedy}; nothing was published"
