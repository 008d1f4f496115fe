"""Features of a person on a day from the clusters of the domains that they visited.

Point in time: a day takes the clusters that were published for it or for one of the days before it, and those are made
from events strictly before the day that they are for.
"""

import ibis

from platform_assets.domain.contracts.user_features import CLUSTER_FEATURES

CLUSTERS_KEPT_DAYS = 14
"""Clusters count until so many days after the day that they were published for: they are made once a week, and one
week may be missed."""


def with_cluster_features(features: ibis.Table, seen: ibis.Table, domain_clusters: ibis.Table | None) -> ibis.Table:
    """`features` with the columns `CLUSTER_FEATURES`.

    `seen` says how many `events` a person had on each `domain` in the window before each event_date. Null for who
    visited no domain with a cluster, and for all on days without clusters, or where there are none at all (None).
    """
    if domain_clusters is None:
        return features.mutate(**{each.name: ibis.null(each.dtype) for each in CLUSTER_FEATURES})
    current = clusters_of_days(domain_clusters, features.select("event_date").distinct())
    found = seen.join(current, ["event_date", "domain"])
    visited = found.group_by("event_date", "user_id", "cluster").aggregate(events=found.events.sum())
    counted = visited.group_by("event_date", "user_id").aggregate(
        clusters_28d=visited.count(),
        top_cluster_share_28d=visited.events.max().cast("float64") / visited.events.sum().cast("float64"),
    )
    joined = features.left_join(counted, ["event_date", "user_id"], rname="_known_{name}")
    return joined.select(*features.columns, *(each.name for each in CLUSTER_FEATURES))


def clusters_of_days(domain_clusters: ibis.Table, days: ibis.Table) -> ibis.Table:
    """The clusters that hold on each of `days` (event_date): event_date, domain, cluster, by the latest published."""
    published = domain_clusters.select(published="event_date").distinct()
    latest = days.join(
        published,
        [
            published.published <= days.event_date,
            published.published > days.event_date - ibis.interval(days=CLUSTERS_KEPT_DAYS),
        ],
    )
    held = latest.group_by("event_date").aggregate(published=latest.published.max())
    renamed = domain_clusters.select("domain", "cluster", published="event_date")
    return held.join(renamed, "published").select("event_date", "domain", "cluster")
