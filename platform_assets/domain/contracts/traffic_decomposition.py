"""The contract of `traffic_decomposition`: what is seen of every series' traffic when a day ends."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

OBSERVED = 0
"""`horizon_days` of the hours of the day itself."""

TRAFFIC_DECOMPOSITION = Contract(
    name="traffic_decomposition",
    description="One row is one hour of one series: of the day itself, taken apart into trend, seasons and residual, "
    "or of the seven days after it, with its forecast as of the day's end.",
    key=("event_date", "series", "hour_at"),
    columns=(
        Column("event_date", "date", "The day (UTC) at whose end this is known.", nullable=False),
        Column("series", "string", "The series, as in traffic_series.", nullable=False),
        Column("hour_at", "timestamp", "When the hour begins (UTC).", nullable=False),
        Column("horizon_days", "int64", "Days from event_date to the hour's day; 0 is observed.", nullable=False),
        Column("events", "int64", "Events in the hour; null ahead, and where the collector was away."),
        Column("is_gap", "boolean", "Whether the collector was away in the hour; null ahead."),
        Column("trend", "float64", "Level of the series, events an hour; null ahead, as are the seasons."),
        Column("season_day", "float64", "What the hour of the day adds to it, events."),
        Column("season_week", "float64", "What the weekday adds to both, events."),
        Column("residual", "float64", "What is left: events without trend and seasons; null in a gap."),
        Column("score", "float64", "Robust deviations from the forecast made the day before, of the most extreme run "
               "of hours that it belongs to; below 0: too few. Null until there is a measure."),
        Column("is_anomaly", "boolean", "Whether the score is beyond 5; null where it isn't judged: in a gap, "
               "in series with fewer than 5 events an hour, early in history, ahead."),
        Column("forecast", "float64", "Mean number of events expected: ahead as of event_date, of the day itself as of "
               "the day before (null if there was none)."),
        Column("forecast_low", "float64", "Lower end of its 90 % interval; null until errors could be measured."),
        Column("forecast_high", "float64", "Upper end of its 90 % interval."),
    ),
    rules=(
        RowRule("horizon_unknown", "the hour lies at most seven days ahead", lambda t: t.horizon_days.between(0, 7)),
        RowRule(
            "low_above_high",
            "an interval begins before it ends",
            lambda t: t.forecast_low.isnull() | (t.forecast_low <= t.forecast_high),
        ),
    ),
)  # fmt: skip
