"""What came true: the rules that turn what happened on and after a feature day into a label.

A rule names the table that tells of it and says what of a day in that table is a hit. Whose hit it is, and which rows
are labelled with it, stands in `platform_assets.domain.modelling.training_set`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, timedelta

import ibis

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Label(ABC):
    """1 if the entity has a hit in the `horizon_days` days from the feature day on, else 0.

    `maturity_days` is the distance from a feature day to the landing day after which its label can't change any more:
    the rest of the horizon, and the lateness that the events table waits for.
    """

    horizon_days: int
    maturity_days: int

    def __post_init__(self) -> None:
        where = f"label {self.outcome!r}"
        if self.horizon_days < 1:
            raise ConfigurationError(
                f"horizon_days is {self.horizon_days}", where=where, todo="give a horizon of at least one day"
            )
        if self.maturity_days < self.horizon_days - 1:
            raise ConfigurationError(
                f"maturity_days {self.maturity_days} ends before the horizon of {self.horizon_days} days does",
                where=where,
                todo=f"give at least {self.horizon_days - 1} + the days that events may land late",
            )

    @property
    @abstractmethod
    def source_table(self) -> str:
        """The table that tells of hits, cut by `event_date`: a day's partition tells nothing of later days."""

    @property
    @abstractmethod
    def outcome(self) -> str:
        """What a hit is, in words that fit behind "has"."""

    @abstractmethod
    def hits(self, source: ibis.Table) -> ibis.Table:
        """The rows of the source table that are hits on their `event_date`."""

    def mature_at(self, feature_date: date) -> date:
        """The landing day that must be complete before the label of `feature_date` is final."""
        return feature_date + timedelta(days=self.maturity_days)

    @property
    def embargo_days(self) -> int:
        """The distance from a day that is learnt from to the first day that is tested on.

        A day that is tested on may be scored when the landing day before it is complete; only labels that were final
        then could be known. It is never less than the horizon, so that no training label reaches a tested day.
        """
        return self.maturity_days + 1

    def last_mature(self, landing_date: date) -> date:
        """The last feature day whose label is final once `landing_date` is complete."""
        return landing_date - timedelta(days=self.maturity_days)


@dataclass(frozen=True)
class LabelRule(Label):
    """A hit is an event of `event_type`; bots have none."""

    event_type: str

    def __post_init__(self) -> None:
        if not self.event_type:
            raise ConfigurationError("the label has no event type", where="label", todo="name one, e.g. 'purchase'")
        super().__post_init__()

    @property
    def source_table(self) -> str:
        """Events."""
        return EVENTS.name

    @property
    def outcome(self) -> str:
        """At least one such event."""
        return f"at least one {self.event_type}"

    def hits(self, source: ibis.Table) -> ibis.Table:
        """The events of the type that no bot made."""
        return source.filter(source.event_type == self.event_type, ~source.is_bot.fill_null(False))


@dataclass(frozen=True)
class AudienceLabel(Label):
    """A hit is something done on a day by which a person belongs to an audience when that day ends.

    An audience holds who did something in its trailing days, so belonging alone tells of the past: only a member whose
    `last_event_date` is the day itself has a hit on it. `table` is an audience table (event_date, user_id,
    last_event_date) that names its audiences in `column`, e.g. url_audiences in `audience`, category_audiences in
    `category`.
    """

    table: str
    audience: str
    column: str = "audience"

    def __post_init__(self) -> None:
        if not (self.table and self.audience and self.column):
            raise ConfigurationError(
                f"table {self.table!r}, audience {self.audience!r} and column {self.column!r} name no audience",
                where="label",
                todo="name all three, e.g. AudienceLabel('url_audiences', 'buyers', …)",
            )
        super().__post_init__()

    @property
    def source_table(self) -> str:
        """The audience table."""
        return self.table

    @property
    def outcome(self) -> str:
        """At least one event that makes or keeps a member."""
        return f"at least one event by which it belongs to {self.audience} of {self.table}"

    def hits(self, source: ibis.Table) -> ibis.Table:
        """The members by what they did on the day."""
        members = self.members(source)
        return members.filter(members.last_event_date == members.event_date)

    def members(self, source: ibis.Table) -> ibis.Table:
        """All rows of the audience."""
        return source.filter(source[self.column] == self.audience)
