"""The contract of `domain_categories`: which domain is of which category, for how long, by which map."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

NO_CATEGORY = "no_category"
REPEATED = "repeated"
OTHER_CATEGORY = "other_category"

DOMAIN_CATEGORIES = Contract(
    name="domain_categories",
    description="One row is a stretch of days in which a map has a domain in one category (slowly changing).",
    key=("map", "domain", "valid_from"),
    columns=(
        Column("map", "string", "The declared map that says so.", nullable=False),
        Column("precedence", "int64", "Place of the map in the declaration, from 1; the first wins.", nullable=False),
        Column("domain", "string", "The domain, in lower case, without www.", nullable=False),
        Column("category", "string", "Its category; clean, and renamed as declared.", nullable=False),
        Column("valid_from", "date", "First day (UTC) on which this holds.", nullable=False),
        Column("valid_to", "date", "First day (UTC) on which it doesn't any more; null while it holds."),
        Column("known_until", "date", "Day of the map's latest version: history up to it is fixed.", nullable=False),
    ),
    partition_column=None,
    rules=(
        RowRule(
            "ends_after_it_begins",
            "a stretch has at least one day",
            lambda table: table.valid_to.isnull() | (table.valid_to > table.valid_from),
        ),
    ),
    drops={
        NO_CATEGORY: "the map names the domain and says that it has no category",
        REPEATED: "the same version of the map says the same twice",
        OTHER_CATEGORY: "the same version of the map has the domain in another category, which comes first",
    },
)
