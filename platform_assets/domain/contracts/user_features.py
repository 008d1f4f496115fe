"""The contract of `user_features`, and the names of the features in one place for every model."""

import ibis

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

WINDOWS_DAYS = (1, 7, 28)
COUNTED_EVENT_TYPES = {
    "page_view": "page_views",
    "product_view": "product_views",
    "search": "searches",
    "ad_impression": "ad_impressions",
    "ad_click": "ad_clicks",
    "add_to_cart": "cart_additions",
    "purchase": "purchases",
}
"""Event types that get a count of their own, with the name of that count; all others count in `events_<n>d` only."""

_WINDOWED = tuple(
    Column(name.format(days=days), dtype, text.format(before=before), nullable=False)
    for days in WINDOWS_DAYS
    for before in ["on the day before" if days == 1 else f"in the {days} days before"]
    for name, dtype, text in (
        ("events_{days}d", "int64", "Events {before}."),
        *(
            (f"{plural}_{{days}}d", "int64", f"Events of type {kind} {{before}}.")
            for kind, plural in COUNTED_EVENT_TYPES.items()
        ),
        ("sessions_{days}d", "int64", "Sessions, counted by day, {before}."),
        ("active_days_{days}d", "int64", "Days with an event {before}."),
        ("value_{days}d", "float64", "Sum of value {before}."),
    )
)

CATEGORY_FEATURES = (
    Column("categories_28d", "int64", "Different categories of sites visited in the 28 days before; null for none."),
    Column("top_category_share_28d", "float64", "Share of the category visited most among visits of known categories."),
    Column("category_concentration_28d", "float64", "Sum of the squared shares of all categories: 1 where all is one."),
    Column("commerce_share_28d", "float64", "Share of categories whose sites sell among visits of known categories."),
)
"""Null where nobody knows: no visit of a known category, or no `category_audiences` of the day before."""

CLUSTER_FEATURES = (
    Column("clusters_28d", "int64", "Different clusters of domains visited in the 28 days before; null for none."),
    Column("top_cluster_share_28d", "float64", "Share of the cluster visited most among events on domains with one."),
)
"""Null where nobody knows: no event on a domain with a cluster, or no `domain_clusters` of the last 14 days."""

USER_FEATURES = Contract(
    name="user_features",
    description="One row is one person with an event in the 28 days before a day, as known when that day begins.",
    key=("event_date", "user_id"),
    columns=(
        Column("event_date", "date", "The day that the features are for; nothing of it is in them.", nullable=False),
        Column("user_id", "string", "The person.", nullable=False, pii=Pii.PSEUDONYM),
        *_WINDOWED,
        Column("days_since_last_event", "int64", "Days from the last event to this day, 1 or more.", nullable=False),
        Column("days_since_last_purchase", "int64", "Days from the last purchase; 29 if none in 28.", nullable=False),
        Column("domains_28d", "int64", "Different domains in the 28 days before.", nullable=False),
        Column("devices_28d", "int64", "Different kinds of device in the 28 days before.", nullable=False),
        Column("evening_share_28d", "float64", "Share of events from 18:00 to 24:00 UTC.", nullable=False),
        Column("weekend_share_28d", "float64", "Share of events on Saturdays and Sundays (UTC).", nullable=False),
        Column("mobile_share_28d", "float64", "Share of events on a mobile or tablet.", nullable=False),
        *CATEGORY_FEATURES,
        *CLUSTER_FEATURES,
    ),
    rules=(
        RowRule(
            "recency_in_window",
            "the last event is 1 to 28 days old",
            lambda table: table.days_since_last_event.between(1, max(WINDOWS_DAYS)),
        ),
        RowRule(
            "shares_are_shares",
            "shares lie between 0 and 1",
            lambda table: ibis.and_(
                *(
                    table[name].isnull() | table[name].between(0, 1)
                    for name in table.columns
                    if name.endswith("_share_28d")
                )
            ),
        ),
    ),
)

FEATURE_NAMES = tuple(name for name in USER_FEATURES.column_names if name not in USER_FEATURES.key)
"""Every feature column, in the table's order."""
