"""Which partitions of an asset would come out differently now: the demo recomputes only those.

A partition's fingerprint is made of the code that computes it and the content of everything it is computed from.
What was computed with which fingerprint is kept in one JSON file below the platform's home.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import dagster as dg

from platform_assets.domain.categories.category_map import CategoryMap
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.source import Source
from platform_assets.preprocessed_tables.map_files import find_map_files
from platform_assets.raw_events.landing_places import find_landed_files
from resources.lakehouse.tables import Lakehouse

WHOLE = ""
"""Stands for the one piece of an asset without partitions."""


class ChangedPartitions:
    """Compares what each asset partition would be computed from now with what it was computed from last."""

    def __init__(
        self,
        definitions: dg.Definitions,
        sources: Sequence[Source],
        lakehouse: Lakehouse,
        landing_root: str,
        memory: Path,
        maps: Sequence[CategoryMap] = (),
    ) -> None:
        self._definitions, self._lakehouse, self._landing_root = definitions, lakehouse, landing_root
        self._sources = {f"raw_{source.name}": source for source in sources}
        self._memory, self._maps = memory, maps
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
        self._computed: dict[str, dict[str, str]] = known

    def stale(self, asset: str, keys: Sequence[str]) -> list[str]:
        """Those of the partition keys whose inputs or code have changed, in their order."""
        now = self.fingerprints(asset, keys)
        then = self._computed.get(asset, {})
        if not self._is_computed(asset):
            return list(keys)
        return [key for key in keys if then.get(key) != now[key]]

    def remember(self, asset: str, keys: Sequence[str]) -> None:
        """Note that these partitions have just been computed from what there is now."""
        self._computed.setdefault(asset, {}).update(self.fingerprints(asset, keys))
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.write_text(json.dumps(self._computed), encoding="utf-8")

    def fingerprints(self, asset: str, keys: Sequence[str]) -> dict[str, str]:
        """Fingerprint of every partition key, from its code and inputs as they are now."""
        definition = self._definitions.resolve_assets_def(asset)
        code = definition.code_versions_by_key[definition.key] or ""
        inputs: list[Mapping[str, str]] = []
        if asset in self._sources:
            inputs.append(self._landed(self._sources[asset], keys))
        if asset == DOMAIN_CATEGORIES.name:
            inputs.append(dict.fromkeys(keys, self._map_files()))
        for parent in sorted(definition.dependency_keys):
            inputs.append(self._parent_digests(definition, parent, keys))
        return {key: _digest(code, *(found[key] for found in inputs)) for key in keys}

    def _landed(self, source: Source, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, list[str]] = {key: [] for key in keys}
        days = [date.fromisoformat(key) for key in keys]
        for file in find_landed_files(source, days, self._landing_root):
            found[file.landing_date.isoformat()].append(f"{file.name} {file.info.size} {file.info.mtime_ns}")
        return {key: _digest(*sorted(files)) for key, files in found.items()}

    def _map_files(self) -> str:
        found = [file for each in self._maps for file in find_map_files(each, self._landing_root)]
        return _digest(*(f"{file.name} {file.info.size} {file.info.mtime_ns}" for file in found))

    def _parent_digests(
        self, definition: dg.AssetsDefinition, parent: dg.AssetKey, keys: Sequence[str]
    ) -> dict[str, str]:
        digests = self._digests(parent.path[-1])
        upstream = self._definitions.resolve_assets_def(parent).partitions_def
        if upstream is None or definition.partitions_def is None:
            whole = _digest(*(f"{value} {digest}" for value, digest in sorted(digests.items())))
            return dict.fromkeys(keys, whole)
        mapping = definition.get_partition_mapping_for_dep(parent) or dg.TimeWindowPartitionMapping()
        mapped = {}
        for key in keys:
            subset = definition.partitions_def.subset_with_partition_keys([key])
            read = mapping.get_upstream_mapped_partitions_result_for_partitions(
                subset, definition.partitions_def, upstream
            ).partitions_subset.get_partition_keys()
            mapped[key] = _digest(*(f"{value} {digests.get(value, '')}" for value in sorted(read)))
        return mapped

    def _digests(self, asset: str) -> Mapping[str, str]:
        """Content by partition; of an asset that is no table (a registered model), what it was made from."""
        notes = self._lakehouse.slice_notes(asset)
        return {value: note.digest for value, note in notes.items()} or self._computed.get(asset, {})

    def _is_computed(self, asset: str) -> bool:
        definition = self._definitions.resolve_assets_def(asset)
        if "dagster/table_name" in definition.metadata_by_key.get(definition.key, {}):
            return self._lakehouse.exists(asset)
        return asset in self._computed


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def contiguous(keys: Sequence[str], among: Sequence[str]) -> list[tuple[str, str]]:
    """Keys as ranges (first, last) without a gap in `among`, the order of all keys."""
    place = {key: index for index, key in enumerate(among)}
    ranges: list[tuple[str, str]] = []
    for key in sorted(keys, key=place.__getitem__):
        if ranges and place[ranges[-1][1]] + 1 == place[key]:
            ranges[-1] = (ranges[-1][0], key)
        else:
            ranges.append((key, key))
    return ranges
