"""`domain_clusters_model` and `domain_clusters`: domains that are visited together, as vectors and as clusters.

Materialise both for one day a week: clusters of the days between change little. How vectors, clusters and labels are
made stands in `platform_assets.domain.embeddings`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis

from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets.domain.contracts.domain_clusters import DOMAIN_CLUSTERS
from platform_assets.domain.embeddings.cluster_days import LABEL_MEMORY_DAYS, ClusteredDay, LabelHistory, cluster_day
from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.partitions import day_keys, run_days, trailing_days
from platform_assets.table_asset import code_version, stage_of, table_asset
from resources.lakehouse.io_manager import INPUT_MODELS, DeltaIOManager, Evidence
from resources.model_registry.model_version import ModelNotFound, ModelVersion
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

if TYPE_CHECKING:
    from platform_assets.domain.embeddings.training import TrainedEmbedding
    from resources.model_registry.registry import ModelRegistry

DOMAINS = EmbeddingSpec(
    name="domain_clusters",
    description="Which domains are about the same, judged by who visits them in one session and by the words of their "
    "addresses, to group sites without anybody having to sort them.",
    owner="team:data-platform",
    token="domain",
    sequence="session_id",
    words="path",
)


def domain_clusters_assets(days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The embedding of domains and its clusters."""
    return [_model_asset(DOMAINS, days), _clusters_asset(DOMAINS, days)]


def _model_asset(spec: EmbeddingSpec, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    revision = f"{code_version(__name__)}-{spec.fingerprint}"

    @dg.asset(
        name=f"{spec.name}_model",
        group_name=stage_of(__name__),
        description=f"{spec.description}\n\nWord2Vec over the sequences of {spec.sequence} in the {spec.window_days} "
        "days strictly before the day, logged to MLflow and registered as challenger.",
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"events": dg.AssetIn(partition_mapping=trailing_days(spec.window_days))},
        kinds={"mlflow", "word2vec"},
        owners=[spec.owner],
        code_version=revision,
        pool=f"write_{spec.name}_model",
    )
    def learn(
        context: dg.AssetExecutionContext,
        events: ibis.Table,
        model_registry: ModelRegistryResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> None:
        from platform_assets.domain.embeddings.card import embedding_card
        from platform_assets.domain.embeddings.training import train_embedding

        versions = lakehouse.versions_read(context)
        tags = {"dagster_run_id": context.run_id, "code_version": revision}
        tags |= {f"delta_version.{table}": str(version) for table, version in versions.items()}
        for key in context.partition_keys:
            trained = train_embedding(events, spec, date.fromisoformat(key))
            card = embedding_card(spec, trained, versions)
            version = model_registry.registry.register_embedding(spec, trained, card=card, tags=tags)
            context.log.info(f"registered {version}: {trained.figures}")
            context.add_asset_metadata(_described(trained, version, card), partition_key=key)

    return learn


def _described(trained: "TrainedEmbedding", version: ModelVersion, card: str) -> dict[str, Any]:
    return {
        **trained.figures,
        "model_card": dg.MetadataValue.md(card),
        "trained_until": str(trained.trained_until),
        "model_name": version.name,
        "model_version": version.version,
        "model_digest": version.digest,
        "mlflow_run_id": version.run_id,
    }


def _clusters_asset(spec: EmbeddingSpec, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    earlier = dg.AssetDep(DOMAIN_CLUSTERS.name, partition_mapping=trailing_days(LABEL_MEMORY_DAYS))

    @table_asset(
        DOMAIN_CLUSTERS,
        partitions_def=days,
        deps=[f"{spec.name}_model", DOMAIN_CATEGORIES.name, earlier],
        kinds=frozenset({"deltalake", "scikitlearn"}),
        declared=spec.fingerprint,
    )
    def domain_clusters(
        context: dg.AssetExecutionContext,
        model_registry: ModelRegistryResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        pictures: Pictures,
    ) -> tuple[ibis.Table, Evidence]:
        """Which domains are visited together, as clusters with a name, for one day.

        Made from the model of the same day, thus from events strictly before it. A cluster takes the number of the one
        that it continues on the latest published day of the 56 before. It is named by its category where
        `domain_categories` is published.
        """
        import pyarrow as pa

        history, categories_of = _label_history(context, lakehouse), _categories(context, lakehouse)
        versions = {key: _version(model_registry.registry, spec, key) for key in context.partition_keys}
        clustered, parts = {}, []
        for key, version in versions.items():
            day, embedding = date.fromisoformat(key), model_registry.registry.load_embedding(version).embedding
            clustered[key] = cluster_day(day, embedding, spec, history, categories_of(embedding.tokens.tolist(), day))
            parts.append(clustered[key].rows(spec.token, **_named(version)))
        context.add_output_metadata({INPUT_MODELS: _pins(spec, versions)})
        rows = ibis.memtable(pa.concat_tables(parts), schema=DOMAIN_CLUSTERS.schema())
        return rows, lambda: _evidence(clustered, spec, pictures)

    return domain_clusters


def _label_history(context: dg.AssetExecutionContext, lakehouse: DeltaIOManager) -> LabelHistory:
    """The labels of the days before the run's, as far as they are published and remembered."""
    first, _ = run_days(context)
    remembered = day_keys(first - timedelta(days=LABEL_MEMORY_DAYS), first - timedelta(days=1))
    published = lakehouse.read_beside_inputs(context, DOMAIN_CLUSTERS.name, remembered)
    if published is None:
        return LabelHistory()
    rows = published.select("event_date", "domain", "cluster").to_pyarrow()
    return LabelHistory.of_rows(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _categories(
    context: dg.AssetExecutionContext, lakehouse: DeltaIOManager
) -> Callable[[Sequence[str], date], Mapping[str, str]]:
    """Domains → their categories as known on the day before a day; none where no map was ever published."""
    published = lakehouse.read_beside_inputs(context, DOMAIN_CATEGORIES.name, None)
    if published is None:
        return lambda domains, day: {}
    return partial(categories_on_the_eve, published)


def categories_on_the_eve(domain_categories: ibis.Table, domains: Sequence[str], day: date) -> dict[str, str]:
    """The category that each of the domains had on the day before `day`, where it had one."""
    asked = ibis.memtable({"domain": list(domains)}, schema={"domain": "string"})
    dated = asked.mutate(eve=ibis.literal(day - timedelta(days=1)))
    found = with_categories(dated, domain_categories, as_of="eve").to_pyarrow()
    pairs = zip(found["domain"].to_pylist(), found["category"].to_pylist(), strict=True)
    return {domain: category for domain, category in pairs if category is not None}


def _version(registry: "ModelRegistry", spec: EmbeddingSpec, day: str) -> ModelVersion:
    version = registry.trained_on(spec.name, date.fromisoformat(day))
    if version is None:
        raise ModelNotFound(
            f"no embedding was trained as of {day}",
            where=registry.registered_name(spec.name),
            todo=f"materialise {spec.name}_model for this day first",
        )
    return version


def _named(version: ModelVersion) -> dict[str, object]:
    return {"model_name": version.name, "model_version": version.version, "trained_until": version.trained_until}


def _pins(spec: EmbeddingSpec, versions: Mapping[str, ModelVersion]) -> dict[str, int]:
    from resources.model_registry.registered_models import pin_of_date

    return {pin_of_date(spec.name, date.fromisoformat(key)): version.version for key, version in versions.items()}


def _evidence(
    clustered: Mapping[str, ClusteredDay], spec: EmbeddingSpec, pictures: Pictures
) -> dict[str, dict[str, Any]]:
    """Figures of every day, what became of its labels, and the map of the newest."""
    from platform_assets.domain.embeddings.picture import embedding_map

    found: dict[str, dict[str, Any]] = {key: {**day.figures, "labels": _changes(day)} for key, day in clustered.items()}
    newest = max(clustered)
    drawn = embedding_map(clustered[newest], f"{spec.token.capitalize()}s visited together, as of {newest}", spec.seed)
    found[newest] |= pictures.keep(DOMAIN_CLUSTERS.name, newest, {"embedding_map": drawn})
    return found


def _changes(day: ClusteredDay) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "cluster": change.label,
                    "name": day.names.get(change.label, ""),
                    "became": change.kind if change.other is None else f"{change.kind}, see {change.other}",
                    "domains": change.tokens,
                }
            )
            for change in day.labelling.changes
        ]
    )
