"""The contract of `events`: the canonical event that every later table is computed from."""

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule

DUPLICATE = "duplicate"
VALUE_NOT_A_NUMBER = "value_not_a_number"

LARGEST_VALUE = 1e15
"""Beyond it a number of this type can't tell a tenth from nothing."""

EVENTS = Contract(
    name="events",
    description="One row is one thing that happened on a site or in an app, told once.",
    key=("event_id",),
    columns=(
        Column("event_id", "string", "Source and the event's id there.", nullable=False),
        Column("event_time", "timestamp", "When it happened (UTC).", nullable=False),
        Column("event_date", "date", "Day on which it happened (UTC).", nullable=False),
        Column("source", "string", "The declared source that told it.", nullable=False),
        Column("event_type", "string", "What happened, in the source's words: page_view, purchase, …", nullable=False),
        Column("login_hash", "string", "Pseudonym of the login.", pii=Pii.PSEUDONYM),
        Column("cookie_id", "string", "Pseudonym of the cookie.", pii=Pii.PSEUDONYM),
        Column("device_id", "string", "Pseudonym of the device's own identifier.", pii=Pii.PSEUDONYM),
        Column("ip_hash", "string", "Pseudonym of the network address.", pii=Pii.PSEUDONYM),
        Column("session_id", "string", "Events of one client, at most 30 minutes apart.", pii=Pii.PSEUDONYM),
        Column("url", "string", "The page's address; what looks like an e-mail address is redacted."),
        Column("domain", "string", "The address's host in lower case, without www."),
        Column("path", "string", "The address's path."),
        Column("referrer_domain", "string", "Domain of the page that the visitor came from."),
        Column("utm_source", "string", "Campaign parameter utm_source."),
        Column("utm_medium", "string", "Campaign parameter utm_medium."),
        Column("utm_campaign", "string", "Campaign parameter utm_campaign."),
        Column("device", "string", "Kind of device: desktop, mobile or tablet."),
        Column("country", "string", "Country, as the source writes it."),
        Column("item", "string", "The product or content that the event is about."),
        Column("value", "float64", "Worth of the event in the source's currency."),
        Column("is_bot", "boolean", "Whether the user agent names a program.", nullable=False),
    ),
    rules=(
        RowRule(
            "value_not_finite",
            "value is a finite number where there is one",
            lambda table: table.value.isnull() | ~(table.value.isnan() | table.value.isinf()),
        ),
        RowRule(
            "value_too_large",
            f"value lies between -{LARGEST_VALUE:,.0f} and {LARGEST_VALUE:,.0f}: sums stay exact to a millionth",
            lambda table: table.value.isnull() | table.value.between(-LARGEST_VALUE, LARGEST_VALUE),
        ),
    ),
    drops={DUPLICATE: "an earlier copy of the same event is published"},
    version=2,
    migrations={1: lambda rows: rows.drop("user_id")},  # whose event it is says the table user_ids
)
