"""The contract of `traffic_series`, and how series are named."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

ALL = "all"
"""The series of all events."""
SITE, CATEGORY, EVENT_TYPE = "site", "category", "event_type"
"""Kinds of series; the name of one is `<kind>:<value>`."""

TRAFFIC_SERIES = Contract(
    name="traffic_series",
    description="One row is one hour of one series in which it had an event; hours without one have no row.",
    key=("event_date", "series", "hour_at"),
    columns=(
        Column("event_date", "date", "The day (UTC).", nullable=False),
        Column(
            "series",
            "string",
            "all, or kind and value: site:a.example, category:sports, event_type:purchase.",
            nullable=False,
        ),
        Column("hour_at", "timestamp", "When the hour begins (UTC).", nullable=False),
        Column("events", "int64", "Events of people in it; bots don't count.", nullable=False),
    ),
    rules=(RowRule("no_event", "an hour with a row has an event", lambda table: table.events > 0),),
)
