"""The contract of `audience_report`: how large an audience is, how active, how much likelier to convert."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

POPULATION_DAYS = 28
"""The population of a day is everybody with an event in so many days before it: those who have features as well."""

NO_ACTIVE_MEMBER = "no_active_member"
EVERYBODY_IS_A_MEMBER = "everybody_is_a_member"
NOBODY_CONVERTED = "nobody_converted"
EVERYBODY_CONVERTED = "everybody_converted"
REASONS = (NO_ACTIVE_MEMBER, EVERYBODY_IS_A_MEMBER, NOBODY_CONVERTED, EVERYBODY_CONVERTED)
"""Why there is no odds ratio: a side of the comparison is empty, so that nothing is known of it."""

AUDIENCE_REPORT = Contract(
    name="audience_report",
    description="One row is an audience on a day: its members as known when the day begins, and how they and everybody "
    "else converted on that day.",
    key=("event_date", "audience"),
    columns=(
        Column("event_date", "date", "The day (UTC) that is reported.", nullable=False),
        Column("audience", "string", "Kind and name, as in url:buyers and category:sports.", nullable=False),
        Column("members", "int64", "Reach: persons who belong to it when the day begins.", nullable=False),
        Column("members_entered", "int64", "Of these, who didn't the day before; null if that day isn't known."),
        Column("members_left", "int64", "Who belonged to it the day before and doesn't any more; null likewise."),
        Column("events_mean", "float64", "Frequency: events a member, as the audience counts them."),
        Column("events_p50", "float64", "Median of the events a member."),
        Column("events_p90", "float64", "90th percentile of the events a member."),
        Column("days_since_last_event_mean", "float64", "Recency: days from a member's last event to the day, 1 up."),
        Column("days_since_last_event_p50", "float64", "Median of the days since the last event."),
        Column(
            "population",
            "int64",
            f"Persons with an event in the {POPULATION_DAYS} days before the day, as known when it ends; no bots.",
            nullable=False,
        ),
        Column("active_members", "int64", "Persons of the population who are members.", nullable=False),
        Column("population_share", "float64", "Share of the population that is a member; null if there is nobody."),
        Column("converted_members", "int64", "Active members who converted on the day.", nullable=False),
        Column("converted_others", "int64", "Others of the population who converted on the day.", nullable=False),
        Column("conversion_share", "float64", "Share of the active members who converted; null if there are none."),
        Column("others_conversion_share", "float64", "Share of the others who converted; null if there are none."),
        Column("lift", "float64", "The members' share over the population's; null if one isn't known or nobody did."),
        Column(
            "odds_ratio",
            "float64",
            "The members' odds to convert over the others' (median unbiased); null also where it is beyond all bounds.",
        ),
        Column("odds_ratio_low", "float64", "Lower end of its 95 % interval (exact, mid-p); 0 if no member converted."),
        Column("odds_ratio_high", "float64", "Upper end; null also where there is none: nobody but members converted."),
        Column("no_odds_ratio", "string", f"Why there is none: {', '.join(REASONS)}."),
    ),
    rules=(
        RowRule(
            "counts_fit",
            "who converted is among the active members, these are among the population",
            lambda t: (
                (t.converted_members >= 0)
                & (t.converted_members <= t.active_members)
                & (t.active_members <= t.population)
                & (t.converted_others >= 0)
                & (t.converted_others <= t.population - t.active_members)
            ),
        ),
        RowRule(
            "entered_among_members",
            "who entered is a member",
            lambda t: t.members_entered.isnull() | (t.members_entered <= t.members),
        ),
        RowRule(
            "interval_or_reason",
            "there is an interval with the odds ratio in it, or a reason why not",
            lambda t: t.no_odds_ratio.isnull().ifelse(
                t.odds_ratio_low.notnull()
                & (t.odds_ratio.isnull() | (t.odds_ratio_low <= t.odds_ratio))
                & (t.odds_ratio_high.isnull() | (t.odds_ratio <= t.odds_ratio_high)),
                t.no_odds_ratio.isin(list(REASONS)) & t.odds_ratio_low.isnull() & t.odds_ratio_high.isnull(),
            ),
        ),
    ),
)
