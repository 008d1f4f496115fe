"""Forecasts of a day against what came true, beside the seasonal naive forecast: the same hour of the week before.

Mean absolute errors are compared on the same hours (Hyndman and Koehler 2006, https://doi.org/10.1016/j.ijforecast.2006.03.001,
whose scaled error is the quotient of the two).
"""

from datetime import date

import ibis

from platform_assets.domain.contracts.forecast_validation import FORECAST_VALIDATION
from platform_assets.domain.contracts.traffic_decomposition import OBSERVED

WEEK_DAYS = 7
"""How far back the naive forecast and the oldest forecast lie."""

_EXACT = "decimal(38, 6)"
"""Forecasts have six decimals; sums in this type don't depend on the order in which an engine adds."""


def forecast_validation(decomposition: ibis.Table, first: date, last: date) -> ibis.Table:
    """The validation of the days `first` … `last` from the decompositions of them and of the seven days before each.

    Hours that were a gap, or whose hour of the week before was one, are left out.
    """
    observed = decomposition.filter(decomposition.horizon_days == OBSERVED, decomposition.events.notnull())
    came = observed.select("series", "hour_at", "event_date", "events")
    before = observed.select("series", naive=observed.events, hour_at=observed.hour_at + ibis.interval(days=WEEK_DAYS))
    ahead = decomposition.filter(decomposition.horizon_days > OBSERVED)
    made = ahead.select("series", "hour_at", "horizon_days", "forecast", "forecast_low", "forecast_high")
    hours = made.join(came.filter(came.event_date.between(first, last)), ["series", "hour_at"])
    hours = hours.join(before, ["series", "hour_at"])
    covered = hours.events.between(hours.forecast_low, hours.forecast_high)
    summed = hours.group_by("event_date", "series", "horizon_days").aggregate(
        hours=hours.count(),
        events=hours.events.sum().cast("int64"),
        forecast=hours.forecast.cast(_EXACT).sum(),
        distance=(hours.forecast.cast(_EXACT) - hours.events.cast(_EXACT)).abs().sum(),
        naive_distance=(hours.naive - hours.events).abs().sum().cast("int64"),
        interval_hours=hours.count(where=hours.forecast_low.notnull()),
        covered_hours=hours.count(where=covered.fill_null(False)),
    )
    return summed.mutate(
        forecast=summed.forecast.cast("float64"),
        mean_absolute_error=summed.distance.cast("float64") / summed.hours,
        naive_error=summed.naive_distance / summed.hours,
        coverage=summed.covered_hours / summed.interval_hours.nullif(0),
    ).select(*FORECAST_VALIDATION.column_names)


def validated_days(validation: ibis.Table) -> ibis.Table:
    """What a day's validation comes to: series, coverage of all its intervals, share of series that beat the naive one.

    A series beats it if its error over all horizons is smaller.
    """
    errors = validation.mutate(
        distance=(validation.mean_absolute_error * validation.hours).cast(_EXACT),
        naive_distance=(validation.naive_error * validation.hours).cast(_EXACT),
    )
    by_series = errors.group_by("event_date", "series").aggregate(
        distance=errors.distance.sum(),
        naive_distance=errors.naive_distance.sum(),
        interval_hours=errors.interval_hours.sum(),
        covered_hours=errors.covered_hours.sum(),
    )
    days = by_series.group_by("event_date").aggregate(
        series=by_series.count(),
        better=by_series.count(where=by_series.distance < by_series.naive_distance),
        interval_hours=by_series.interval_hours.sum().cast("int64"),
        covered_hours=by_series.covered_hours.sum().cast("int64"),
    )
    return days.select(
        "event_date",
        "series",
        "interval_hours",
        share_better_than_naive=days.better / days.series,
        coverage=days.covered_hours / days.interval_hours.nullif(0),
    )
