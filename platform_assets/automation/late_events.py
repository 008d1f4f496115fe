"""The sensor `late_events`: event days whose raw rows are other ones now are computed again, new ones the first time.

Which days these are is told in `platform_assets.domain.event_days` from the Delta logs; raw tables are filled by the
sensor `landed_files`. What is computed from events stays as it is and becomes stale in Dagster.
"""

from collections.abc import Sequence

import dagster as dg

from platform_assets.automation.partition_requests import ask_for, tick_result
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.event_days import inputs_digest, missing_event_days, stale_event_days
from platform_assets.domain.source import Source
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.publication_history import computed_from, raw_history
from resources.lakehouse.tables import Lakehouse, TableNotPublished

NAME = "late_events"
TICK_SECONDS = 60


def late_events_sensor(
    sources: Sequence[Source], event_days: dg.DailyPartitionsDefinition, watch_days: int
) -> dg.SensorDefinition:
    """The sensor over these sources; days that were never computed are asked for among the last `watch_days`."""

    @dg.sensor(
        name=NAME,
        asset_selection=dg.AssetSelection.assets(EVENTS.name),
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Computes exactly the event days again that read other raw rows now than when they were computed, and "
            f"new event days of the last {watch_days} days for the first time."
        ),
    )
    def late_events(
        context: dg.SensorEvaluationContext, lakehouse: dg.ResourceParam[DeltaIOManager]
    ) -> dg.SensorResult:
        keys = event_days.get_partition_keys()
        try:
            wanted = wanted_event_days(lakehouse.lakehouse, sources, keys, watch_days)
        except TableNotPublished as error:
            return dg.SensorResult(skip_reason=dg.SkipReason(f"events read every raw table: {error}"))
        asked = ask_for(context.instance, NAME, dg.AssetKey(EVENTS.name), wanted, keys)
        return tick_result(context, [asked], "every computed event day holds what its landing days hold")

    return late_events


def wanted_event_days(
    lakehouse: Lakehouse, sources: Sequence[Source], keys: Sequence[str], watch_days: int
) -> dict[str, str]:
    """The event days to compute, among `keys`, each with the digest of the raw rows that it reads now.

    Raises TableNotPublished where a raw table was never published. Every Delta log is read once.
    """
    raws = {
        raw: raw_history(lakehouse, raw, source.lateness_days) for source in sources for raw in [f"raw_{source.name}"]
    }
    computed = computed_from(lakehouse, EVENTS.name)
    watched = set(keys[-watch_days:])
    stale = {day for day in stale_event_days(raws, computed) if day.isoformat() in keys}
    missing = {day for day in missing_event_days(raws, computed) if day.isoformat() in watched}
    return {day.isoformat(): inputs_digest(raws, day) for day in sorted(stale | missing)}
