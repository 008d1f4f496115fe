"""Embeddings of real data: domains of web visits, items of baskets. Nothing is planted, so they judge by later days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt

from platform_assets.domain.embeddings.clustering import cluster_embedding
from platform_assets.domain.embeddings.sequences import sequences, visits
from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.training import Embedding, train_embedding
from platform_assets.trained_models.domain_clusters import DOMAINS

ITEMS = EmbeddingSpec(
    name="item_clusters",
    description="Which items are bought together.",
    owner="team:data-platform",
    token="item",
    sequence="session_id",
    window_days=182,
    context=10,
    most_clusters=60,
)
LATER_DAYS = 28


def webtrackr_visits(shared_data: Path) -> dict[str, Any]:
    """Five panelists' visits: learnt from all days but the last 28."""
    events = webtrackr_events(shared_data)
    spec = replace(DOMAINS, window_days=141)
    return {
        "what": "domains",
        **_judged(events, spec, date(2019, 7, 18), lambda tokens: _categories(shared_data, tokens)),
    }


def retail_items(shared_data: Path) -> dict[str, Any]:
    """Baskets of customers: learnt from half a year, judged on the four weeks after it."""
    return {"what": "items", **_judged(retail_events(shared_data), ITEMS, date(2011, 8, 1))}


def webtrackr_events(shared_data: Path) -> ibis.Table:
    """The columns of `events` that an embedding reads, with the platform's own domains, paths and sessions."""
    from platform_assets.domain.events import with_sessions
    from platform_assets.domain.urls import domain, path

    seen = ibis.read_parquet(shared_data / "webtrackr_visits" / "visits.parquet")
    client = seen.panelist_id.cast("string") + "/" + seen.device
    at = seen.timestamp.cast("timestamp")
    nobody = ibis.null("string")
    typed = seen.select(
        event_time=at,
        event_date=at.date(),
        domain=domain(seen.url),
        path=path(seen.url),
        cookie_id=client,
        login_hash=nobody,
        device_id=nobody,
        reject_reason=nobody,
        is_bot=False,
        event_id=ibis.row_number().over(order_by=[at, seen.url, client]).cast("string"),
    )
    return with_sessions(typed)


def retail_events(shared_data: Path) -> ibis.Table:
    """Invoice lines as events whose session is the invoice; cancellations and lines without a customer are left out."""
    files = str(shared_data / "online_retail_by_day" / "by-day" / "*.csv.gz")
    lines = ibis.duckdb.connect().read_csv(files, all_varchar=True)
    kept = lines.filter(~lines.InvoiceNo.startswith("C"), lines.CustomerID.notnull())
    at = kept.InvoiceDate.cast("timestamp")
    return kept.select(
        event_time=at,
        event_date=at.date(),
        item=kept.StockCode.upper(),
        session_id=kept.InvoiceNo,
        is_bot=False,
        event_id=ibis.row_number().over(order_by=[at, kept.InvoiceNo, kept.StockCode, kept.Quantity]).cast("string"),
    )


def _judged(
    events: ibis.Table,
    spec: EmbeddingSpec,
    training_date: date,
    categories: Callable[[list[str]], dict[str, str]] | None = None,
) -> dict[str, Any]:
    trained = train_embedding(events, spec, training_date)
    clustering = cluster_embedding(trained.embedding, spec)
    later = replace(spec, window_days=LATER_DAYS, fewest_sequences=1, words=None)
    told = sequences(visits(events, later, date.fromordinal(training_date.toordinal() + LATER_DAYS)), later)
    found = {
        **trained.figures,
        "clusters": clustering.clusters,
        "silhouette": clustering.silhouette,
        "stand_apart": clustering.stand_apart,
        "lift": lift(trained.embedding, clustering.cluster, told.to_pyarrow()["tokens"].to_pylist()),
    }
    if categories is not None:
        found["agreement"] = _agreement(
            trained.embedding, clustering.cluster, categories(trained.embedding.tokens.tolist())
        )
    return found


def lift(embedding: Embedding, cluster: npt.NDArray[np.int64], sequences: list[list[str]]) -> float:
    """How much more often two different tokens of a later sequence share a cluster than by chance.

    By chance: the share of pairs that two tokens would have which were drawn by how often they stand in pairs.
    """
    places = {f" {token}": place for place, token in enumerate(embedding.tokens.tolist())}
    clusters = int(cluster.max()) + 1
    same = pairs = 0
    drawn = np.zeros(clusters)
    for tokens in sequences:
        known = [places[token] for token in set(tokens) if token in places]
        counted = np.bincount(cluster[known], minlength=clusters) if known else np.zeros(clusters, dtype=np.int64)
        same += int((counted * (counted - 1)).sum())
        pairs += len(known) * (len(known) - 1)
        drawn += counted * max(len(known) - 1, 0)
    return float(same / pairs / ((drawn / drawn.sum()) ** 2).sum())


def _agreement(embedding: Embedding, cluster: npt.NDArray[np.int64], categories: dict[str, str]) -> float:
    from sklearn.metrics import normalized_mutual_info_score

    known = np.array([token in categories for token in embedding.tokens.tolist()])
    told = [categories[token] for token in embedding.tokens[known].tolist()]
    return float(normalized_mutual_info_score(told, cluster[known]))


def _categories(shared_data: Path, tokens: list[str]) -> dict[str, str]:
    """The first category, by name, that UT1 has for a domain or its parent."""
    entries = ibis.duckdb.connect().read_csv(str(shared_data / "ut1_domain_categories" / "ut1_current.csv.gz"))
    parents = {token: ".".join(token.split(".")[-2:]) for token in tokens}
    wanted = sorted({*tokens, *parents.values()})
    rows = entries.filter(entries.entry.isin(wanted)).group_by("entry").aggregate(category=entries.category.min())
    known = dict(
        zip(*(column.to_pylist() for column in rows.select("entry", "category").to_pyarrow().columns), strict=True)
    )
    return {
        token: known.get(token) or known[parents[token]]
        for token in tokens
        if token in known or parents[token] in known
    }
