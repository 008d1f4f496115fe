"""Materialisation events with one data version a partition, also where a range is computed in one run.

Dagster itself gives all partitions of such a run one data version, so it could not tell which of them changed. These
events carry each partition's own: a digest of its rows. What was read keeps its partition fresh, what changed makes
exactly the partitions stale that were made from it. (Dagster itself judges no asset without partitions that reads all
partitions of a time window, and none by inputs of 100 partitions and more.)

This is the one module that leans on internals of Dagster (it is asked for in dagster#15584); what it leans on is
pinned by `test_upstream_characterization`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.partitions.utils import get_tags_from_multi_partition_key
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id

DESCRIBED_BY_IO_MANAGER = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Metadata of an output whose materialisation events the IO manager makes; Dagster then makes none of its own."""


def content_version(digests: Mapping[str | None, str]) -> str:
    """The data version of a partition made of these slices: it follows their rows and nothing else."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    told = "\n".join(f"{value} {digest}" for value, digest in sorted(digests.items(), key=str))
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def materialization_events(
    context: dg.OutputContext,
    metadata: Mapping[str, Any],
    metadata_by_partition: Mapping[str | None, Mapping[str, Any]],
    version_by_partition: Mapping[str | None, str],
) -> Iterator[DagsterEvent]:
    """One event for every partition key (None: the asset has no partitions), with its metadata and data version.

    The output must carry `DESCRIBED_BY_IO_MANAGER`, or Dagster adds events of its own.
    """
    step = context.step_context
    given = {name: value for name, value in context.output_metadata.items() if name not in DESCRIBED_BY_IO_MANAGER}
    logged = step.get_asset_metadata(asset_key=context.asset_key) or {}
    tags = _provenance_tags(context)
    batch, last = generate_event_batch_id(), list(version_by_partition)[-1]
    for key, version in version_by_partition.items():
        own_tags = {**tags, DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
        if isinstance(key, dg.MultiPartitionKey):
            own_tags |= get_tags_from_multi_partition_key(key)
        event = dg.AssetMaterialization(
            asset_key=context.asset_key,
            partition=key,
            metadata={**given, **metadata, **logged, **metadata_by_partition.get(key, {})},
            tags=own_tags,
        )
        yield DagsterEvent.asset_materialization(step, event, DagsterEventBatchMetadata(batch, key == last))


def _provenance_tags(context: dg.OutputContext) -> dict[str, str]:
    """The code version and, for every input, its data version and the event that Dagster knew of it when the step
    began: what the staleness of the asset is judged by."""
    step = context.step_context
    step.wipe_input_asset_version_info(context.asset_key)
    node = step.job_def.asset_layer.get(context.asset_key)
    tags = {CODE_VERSION_TAG: node.code_version or step.run_id}
    for key in node.parent_keys:
        known = step.maybe_fetch_and_get_input_asset_version_info(key)
        version = (known and known.data_version) or DEFAULT_DATA_VERSION
        tags[get_input_data_version_tag(key)] = version.value
        tags[get_input_event_pointer_tag(key)] = str(known.storage_id) if known else NULL_EVENT_POINTER
    return tags
