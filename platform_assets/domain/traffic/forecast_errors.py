"""Earlier outlooks against what came after them: the errors that intervals and scores are measured by.

They are those of real forecasts: an outlook knows nothing of the days that it is compared with.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from platform_assets.domain.traffic.decomposition import HOURS, Floats, stabilised
from platform_assets.domain.traffic.history import History
from platform_assets.domain.traffic.outlook import HISTORY_DAYS, HORIZON_DAYS, Outlook, TooShort, outlook

CALIBRATION_DAYS = 28
"""So many earlier outlooks are compared with what came after them."""
LOOK_BACK_DAYS = HISTORY_DAYS + CALIBRATION_DAYS - 1
"""How many days before a day its rows depend on."""


@dataclass
class Outlooks:
    """Outlooks by day over one history, each made once."""

    history: History
    made: dict[date, Outlook | TooShort] = field(default_factory=dict)

    def at(self, day: date) -> Outlook | TooShort:
        """The outlook at the end of a day; days before the history's begin have none."""
        if day < self.history.first:
            return TooShort(0)
        if day not in self.made:
            self.made[day] = outlook(self.history.window(day, HISTORY_DAYS))
        return self.made[day]

    def forget_before(self, day: date) -> None:
        """Drop what isn't needed any more."""
        self.made = {made_on: made for made_on, made in self.made.items() if made_on >= day}

    def observed(self, day: date) -> Floats:
        """Counts of a day on the even scale; (series, hours), NaN in gaps."""
        place = (day - self.history.first).days
        today = self.history.window(day, HISTORY_DAYS)
        return np.where(today.collected()[-1], stabilised(self.history.counts[:, place]), np.nan)


def forecast_errors(outlooks: Outlooks, today: Outlook, day: date) -> Floats:
    """Observed minus expected by horizon and day, up to `day`; (series of today, horizons, days, hours), else NaN."""
    errors = np.full((len(today.series), HORIZON_DAYS, CALIBRATION_DAYS, HOURS), np.nan)
    for place in range(CALIBRATION_DAYS):
        target = day - timedelta(days=CALIBRATION_DAYS - 1 - place)
        if target < outlooks.history.first:
            continue
        came = outlooks.observed(target)[today.series]
        for ahead in range(1, min(HORIZON_DAYS, place + 1) + 1):
            made = outlooks.at(target - timedelta(days=ahead))
            if isinstance(made, Outlook):
                errors[:, ahead - 1, place] = came - of_series(made.expected[:, ahead - 1], made, today)
    return errors


def of_series(values: Floats, made: Outlook, today: Outlook) -> Floats:
    """The rows of an earlier outlook in the order of today's series; NaN for series that it didn't have."""
    if not len(made.series):
        return np.full((len(today.series), *values.shape[1:]), np.nan)
    place = np.minimum(np.searchsorted(made.series, today.series), len(made.series) - 1)
    had = made.series[place] == today.series
    return np.where(had.reshape(-1, *[1] * (values.ndim - 1)), values[place], np.nan)
