"""The clusters of one day after the other, each day's labels taken from the days before it, as rows of a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa

from platform_assets.domain.embeddings.clustering import Clustering, cluster_embedding
from platform_assets.domain.embeddings.names import cluster_names
from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.stable_labels import Labelling, stable_labels
from platform_assets.domain.embeddings.training import Embedding

LABEL_MEMORY_DAYS = 56
"""Labels are taken from the latest published day of so many days before, and a number that was in use in them is not
given to another cluster: eight times a week."""


@dataclass
class LabelHistory:
    """Which label every token had on the published days."""

    by_day: dict[date, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[date, str, int]]) -> "LabelHistory":
        """From published rows: day, token, label."""
        history = cls()
        for day, token, label in rows:
            history.by_day.setdefault(day, {})[token] = label
        return history

    def before(self, day: date) -> tuple[Mapping[str, int], int]:
        """The labels of the latest published day before `day`, and the highest number in use in the memory."""
        remembered = [each for each in self.by_day if day - timedelta(days=LABEL_MEMORY_DAYS) <= each < day]
        if not remembered:
            return {}, 0
        return self.by_day[max(remembered)], max(max(self.by_day[each].values()) for each in remembered)


@dataclass(frozen=True)
class ClusteredDay:
    """The clusters of one day, in the order of the embedding's tokens."""

    day: date
    embedding: Embedding
    clustering: Clustering
    labelling: Labelling
    names: Mapping[int, str]
    before: Mapping[str, int]

    @property
    def figures(self) -> dict[str, float | int]:
        """Numbers that the UI plots over days."""
        kinds = [change.kind for change in self.labelling.changes]
        counted = {f"clusters_{kind}": kinds.count(kind) for kind in ("kept", "new", "split", "merged", "gone")}
        found = self.clustering
        return {
            "clusters": found.clusters,
            "silhouette": found.silhouette,
            "clusters_stand_apart": found.stand_apart,
            **counted,
        }

    def rows(self, token: str, **model: object) -> pa.Table:
        """One row a token, its column named `token`; `model` are constant columns."""
        tokens = self.embedding.tokens.tolist()
        labels = self.labelling.labels.tolist()
        columns = {
            "event_date": pa.array([self.day] * len(tokens), pa.date32()),
            token: pa.array(tokens, pa.string()),
            "cluster": pa.array(labels, pa.int64()),
            "cluster_name": pa.array([self.names[label] for label in labels], pa.string()),
            "similarity": pa.array(self.clustering.similarity),
            "sessions_28d": pa.array(self.embedding.sequences, pa.int64()),
            "previous_cluster": pa.array([self.before.get(each) for each in tokens], pa.int64()),
        }
        return pa.table(columns | {name: pa.array([value] * len(tokens)) for name, value in model.items()})


def cluster_day(
    day: date, embedding: Embedding, spec: EmbeddingSpec, history: LabelHistory, categories: Mapping[str, str]
) -> ClusteredDay:
    """Cluster a day's embedding and add its labels to the history, so that the next day continues them."""
    clustering = cluster_embedding(embedding, spec)
    before, highest = history.before(day)
    labelling = stable_labels(embedding.tokens, clustering.cluster, before, highest)
    names = cluster_names(embedding, labelling.labels, clustering.similarity, categories)
    history.by_day[day] = dict(zip(embedding.tokens.tolist(), labelling.labels.tolist(), strict=True))
    return ClusteredDay(day, embedding, clustering, labelling, names, before)
