"""`domain_categories`: which domain is of which category, for how long, by which map.

The computation stands in `platform_assets.domain.categories.domain_categories`, the promises in its contract; which
maps there are, in `config/categories.yaml`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import ibis
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.automation.conditions import once
from platform_assets.domain.categories.category_map import CategoryMap
from platform_assets.domain.categories.domain_categories import domain_categories as history_of
from platform_assets.domain.categories.domain_categories import no_categories, rewritten_history
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.errors import PlatformError
from platform_assets.preprocessed_tables.map_files import read_map
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.landing_zone import LandingZoneResource


class MapHistoryRewritten(PlatformError):
    """A map's files tell the past otherwise than they did when they were read before. Nothing is published."""


def domain_categories_asset(maps: Sequence[CategoryMap]) -> dg.AssetsDefinition:
    """The asset `domain_categories` over all declared maps; unpartitioned, because it holds its history itself."""

    @table_asset(DOMAIN_CATEGORIES, declared=repr(maps), metadata=_terms(maps), automation=once())
    def domain_categories(
        context: dg.AssetExecutionContext,
        landing_zone: LandingZoneResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> tuple[ibis.Table, Evidence]:
        """Domains with their categories by every declared map, as a slowly changing dimension.

        A map's files are its dated versions. A domain's category holds from the version that brings it until one that
        changes it. What was known before is never told otherwise: files that would are refused, and a correction is a
        new version. Entries that can't be read go to `domain_categories_quarantine`. What is made from a map is under
        the map's licence, which stands in the metadata.
        """
        received = {each.name: read_map(each, landing_zone.root) for each in maps}
        tables = {name: ibis.memtable(entries) for name, entries in received.items()}
        history = history_of(tables, maps) if maps else no_categories()
        before = lakehouse.read_beside_inputs(context, DOMAIN_CATEGORIES.name, None)
        if before is not None and maps and not landing_zone.allow_missing_files:
            _refuse_rewriting(before, history.filter(history.reject_reason.isnull()))
        return history, lambda: {"": _seen(received)}

    return domain_categories


def _refuse_rewriting(before: ibis.Table, now: ibis.Table) -> None:
    """Raise MapHistoryRewritten, naming the first rows, where `now` tells the past otherwise than `before`."""
    changed = rewritten_history(before, now).order_by("map", "valid_from", "domain", "category")
    found = changed.limit(4).to_pyarrow().to_pylist()
    if found:
        told = ", ".join(f"{row['domain']} ({row['category']} from {row['valid_from']})" for row in found[:3])
        raise MapHistoryRewritten(
            f"the map {found[0]['map']} tells its past otherwise: {told}{' and more' if found[3:] else ''}",
            where=DOMAIN_CATEGORIES.name,
            todo="bring back the versions that were read, and deliver the correction as a new one; if the past shall "
            "be told anew for good, run once with PLATFORM_ALLOW_EMPTYING=true",
        )


def _terms(maps: Sequence[CategoryMap]) -> dict[str, Any]:
    """Description and licence of every map, for the UI."""
    return {f"map {each.name}": f"{each.description} Licence: {each.licence}".strip() for each in maps}


def _seen(received: Mapping[str, pa.Table]) -> dict[str, Any]:
    """How many entries in how many files each map brought."""
    files = {name: len(pc.unique(entries["file"])) for name, entries in received.items()}
    return {f"map {name} brings": f"{received[name].num_rows:,} entries in {files[name]} files" for name in received}
