"""What a release works with: the lakehouse, the graph, the declared sources, and a way to run an asset over a range."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import ibis

from platform_assets.cli.changed_partitions import contiguous
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.source import Source
from platform_assets.raw_events.corrections import Correction
from platform_assets.raw_events.landed_file import ReadLimits
from platform_assets.raw_events.landed_records import LandedRecords, read_landing_days
from platform_assets.raw_events.parsing import parse_records
from platform_assets.raw_events.stored_corrections import StoredCorrections
from resources.compute.engine import Engine
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

Run = Callable[[str, tuple[str, str] | None], None]
"""Materialises an asset over a range of partition keys, first to last (None: it has none), and waits."""


class NoSuchPartition(PlatformError):
    """A partition is named that the asset doesn't have."""


@dataclass(frozen=True)
class Workbench:
    """Everything that a release needs; `tell` says to people what happens."""

    settings: Settings
    definitions: dg.Definitions
    sources: Sequence[Source]
    lakehouse: Lakehouse
    engine: Engine
    run: Run
    tell: Callable[[str], None]

    def source_of(self, table: str) -> Source | None:
        """The source whose raw table this is, if it is one."""
        return next((source for source in self.sources if source.raw_contract().name == table), None)

    def corrections(self, source: Source) -> StoredCorrections:
        """The stored corrections of a source."""
        return StoredCorrections(source, self.lakehouse, self.engine, self.settings.staging_folder)

    def landed(
        self,
        source: Source,
        days: Sequence[date],
        corrections: Sequence[Correction] = (),
        only_files: Sequence[str] | None = None,
    ) -> LandedRecords:
        """The records of some landing days as they lie in the landing zone."""
        return read_landing_days(
            source,
            days,
            self.settings.landing_root,
            ReadLimits.configured(self.settings),
            corrections=corrections,
            only_files=only_files,
        )

    def parsed(self, source: Source, landed: LandedRecords) -> ibis.Table:
        """What raw asset makes of landed records now; to be computed once, within `landed.naming_the_file()`."""
        lines = self.engine.from_arrow(f"landed_{source.name}", landed.reader, lambda: landed.failure)
        return parse_records(lines, source)

    def partition_keys(self, asset: str) -> list[str]:
        """All partition keys of an asset, in order; none where it has no partitions. Raises NoSuchPartition."""
        key = dg.AssetKey(asset)
        if key not in self.definitions.resolve_asset_graph().get_all_asset_keys():
            raise NoSuchPartition(
                "no asset of the graph makes this table", where=f"table {asset}", todo="bring its declaration back"
            )
        partitions = self.definitions.resolve_assets_def(key).partitions_def
        return list(partitions.get_partition_keys()) if partitions else []

    def refuse_unknown_partitions(self, asset: str, keys: Sequence[str]) -> None:
        """Raise NoSuchPartition if the asset has not all of these partitions."""
        every = self.partition_keys(asset)
        unknown = sorted(set(keys) - set(every))
        if unknown:
            raise NoSuchPartition(
                f"there is no partition {', '.join(unknown[:3])}",
                where=f"asset {asset}",
                todo=f"name one from {every[0]} to {every[-1]}" if every else "it has none: name no partition",
            )

    def recompute(self, asset: str, keys: Sequence[str]) -> None:
        """Materialise partitions of an asset, those that follow one another in one run."""
        self.refuse_unknown_partitions(asset, keys)
        every = self.partition_keys(asset)
        for span in contiguous(keys, every) if every else [None]:
            self.run(asset, span)
