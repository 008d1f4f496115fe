"""By when tables and models have to be fresh. Dagster's daemon watches it; who is told stands with the alerts.

Where the days of a platform end, as those of a simulated world do, nothing is due any more.
"""

from datetime import timedelta

import dagster as dg

from platform_assets.domain.model_spec import ModelSpec

LANDED_WITHIN = timedelta(hours=36)
"""A day's files are there half a day after the day ended, or a source is late."""


def landed_daily(days: dg.DailyPartitionsDefinition) -> dg.FreshnessPolicy | None:
    """Something was published within the last day and a half."""
    return None if days.end else dg.FreshnessPolicy.time_window(fail_window=LANDED_WITHIN)


def scored_in_time(spec: ModelSpec, days: dg.DailyPartitionsDefinition) -> dg.FreshnessPolicy | None:
    """By every instant of `spec.scores_due` scores were published on the same UTC day."""
    if days.end:
        return None
    return dg.FreshnessPolicy.cron(deadline_cron=spec.scores_due, lower_bound_delta=_since_midnight(spec.scores_due))


def trained_lately(spec: ModelSpec, days: dg.DailyPartitionsDefinition) -> dg.FreshnessPolicy | None:
    """A version was trained within the spec's `fresh_days`, where it names some."""
    fresh_days = spec.retraining.fresh_days
    if days.end or fresh_days is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=fresh_days))


def _since_midnight(cron: str) -> timedelta:
    """The time of day of a cron expression's instants; a whole day where they have several, or are at midnight."""
    minute, hour, *_ = cron.split()
    if not (minute.isdigit() and hour.isdigit()) or int(minute) + int(hour) == 0:
        return timedelta(days=1)
    return timedelta(hours=int(hour), minutes=int(minute))
