"""The contract of `identifier_pairs`: which identifiers were seen together, by day; all that persons are made of."""

from itertools import combinations

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule
from platform_assets.domain.contracts.user_ids import IDENTIFIER_COLUMNS

IDENTIFIER_PAIRS = Contract(
    name="identifier_pairs",
    description="One row is two identifiers that stood in one event of a day, or one identifier that was seen on it "
    "(then there is no other). Every identifier has a row of its own; bots have none.",
    key=("event_date", "identifier", "other_identifier"),
    columns=(
        Column("event_date", "date", "The day of the events (UTC).", nullable=False),
        Column("identifier", "string", "Pseudonym of the identifier.", nullable=False, pii=Pii.PSEUDONYM),
        Column("kind", "string", "Its kind: login, cookie, device or ip.", nullable=False),
        Column("other_identifier", "string", "Pseudonym of what it was seen with.", pii=Pii.PSEUDONYM),
        Column("other_kind", "string", "The other's kind, which stands later among login, cookie, device and ip."),
        Column("events", "int64", "Events of the day in which they stood, or it stood.", nullable=False),
    ),
    rules=(
        RowRule(
            "kinds_in_order",
            "an identifier's kind stands before that of the other among login, cookie, device and ip",
            lambda table: (
                table.other_kind.isnull()
                | (table.kind + table.other_kind).isin(
                    ["".join(kinds) for kinds in combinations(IDENTIFIER_COLUMNS, 2)]
                )
            ),
        ),
        RowRule(
            "other_with_its_kind",
            "the other comes with its kind",
            lambda table: table.other_identifier.isnull() == table.other_kind.isnull(),
        ),
    ),
)
