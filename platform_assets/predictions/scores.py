"""`<model>_scores`: every user of a day, scored by the champion."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import ibis
import pyarrow as pa

from platform_assets.automation.conditions import as_champion_can, in_service_checks
from platform_assets.automation.freshness import scored_in_time
from platform_assets.domain.contracts.model_tables import scores_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.feature_rows import feature_rows
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import INPUT_MODELS, DeltaIOManager
from resources.model_registry.resource import ModelRegistryResource

if TYPE_CHECKING:
    from resources.model_registry.model_files import LoadedModel

ROWS_AT_ONCE = 250_000
"""Rows that the model is given at once: so many in memory however many a day or a range has."""


def predictions_assets(spec: ModelSpec, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The scores of `spec`, partitioned by the day that is scored."""
    contract = scores_contract(spec)

    @table_asset(
        contract,
        partitions_def=days,
        ins={each.table: dg.AssetIn() for each in spec.features},
        deps=[spec.table("champion")],
        kinds=frozenset({"deltalake", "scikitlearn"}),
        declared=spec.fingerprint,
        automation=as_champion_can(spec.name),
        freshness=scored_in_time(spec, days),
    )
    def score(
        context: dg.AssetExecutionContext,
        model_registry: ModelRegistryResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        **feature_tables: ibis.Table,
    ) -> ibis.Table:
        """The champion's score of every user with features on the day.

        The champion is looked up once a run, and its files are verified before they are loaded. `in_sample` marks
        days that it has learnt from. The same champion scores the same rows alike, bit by bit; another one's scores
        are a new version of the day, and the earlier ones stay in the table's history.
        """
        registry = model_registry.registry
        champion = registry.load(registry.require_champion(spec.name))
        context.add_output_metadata({INPUT_MODELS: {spec.name: champion.version.version}})
        rows = feature_rows(feature_tables, spec, champion.features)
        run = [date.fromisoformat(key) for key in context.partition_keys]
        context.log.info(f"scoring {run[0]} to {run[-1]} with {champion.version}")
        scores = (part for day in run for part in scores_of_day(rows, day, spec, champion))
        stream = spooled(scores, contract.schema(), lakehouse.staging_folder)
        return lakehouse.engine.from_arrow(contract.name, stream)

    return [score]


def scores_of_day(
    rows: ibis.Table, day: date, spec: ModelSpec, champion: "LoadedModel", rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[pa.Table]:
    """One row of scores for every row of features of a day, in the order of entities, with the version that made them.

    A day is cut into the same parts whatever days are scored with it, so that its scores are the same bit by bit; it is
    one part where the model looks at a day as a whole.
    """
    version = champion.version
    features = rows.filter(rows.feature_date == day).order_by(spec.entity).to_pyarrow()
    at_once = max(len(features), 1) if champion.needs_whole_days else rows_at_once
    for start in range(0, len(features), at_once):
        part = features.slice(start, at_once)
        told = {
            "model_name": version.name,
            "model_version": version.version,
            "trained_until": version.trained_until,
            "in_sample": day <= version.trained_until,
        }
        yield pa.table(
            {
                "event_date": part["feature_date"],
                spec.entity: part[spec.entity],
                "score": champion.score(part.to_pandas()),
                **{name: pa.repeat(value, len(part)) for name, value in told.items()},
            }
        )


def spooled(parts: Iterable[pa.Table], schema: ibis.Schema, folder: Path) -> pa.RecordBatchReader:
    """The parts as a stream to be read once, from a file in `folder` that is gone with the stream.

    The engine can't compute the parts of a stream while it reads it.
    """
    arrow = schema.to_pyarrow()
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with the stream that reads it
    with pa.ipc.new_stream(file, arrow) as stream:
        for part in parts:
            stream.write_table(part.cast(arrow))
    file.seek(0)
    return pa.ipc.open_stream(file)


def champion_checks(spec: ModelSpec) -> list[dg.AssetChecksDefinition]:
    """Checks that the model has a champion: before it has one, days are not scored by themselves."""
    return [_in_service_check(spec, key) for key in in_service_checks(spec.name)]


def _in_service_check(spec: ModelSpec, key: dg.AssetCheckKey) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key.asset_key, name=key.name, description=f"A version of {spec.name} is champion, so days can be scored."
    )
    def in_service(model_registry: ModelRegistryResource) -> dg.AssetCheckResult:
        champion = model_registry.registry.champion(spec.name)
        return dg.AssetCheckResult(
            passed=champion is not None,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{champion} scores."
            if champion
            else "No version is champion: read the verdict's reason. New days are scored once one is.",
        )

    return in_service
