"""Write, audit, publish: a result is computed once, looked at, and only then made visible in one commit.

A row that breaks a row rule goes to the table's quarantine with its reason; a broken table rule publishes nothing.
Rows in = published + quarantined + dropped as declared, always; the three counts come back with every publication.
"""

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from resources.compute.engine import Engine, SliceAudit
from resources.lakehouse.audit import SlicePublication, audited, schema_at_rest
from resources.lakehouse.disk import full_disk_is_named
from resources.lakehouse.quarantine import publish_quarantine
from resources.lakehouse.replacement import replace_slices
from resources.lakehouse.schema_evolution import missing_columns
from resources.lakehouse.slicing import Slicing, refuse_other_slicing
from resources.lakehouse.tables import Lakehouse, Snapshot

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
                publish_quarantine, result.staged, contract, slicing, slices, engine, lakehouse, folder, batch_id, note
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


def total_rejected(publication: Publication) -> Counter[str]:
    """Rejected rows of a publication by reason, over all its partitions."""
    return sum((Counter(item.rejected) for item in publication.slices), Counter())
