"""The contract of `user_ids`: which identifier is which person, as known when a day ends."""

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

LOGIN, COOKIE, DEVICE, IP = "login", "cookie", "device", "ip"
IDENTIFIER_COLUMNS = {LOGIN: "login_hash", COOKIE: "cookie_id", DEVICE: "device_id", IP: "ip_hash"}
"""Kind of an identifier → the column of `events` that holds it, the one that says most of a person first."""

USER_IDS = Contract(
    name="user_ids",
    description="One row is an identifier that was seen on a day, or whose person changed on it, and the person that "
    "it belongs to when the day ends.",
    key=("event_date", "identifier"),
    columns=(
        Column("event_date", "date", "The day (UTC) at whose end this is known.", nullable=False),
        Column("identifier", "string", "Pseudonym of the identifier.", nullable=False, pii=Pii.PSEUDONYM),
        Column("kind", "string", "login, cookie, device or ip.", nullable=False),
        Column("user_id", "string", "The person; null for an identifier that many share.", pii=Pii.PSEUDONYM),
        Column("is_hub", "boolean", "Whether so many share it that it tells nobody apart.", nullable=False),
        Column(
            "previous_user_id",
            "string",
            "The person that it belonged to until the day before, where that has changed.",
            pii=Pii.PSEUDONYM,
        ),
        Column("founded_date", "date", "The day on which the person was first known; null for a hub."),
        Column("last_seen_date", "date", "The last day on which the identifier itself was seen."),
        Column(
            "shared_by",
            "int64",
            "With how many others of one kind a hub was seen in the last 28 days, where that is too many.",
        ),
    ),
    rules=(
        RowRule("kind_unknown", "kind is known", lambda table: table.kind.isin(list(IDENTIFIER_COLUMNS))),
        RowRule(
            "hub_or_person", "a hub is nobody, anything else is somebody", lambda t: t.is_hub == t.user_id.isnull()
        ),
    ),
)
