"""`<model>_model`: the model trained as of a training date, registered as challenger."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
import ibis

from platform_assets.automation.freshness import trained_lately
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.table_asset import code_version, stage_of
from resources.lakehouse.io_manager import INPUT_MODELS, DeltaIOManager
from resources.model_registry.model_version import ModelVersion
from resources.model_registry.provenance import provenance_tags
from resources.model_registry.resource import ModelRegistryResource
from resources.search_workers import SearchWorkers

if TYPE_CHECKING:
    import pandas as pd

    from platform_assets.domain.modelling.fitting import StartingPoint
    from platform_assets.domain.modelling.training import TrainedModel
    from resources.model_registry.registry import ModelRegistry

_TRAINING = "platform_assets.domain.modelling.training"


def model_asset(
    spec: ModelSpec, days: dg.DailyPartitionsDefinition, workers: SearchWorkers, ui_url: str = ""
) -> dg.AssetsDefinition:
    """The model of `spec`; its files lie in the registry, downstream assets find it there by alias."""
    training_set_key = dg.AssetKey(spec.table("training_set"))
    revision = f"{training_code(spec)}-{spec.training_fingerprint}"

    @dg.asset(
        name=spec.table("model"),
        group_name=stage_of(__name__),
        description=f"{spec.description.strip()}\n\nChosen by a search over time-ordered folds, measured on held-out "
        "later days, logged to MLflow and registered as challenger. Only the champion scores.",
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"training_set": dg.AssetIn(training_set_key)},
        kinds={"mlflow", "scikitlearn"},
        owners=[spec.owner],
        code_version=revision,
        pool=f"write_{spec.table('model')}",
        freshness_policy=trained_lately(spec, days),
    )
    def learn(
        context: dg.AssetExecutionContext,
        training_set: ibis.Table,
        model_registry: ModelRegistryResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> None:
        from platform_assets.domain.modelling.training import train

        registry = model_registry.registry
        start = starting_point(registry, spec)
        for key in context.partition_keys:
            rows = training_set.filter(training_set.training_date == date.fromisoformat(key)).to_pandas()
            with workers.at_work():
                trained = train(rows, spec, date.fromisoformat(key), start)
            versions = input_versions(context.instance, training_set_key, key)
            shown = describe(rows, spec, trained, versions)
            tags = _tags(context, spec, key, revision, ui_url) | provenance_tags(lakehouse.inputs, versions)
            tags |= {f"input_model.{spec.name}": str(each.version) for each in [trained.started_from] if each}
            version = registry.register(spec, trained, card=shown.card, picture=shown.picture, tags=tags)
            context.log.info(f"registered {version}: AUC {trained.metrics['auc']}")
            context.add_asset_metadata(
                _metadata(trained, shown, version, tags, registry.tracking_uri), partition_key=key
            )

    return learn


def training_code(spec: ModelSpec) -> str:
    """Digest of all code by which a model of `spec` is trained: how that is done, and the spec's own functions."""
    modules = {_TRAINING, spec.estimator.__module__, spec.search_space.__module__}
    return hashlib.sha256(" ".join(code_version(each) for each in sorted(modules)).encode()).hexdigest()[:12]


def starting_point(registry: "ModelRegistry", spec: ModelSpec) -> "StartingPoint | None":
    """The champion, where the spec's training window continues it and it was trained here."""
    from platform_assets.domain.modelling.fitting import StartingPoint
    from resources.model_registry.model_files import LoadedPipeline

    champion = registry.champion(spec.name) if spec.window.continues_the_champion else None
    loaded = registry.load(champion) if champion is not None else None
    if champion is None or not isinstance(loaded, LoadedPipeline):  # an imported model isn't the spec's pipeline
        return None
    return StartingPoint(
        spec.name, champion.version, loaded.features, loaded.pipeline, champion.digest, champion.trained_until
    )


def input_versions(instance: dg.DagsterInstance, table: dg.AssetKey, partition: str) -> dict[str, int]:
    """Delta versions of a table's partition and of what it was made from, as recorded when it was published."""
    wanted = dg.AssetRecordsFilter(asset_key=table, asset_partitions=[partition])
    records = instance.fetch_materializations(wanted, limit=1).records
    if not records or records[0].asset_materialization is None:
        return {}
    metadata: Mapping[str, Any] = records[0].asset_materialization.metadata
    upstream = metadata["input_versions"].value if "input_versions" in metadata else {}
    own = {table.path[-1]: metadata["delta_version"].value} if "delta_version" in metadata else {}
    return {**upstream, **own}


@dataclass(frozen=True)
class Shown:
    """What people see of a training."""

    card: str
    picture: bytes


def describe(rows: "pd.DataFrame", spec: ModelSpec, trained: "TrainedModel", versions: Mapping[str, int]) -> Shown:
    """The card and the picture of a model that was trained on these rows, made from these versions of tables."""
    from platform_assets.domain.modelling.explanation import explain
    from platform_assets.domain.modelling.model_card import model_card
    from platform_assets.domain.modelling.pictures import quality_picture
    from platform_assets.domain.modelling.time_split import as_days

    explanation, held_out = explain(rows, spec, trained), trained.holdout
    days = as_days(held_out["feature_date"])
    title = f"{spec.name} on held-out days {days.min()} to {days.max()}"
    picture = quality_picture(held_out["label"], held_out["score"], title, explanation.importance)
    return Shown(model_card(spec, trained, versions, explanation), picture)


def _tags(
    context: dg.AssetExecutionContext, spec: ModelSpec, partition: str, revision: str, ui_url: str
) -> dict[str, str]:
    """What Dagster and the spec say of a training: names by which it is found there, and what it depends on."""
    return {
        "dagster_run_id": context.run_id,
        "dagster_asset": spec.table("model"),
        "dagster_partition": partition,
        **({"dagster_run_url": f"{ui_url.rstrip('/')}/runs/{context.run_id}"} if ui_url else {}),
        "code_version": revision,
        "spec_fingerprint": spec.training_fingerprint,
        "seed": str(spec.seed),
    }


def _metadata(
    trained: "TrainedModel", shown: Shown, version: ModelVersion, tags: Mapping[str, str], tracking_uri: str
) -> dict[str, Any]:
    from platform_assets.domain.drawing import as_markdown

    page = f"{tracking_uri.rstrip('/')}/#/models/{quote(version.name)}/versions/{version.version}"
    return {
        "picture": dg.MetadataValue.md(as_markdown(shown.picture, "quality on held-out days")),
        "model_card": dg.MetadataValue.md(shown.card),
        "auc": trained.metrics["auc"].value,
        "auc_low": trained.metrics["auc"].low,
        "auc_high": trained.metrics["auc"].high,
        "log_loss": trained.metrics["log_loss"].value,
        "brier": trained.metrics["brier"].value,
        "training_rows": trained.rows,
        "trained_until": str(trained.trained_until),
        "model_name": version.name,
        "model_version": version.version,
        "model_digest": version.digest,
        "mlflow_run_id": version.run_id,
        **({"mlflow_page": dg.MetadataValue.url(page)} if tracking_uri.startswith("http") else {}),
        **({INPUT_MODELS: {trained.started_from.name: trained.started_from.version}} if trained.started_from else {}),
        "made_from": dg.MetadataValue.json(dict(tags)),
        "search": dg.MetadataValue.table(
            [dg.TableRecord(row) for row in trained.search_table.round(4).astype("str").to_dict("records")]
        ),
    }
