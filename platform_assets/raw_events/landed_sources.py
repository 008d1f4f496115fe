"""One raw asset for every declared source: the records of a landing day as received.

How files are found, read and parsed stands in the sibling modules; which sources exist in `config/sources.yaml`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.freshness import landed_daily
from platform_assets.domain.contracts.corrections import corrections_contract
from platform_assets.domain.contracts.erased_persons import ERASED_PERSONS
from platform_assets.domain.erasure import without_erased
from platform_assets.domain.source import Source
from platform_assets.raw_events.landed_file import LandedFile, ReadLimits
from platform_assets.raw_events.landed_files_check import files_read, refuse_missing_files
from platform_assets.raw_events.landed_records import read_landing_days
from platform_assets.raw_events.parsing import parse_records
from platform_assets.raw_events.source_fields import field_counts, field_metadata
from platform_assets.raw_events.stored_corrections import corrections_in
from platform_assets.table_asset import table_asset
from resources.compute.engine import Engine
from resources.lakehouse.erased_persons import erased_marks
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.landing_zone import LandingZoneResource

LANDED_FILE_COLUMNS = ("file", "bytes", "records", "sha256", "modified_at")


def raw_assets(sources: Sequence[Source], landing_days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The raw assets, `raw_<source>`, cut by the day on which a file landed."""
    return [_raw_asset(source, landing_days) for source in sources]


def _raw_asset(source: Source, landing_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    contract = source.raw_contract()
    corrected = corrections_contract(contract.name)

    def landed(
        context: dg.AssetExecutionContext,
        engine: dg.ResourceParam[Engine],
        landing_zone: LandingZoneResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> tuple[ibis.Table, Evidence]:
        days = [date.fromisoformat(key) for key in context.partition_keys]
        if not landing_zone.allow_missing_files:
            read_before = files_read(context.instance, context.asset_key, context.partition_keys)
            refuse_missing_files(source, landing_zone.root, read_before)
        limits = ReadLimits.configured(landing_zone)
        corrections = lakehouse.read_beside_inputs(context, corrected.name, context.partition_keys)
        records = read_landing_days(source, days, landing_zone.root, limits, corrections=corrections_in(corrections))
        context.log.info(f"{len(days)} landing day(s) of {source.name}: reading {source.place}")
        lines = engine.from_arrow(f"landed_{source.name}", records.reader, lambda: records.failure)

        def evidence() -> dict[str, dict[str, Any]]:
            raw = lakehouse.published_rows(contract.name, context.partition_keys)
            return _seen(records.files, days, field_counts(raw, source))

        erased = lakehouse.read_beside_inputs(context, ERASED_PERSONS.name, None)
        return without_erased(parse_records(lines, source), source, erased_marks(erased)), evidence

    landed.__doc__ = f"{contract.description}\n\n{_where_from(source)}"
    kinds = frozenset({"deltalake", source.format.value})
    return table_asset(
        contract,
        partitions_def=landing_days,
        kinds=kinds,
        declared=repr(source),
        freshness=landed_daily(landing_days),
    )(landed)


def _seen(
    files: Sequence[LandedFile], days: Sequence[date], counts: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What was read on every landing day: each file with size, digest and records, and which fields there were."""
    by_day: dict[str, list[LandedFile]] = {day.isoformat(): [] for day in days}
    for file in files:
        by_day[file.landing_date.isoformat()].append(file)
    return {
        day: {
            "files": len(landed),
            "records_received": sum(file.records for file in landed),
            "records_corrected": sum(file.corrected for file in landed),
            "landed_files": dg.MetadataValue.table(
                records=[
                    dg.TableRecord(
                        {
                            "file": file.file,
                            "bytes": file.bytes,
                            "records": file.records,
                            "sha256": file.sha256,
                            "modified_at": file.modified_at.isoformat() if file.modified_at else "",
                        }
                    )
                    for file in sorted(landed, key=lambda file: file.file)
                ],
                schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in LANDED_FILE_COLUMNS]),
            ),
            **(field_metadata(counts[day], landed) if day in counts else {}),
        }
        for day, landed in by_day.items()
    }


def _where_from(source: Source) -> str:
    return (
        f"Read from `{source.place}` ({source.format.value}), partitioned by the day a file landed. "
        f"Malformed records go to `raw_{source.name}_quarantine` with file, line and reason, and come back from there "
        "when they or the rule are mended (`platform quarantine`). "
        f"Records may land up to {source.lateness_days} days after their event day."
    )
