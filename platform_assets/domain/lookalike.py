"""Lookalikes: who resembles the members of a seed audience, and how many of them will become members.

A lookalike model is a `ModelSpec` whose label is an `AudienceLabel`; training, promotion, scores and validation are
those of every model. Here is what it is for: its seed is expanded by the best-scored persons who don't belong to it;
who they are and what to expect of them stands in `platform_assets.domain.modelling.expansion`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import ibis

from platform_assets.domain.errors import ConfigurationError, PlatformError
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.model_spec import PERSON, ModelSpec


class NobodyInSeed(PlatformError):
    """The seed audience has no member on a day: there is nobody to be alike."""


@dataclass(frozen=True, kw_only=True)
class Lookalike:
    """A model of who joins a seed audience, and to how many persons the seed is expanded by it (`size`)."""

    model: ModelSpec
    size: int

    def __post_init__(self) -> None:
        where, label = f"lookalike {self.model.name!r}", self.model.label
        if not isinstance(label, AudienceLabel):
            raise ConfigurationError(f"its label is {label.outcome}", where=where, todo="give it an AudienceLabel")
        if self.size < 1:
            raise ConfigurationError(f"its size is {self.size}", where=where, todo="choose at least one person")

    @property
    def seed(self) -> AudienceLabel:
        """The audience that is expanded."""
        assert isinstance(self.model.label, AudienceLabel)
        return self.model.label

    @property
    def table(self) -> str:
        """The name of the expansion's table and asset."""
        return self.model.table("audience")

    def waiting_for(self, lateness_days: int) -> "Lookalike":
        """The same lookalike, whose labels wait until events that are `lateness_days` late have landed."""
        return replace(self, model=self.model.waiting_for(lateness_days))


def non_members(rows: ibis.Table, members: ibis.Table, day: str) -> ibis.Table:
    """Those of `rows` (user_id and a column `day`) who didn't belong to the seed when their day began.

    `members` are rows of an audience table, as of the end of their `event_date`. Both name persons as known at the end
    of the day before `day`.
    """
    held = members.select(_member=members.user_id, _begins=members.event_date + ibis.interval(days=1)).distinct()
    return rows.anti_join(held, [rows[PERSON] == held._member, rows[day] == held._begins])


def require_members(days: Collection[date], members: ibis.Table, lookalike: Lookalike) -> None:
    """Raises `NobodyInSeed` if the seed had no member when one of the days began."""
    begin = members.select(begins=(members.event_date + ibis.interval(days=1)).cast("date")).distinct().to_pyarrow()
    lacking = sorted(set(days) - set(begin["begins"].to_pylist()))
    if lacking:
        seed = lookalike.seed
        raise NobodyInSeed(
            f"{seed.audience!r} has no member when {lacking[0]} begins (days without one: {len(lacking)})",
            where=f"{seed.table} for {lookalike.table}",
            todo=f"materialise {seed.table} for the day before, or choose an audience that has members",
        )
