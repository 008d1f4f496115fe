"""The contract of `audience_overlap`: how many persons two audiences have in common."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

MOST_AUDIENCES = 100
"""So many audiences of a day are compared, the largest: pairs grow with the square, and small ones hardly overlap."""

AUDIENCE_OVERLAP = Contract(
    name="audience_overlap",
    description="One row is two audiences that have a member in common when a day begins. Every pair stands in it from "
    f"both sides; the {MOST_AUDIENCES} largest audiences of a day are compared.",
    key=("event_date", "audience", "other_audience"),
    columns=(
        Column("event_date", "date", "The day (UTC) at whose beginning this is known.", nullable=False),
        Column("audience", "string", "Kind and name, as in url:buyers and category:sports.", nullable=False),
        Column("other_audience", "string", "The other one, likewise.", nullable=False),
        Column("members", "int64", "Members of the audience.", nullable=False),
        Column("other_members", "int64", "Members of the other one.", nullable=False),
        Column("members_in_both", "int64", "Persons who belong to both.", nullable=False),
        Column("members_share", "float64", "Share of the audience's members who belong to both.", nullable=False),
        Column(
            "smaller_share",
            "float64",
            "The same share of the smaller of the two; 1: one holds the other.",
            nullable=False,
        ),
        Column("jaccard", "float64", "Persons in both over persons in either.", nullable=False),
    ),
    rules=(
        RowRule("another_audience", "an audience isn't compared with itself", lambda t: t.audience != t.other_audience),
        RowRule(
            "both_among_members",
            "who belongs to both belongs to either",
            lambda t: t.members_in_both.between(1, t.members) & (t.members_in_both <= t.other_members),
        ),
    ),
)
