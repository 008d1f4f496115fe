"""The Delta IO manager: assets return Ibis expressions and receive Ibis tables; rows are exact, or an error says why.

It wires Dagster's partitions, metadata and versions to `publish` and `tables`; what it shows in the UI is made in
`publication_metadata`.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from resources.code_revision import code_revision
from resources.compute.engine import Engine
from resources.lakehouse.audit import SlicePublication
from resources.lakehouse.data_versions import content_version, materialization_events
from resources.lakehouse.publication_metadata import (
    lineage_metadata,
    preview,
    publication_metadata,
    slice_metadata,
)
from resources.lakehouse.publish import KEY_ID_NOTE, Publication, publish
from resources.lakehouse.slice_values import slice_values
from resources.lakehouse.slicing import published_slicing, slicing_for
from resources.lakehouse.tables import INPUT_VERSIONS_NOTE, ActiveFile, Lakehouse, Snapshot


class NotATable(PlatformError):
    """An asset handed the lakehouse something that is not a table expression with a contract."""


INPUT_MODELS = "input_models"
"""Output metadata in which a step names the registered models that it read: {model name: version}."""

NEVER_PUBLISHED = "input_partitions_never_published"
"""Output metadata: how many partitions of each input table were read that nobody ever published, first and last."""

Evidence = Callable[[], Mapping[str, Mapping[str, Any]]]
"""Called after publication: metadata by partition key, of what was seen while the result was computed."""


class NoPartitions(PlatformError):
    """A run over a range that holds no partition, for example one given backwards. Nothing was published."""


@dataclass(frozen=True)
class ContractedTable:
    """What an asset hands over: the expression, not yet computed, and the contract it must keep."""

    expression: ibis.Table
    contract: Contract
    evidence: Evidence | None = None


class DeltaIOManager(dg.IOManager):
    """Publishes and reads Delta tables for Dagster assets.

    A step's inputs are read at one version each, from `inputs` (the lakehouse itself where None); the versions are
    recorded with the step's output.
    """

    def __init__(
        self,
        lakehouse: Lakehouse,
        engine: Engine,
        staging_folder: Path,
        *,
        allow_emptying: bool = False,
        pseudonym_key_id: str = "",
        inputs: Lakehouse | None = None,
    ) -> None:
        self.lakehouse, self.engine, self.staging_folder = lakehouse, engine, staging_folder
        self.inputs = inputs or lakehouse
        self.allow_emptying, self.pseudonym_key_id = allow_emptying, pseudonym_key_id
        self._read_versions: dict[tuple[str, str], dict[str, int]] = {}
        self._never_published: dict[tuple[str, str], dict[str, list[str]]] = {}

    def load_input(self, context: dg.InputContext) -> ibis.Table:
        """The rows of exactly the asked partitions, at the table's latest version.

        Partitions that were never published hold no rows; the run's log warns of them, its metadata name them.
        """
        table = context.asset_key.path[-1]
        snapshot = self.inputs.snapshot(table)
        partitions, keys = (None, None)
        if context.has_asset_partitions:
            partitions, keys = context.asset_partitions_def, context.asset_partition_keys
        slicing = published_slicing(snapshot, schema_of(snapshot), partitions)
        wanted = slice_values(table, slicing, partitions, keys)
        step = (context.step_context.run_id, context.step_context.step.key)
        self._read_versions.setdefault(step, {})[table] = snapshot.version
        context.log.info(f"reading {table} at Delta version {snapshot.version}")
        if missing := never_published(self.inputs, snapshot, wanted or ()):
            self._never_published.setdefault(step, {})[table] = missing
            context.log.warning(
                f"{len(missing)} of the {len(wanted or ())} partitions of {table} that are read were never published "
                f"({missing[0]} … {missing[-1]}): they count as empty. Materialise them first if they should not."
            )
        return read(self.inputs, self.engine, snapshot, wanted)

    def read_beside_inputs(
        self, context: dg.AssetExecutionContext, table: str, slices: Sequence[str] | None
    ) -> ibis.Table | None:
        """Rows of a table that is no input in the graph (None: it was never published to), at its latest version.

        The version is recorded with the step's output, as those of its inputs are.
        """
        if not self.inputs.exists(table):
            return None
        snapshot = self.inputs.snapshot(table)
        step = (context.run_id, context.get_step_execution_context().step.key)
        self._read_versions.setdefault(step, {})[table] = snapshot.version
        return read(self.inputs, self.engine, snapshot, slices)

    def published_rows(self, table: str, slices: Sequence[str] | None) -> ibis.Table:
        """Rows of a table as any reader sees them now: for checks, and for what is told of a result after publication.

        Nothing is recorded; what a result is computed from comes by `load_input` and `read_beside_inputs`.
        """
        return read(self.lakehouse, self.engine, self.lakehouse.snapshot(table), slices)

    def versions_read(self, context: dg.AssetExecutionContext) -> dict[str, int]:
        """The Delta versions that a step has read so far, by table: for results that are kept elsewhere."""
        return dict(self._read_versions.get((context.run_id, context.get_step_execution_context().step.key), {}))

    # Dagster takes a generator of events; the annotation of its base class doesn't say so.
    def handle_output(  # type: ignore[override]
        self, context: dg.OutputContext, obj: ContractedTable
    ) -> Iterator[dg.DagsterEvent]:
        """Publish the result and describe it in the UI, per partition, each with a data version of its own."""
        if not isinstance(obj, ContractedTable):
            raise NotATable(
                f"got {type(obj).__name__}",
                where=f"asset {context.asset_key.to_user_string()}",
                todo="make the asset with @table_asset and return an ibis table",
            )
        contract = obj.contract
        partitions = context.asset_partitions_def if context.has_asset_partitions else None
        keys = list(context.asset_partition_keys) if partitions is not None else None
        if keys == []:
            raise NoPartitions(
                "the run has no partition",
                where=f"asset {context.asset_key.to_user_string()}",
                todo="give a range from an earlier to a later partition",
            )
        slicing = slicing_for(contract, partitions)
        values_of = partial(slice_values, contract.name, slicing, partitions)
        values_by_key = {key: values_of([key]) or [] for key in keys} if keys is not None else {}
        versions = self._read_versions.pop((context.run_id, context.step_context.step.key), {})
        publication = publish(
            obj.expression,
            contract,
            slicing,
            values_of(keys),
            partitions=values_by_key,
            engine=self.engine,
            lakehouse=self.lakehouse,
            staging_folder=self.staging_folder,
            provenance=_provenance(context, versions) | {KEY_ID_NOTE: self.pseudonym_key_id},
            allow_emptying=self.allow_emptying,
        )
        yield from self._described(context, obj, publication, versions, values_by_key)

    def _described(
        self,
        context: dg.OutputContext,
        table: ContractedTable,
        publication: Publication,
        versions: dict[str, int],
        values_by_key: Mapping[str, Sequence[str]],
    ) -> Iterator[dg.DagsterEvent]:
        metadata = publication_metadata(publication, versions, self.lakehouse, max(len(values_by_key), 1))
        metadata |= lineage_metadata(table.expression, table.contract, self.engine)
        metadata["preview"] = self._preview(table.contract, publication)
        if missing := self._never_published.pop((context.run_id, context.step_context.step.key), {}):
            metadata[NEVER_PUBLISHED] = dg.MetadataValue.json(
                {name: {"partitions": len(keys), "first": keys[0], "last": keys[-1]} for name, keys in missing.items()}
            )
        context.add_output_metadata(metadata)
        evidence = table.evidence() if table.evidence else {}
        by_value = {item.slice_value: item for item in publication.slices}
        parts: dict[str | None, Sequence[SlicePublication]] = {
            key: [by_value[value] for value in values if value in by_value] for key, values in values_by_key.items()
        } or {None: publication.slices}
        rows_of_part = "dagster/partition_row_count" if values_by_key else "dagster/row_count"
        yield from materialization_events(
            context,
            metadata,
            {key: slice_metadata(own, rows_of_part) | dict(evidence.get(key or "", {})) for key, own in parts.items()},
            {key: content_version({item.slice_value: item.digest for item in own}) for key, own in parts.items()},
        )

    def _preview(self, contract: Contract, publication: Publication) -> dg.MetadataValue:
        """A few rows of the newest partition value that holds any."""
        filled = [item.slice_value for item in publication.slices if item.rows]
        newest = max((value for value in filled if value is not None), default=None)
        rows = read(self.lakehouse, self.engine, publication.snapshot, None if newest is None else [newest])
        return preview(rows, contract)


def _provenance(context: dg.OutputContext, versions: dict[str, int]) -> dict[str, str]:
    definition = context.step_context.assets_def
    code = definition.code_versions_by_key.get(context.asset_key) if definition else None
    models = context.output_metadata.get(INPUT_MODELS)
    return {
        "dagster_run_id": context.run_id,
        INPUT_VERSIONS_NOTE: json.dumps(versions, sort_keys=True),
        "input_models": json.dumps(models.value if isinstance(models, dg.JsonMetadataValue) else {}, sort_keys=True),
        "code_version": code or "",
        "code_revision": code_revision(),
    }


def never_published(lakehouse: Lakehouse, snapshot: Snapshot, slices: Sequence[str]) -> list[str]:
    """Those of the partition values that nothing was ever published for; one that was published empty is none."""
    without_rows = set(slices) - {value for value in snapshot.rows_by_slice() if value is not None}
    return sorted(without_rows - lakehouse.slice_notes(snapshot.table).keys()) if without_rows else []


def schema_of(snapshot: Snapshot) -> ibis.Schema:
    """The table's Ibis schema; instants come without a zone, in UTC."""
    return _schema_of(snapshot.delta.schema().to_json())


@lru_cache(maxsize=256)
def _schema_of(schema_json: str) -> ibis.Schema:
    import pyarrow as pa
    from deltalake import Schema

    schema = ibis.Schema.from_pyarrow(pa.schema(Schema.from_json(schema_json).to_arrow()))
    return ibis.schema(
        {name: ibis.dtype("timestamp") if dtype.is_timestamp() else dtype for name, dtype in schema.items()}
    )


def read(lakehouse: Lakehouse, engine: Engine, snapshot: Snapshot, slices: Sequence[str] | None) -> ibis.Table:
    """A table over a snapshot's rows with these partition values (None: all of them).

    Raises SnapshotExpired where the files of an older version are not there any more.
    """
    return read_files(lakehouse, engine, snapshot, snapshot.files_of(slices))


def read_files(lakehouse: Lakehouse, engine: Engine, snapshot: Snapshot, files: Sequence[ActiveFile]) -> ibis.Table:
    """A table over the rows of some of a snapshot's data files. Raises SnapshotExpired like `read`."""
    lakehouse.refuse_expired(snapshot, files)
    schema = schema_of(snapshot)
    if lakehouse.is_local or not files:
        paths = lakehouse.local_paths(snapshot.table, files)
        return engine.read_parquet(snapshot.table, paths, schema, snapshot.slice_column, snapshot.later_columns)
    dataset = snapshot.delta.to_pyarrow_dataset()
    if len(files) < len(snapshot.files):
        dataset = _restricted(dataset, {file.path for file in files})
    return engine.read_dataset(snapshot.table, dataset, schema)


def _restricted(dataset: Any, paths: Collection[str]) -> Any:
    """The data set of these files only; each fragment keeps what it knows of its partition."""
    from pyarrow.dataset import FileSystemDataset

    fragments = [fragment for fragment in dataset.get_fragments() if fragment.path in paths]
    return FileSystemDataset(fragments, dataset.schema, dataset.format, dataset.filesystem)
