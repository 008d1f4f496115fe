"""The contract of `user_id_merges`: which persons turned out to be others, and by what."""

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

MERGED, PARTED = "merged", "parted"

USER_ID_MERGES = Contract(
    name="user_id_merges",
    description="One row is a person of whom identifiers went over to another person on a day: because a pair of "
    "identifiers showed that both are one, or because what had tied them together turned out to be a hub.",
    key=("event_date", "from_user_id", "into_user_id"),
    columns=(
        Column("event_date", "date", "The day (UTC) at whose end this is known.", nullable=False),
        Column("from_user_id", "string", "The person until the day before.", nullable=False, pii=Pii.PSEUDONYM),
        Column("into_user_id", "string", "The person from this day on.", nullable=False, pii=Pii.PSEUDONYM),
        Column("identifiers", "int64", "Identifiers that went over.", nullable=False),
        Column("reason", "string", "merged, or parted by a hub that was found.", nullable=False),
        Column("identifier", "string", "Of the pairs that led beyond the person: the first.", pii=Pii.PSEUDONYM),
        Column("other_identifier", "string", "What that was seen with.", pii=Pii.PSEUDONYM),
    ),
    rules=(
        RowRule("nobody_goes_nowhere", "from and into differ", lambda table: table.from_user_id != table.into_user_id),
    ),
)
