"""How often the intervals of `audience_report` hold the planted odds ratios.

The truth is read here and in tests only; no asset knows it.
"""

from dataclasses import dataclass, replace
from datetime import date

import ibis
import numpy as np

from platform_assets.demo.planted_quality import PlantedTruth, planted_by_user
from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audience_reports.members import known_when_days_begin
from platform_assets.domain.audience_reports.population import population
from platform_assets.domain.audience_reports.report import active_members

PURCHASE = Conversion(event_type="purchase")

FEW = 5
"""Fewer conversions than that, of members or of others, are few: no normal distribution would describe them."""


@dataclass(frozen=True)
class PlantedOdds:
    """Audiences and days with an interval: how many there are and in how many it holds the planted odds ratio; the same
    of those with few conversions. `undefined` have no interval; `unknown` persons are not in the truth (none should
    be) and are left out of what is planted."""

    intervals: int
    held: int
    intervals_of_few: int
    held_of_few: int
    undefined: int
    unknown: int

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold what is planted; not a number where there is none."""
        return self.held / self.intervals if self.intervals else float("nan")

    @property
    def coverage_of_few(self) -> float:
        """The same where few converted."""
        return self.held_of_few / self.intervals_of_few if self.intervals_of_few else float("nan")


def planted_odds(
    report: ibis.Table,
    members: ibis.Table,
    events: ibis.Table,
    user_ids: ibis.Table,
    truth: PlantedTruth,
    first: date,
    last: date,
) -> PlantedOdds:
    """Compare the report of the days `first` … `last` with the truth, of which `probability_1d` is read.

    The planted odds ratio of an audience on a day is that of the mean probabilities of its active members and of all
    others in the population; both are fixed before anybody buys.
    """
    chances = replace(
        truth, probability=truth.probability.select("event_date", "person_id", probability="probability_1d")
    )
    people = population(events, user_ids, PURCHASE, first, last)
    chance = planted_by_user(chances, user_ids, people.select("event_date").distinct(), known_days_before=0)
    known = people.left_join(
        chance, [people.event_date == chance.planted_date, people.user_id == chance.planted_user]
    ).select("event_date", "user_id", "converted", "probability")
    now = known_when_days_begin(members, first, last)
    active = active_members(now, people, user_ids).drop("converted").join(known, ["event_date", "user_id"])
    here = active.group_by("event_date", "audience").aggregate(
        expected_members=active.probability.sum(), known_members=active.probability.count()
    )
    everybody = known.group_by("event_date").aggregate(
        expected=known.probability.sum(),
        known=known.probability.count(),
        unknown=known.probability.isnull().sum(),
    )
    rows = report.left_join(here, ["event_date", "audience"]).drop("event_date_right", "audience_right")
    compared = rows.left_join(everybody, "event_date").drop("event_date_right").to_pandas()
    unknown = int(everybody.to_pandas().unknown.sum())
    share = compared.expected_members / compared.known_members
    others = (compared.expected - compared.expected_members) / (compared.known - compared.known_members)
    planted = share / (1 - share) / (others / (1 - others))
    high = compared.odds_ratio_high.astype(float).fillna(np.inf)
    has_interval = compared.no_odds_ratio.isnull()
    held = has_interval & (compared.odds_ratio_low <= planted) & (planted <= high)
    few = has_interval & (compared[["converted_members", "converted_others"]].min(axis=1) < FEW)
    return PlantedOdds(
        intervals=int(has_interval.sum()),
        held=int(held.sum()),
        intervals_of_few=int(few.sum()),
        held_of_few=int((held & few).sum()),
        undefined=int((~has_interval).sum()),
        unknown=unknown,
    )
