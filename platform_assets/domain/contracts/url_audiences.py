"""The contract of `url_audiences`: who belongs to which declared audience."""

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

URL_AUDIENCES = Contract(
    name="url_audiences",
    description="One row is a person who belongs to an audience when a day ends, by what the person did until then.",
    key=("event_date", "audience", "user_id"),
    columns=(
        Column("event_date", "date", "The day (UTC) at whose end the person belongs to the audience.", nullable=False),
        Column("audience", "string", "The audience's name in config/audiences.yaml.", nullable=False),
        Column("user_id", "string", "The person, as known when the day ends.", nullable=False, pii=Pii.PSEUDONYM),
        Column("events", "int64", "Events within the audience's days that meet one of its rules.", nullable=False),
        Column("last_event_date", "date", "Day (UTC) of the last of these events.", nullable=False),
    ),
    rules=(
        RowRule("no_event", "somebody in an audience has an event", lambda table: table.events >= 1),
        RowRule(
            "last_event_later", "the last event is not later than the day", lambda t: t.last_event_date <= t.event_date
        ),
    ),
)
