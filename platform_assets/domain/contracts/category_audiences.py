"""The contract of `category_audiences`: who has visited sites of which category lately."""

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

WINDOW_DAYS = 28
"""Visits count from the day itself and the 27 days before it: four whole weeks, so that no weekday counts more."""

NOT_VISITS = ("ad_impression",)
"""Event types that happen to a person, not by them; every other event on a site's page is a visit of the site."""

CATEGORY_AUDIENCES = Contract(
    name="category_audiences",
    description=f"One row is a person who visited sites of a category in the {WINDOW_DAYS} days up to and including a "
    "day, as known when it ends.",
    key=("event_date", "category", "user_id"),
    columns=(
        Column("event_date", "date", "The last day of the window (UTC).", nullable=False),
        Column("category", "string", "The category.", nullable=False),
        Column("user_id", "string", "The person.", nullable=False, pii=Pii.PSEUDONYM),
        Column(
            "events",
            "int64",
            "Visits of sites of the category in the window: all events but ad impressions.",
            nullable=False,
        ),
        Column(
            "share",
            "float64",
            "Of the person's visits that have a category at all; a person's shares add up to 1.",
            nullable=False,
        ),
        Column("last_event_date", "date", "Day of the last of these visits (UTC).", nullable=False),
    ),
    rules=(
        RowRule(
            "share_is_a_share",
            "share is more than 0 and at most 1",
            lambda table: (table.share > 0) & (table.share <= 1),
        ),
        RowRule(
            "visited_in_window", "the last visit is not after the day", lambda t: t.last_event_date <= t.event_date
        ),
    ),
)
