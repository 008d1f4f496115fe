"""The contract of `forecast_validation`: what became of a day's forecasts."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

FORECAST_VALIDATION = Contract(
    name="forecast_validation",
    description="One row is what was forecast for a day so many days before, of one series, against what came true.",
    key=("event_date", "series", "horizon_days"),
    columns=(
        Column("event_date", "date", "The day (UTC) that the forecasts were for.", nullable=False),
        Column("series", "string", "The series, as in traffic_series.", nullable=False),
        Column("horizon_days", "int64", "How many days before they were made, 1 to 7.", nullable=False),
        Column("hours", "int64", "Hours compared: neither they nor the same hours of the week before are gaps.",
               nullable=False),
        Column("events", "int64", "Events that came in these hours.", nullable=False),
        Column("forecast", "float64", "Events that were forecast for them.", nullable=False),
        Column("mean_absolute_error", "float64", "Mean distance of forecast and events of an hour.", nullable=False),
        Column("naive_error", "float64", "The same of the seasonal naive forecast: the same hour of the week before.",
               nullable=False),
        Column("interval_hours", "int64", "Hours that had a 90 % interval.", nullable=False),
        Column("covered_hours", "int64", "Hours among them whose events lay within it.", nullable=False),
        Column("coverage", "float64", "Share of the two; null where no hour had an interval."),
    ),
    rules=(
        RowRule("horizon_unknown", "made one to seven days before", lambda table: table.horizon_days.between(1, 7)),
        RowRule("too_many_hours", "covered ≤ with interval ≤ compared ≤ 24", lambda table: (
            (table.covered_hours <= table.interval_hours) & (table.interval_hours <= table.hours) & (table.hours <= 24)
        )),
    ),
)  # fmt: skip
