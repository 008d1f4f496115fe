"""What one simulated world is asked to be: its days, size, seed, and the days on which something happens.

Every random stream is named here, so that a change in one part of the world leaves the others as they were.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zlib import crc32

import numpy as np

from platform_assets.domain.errors import PlatformError

EVENTS_PER_PERSON_DAY = 6.25
"""Mean over kinds and days, bots included; fixes how many persons a wished number of events needs."""

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

MISSING_HOUR = 13
"""UTC hour of the outage. Far from midnight, so that no session runs into it from the day before."""


class SimulationError(PlatformError):
    """The simulated world was asked for with arguments that make no world."""


@dataclass(frozen=True)
class World:
    """The arguments of one simulation, checked, and the dates that follow from them.

    Days are counted from 0 (`first_day`). `drift_day` is the day number from which conversions follow other interests;
    `horizon_days` is how far the planted conversion probabilities look. `anomalies` is whether sites have outages and
    topics surge, `hubs` whether many persons share kiosks, test logins and offices.
    """

    first_day: date
    days: int
    events: int
    seed: int
    drift_day: int | None = None
    horizon_days: int = 7
    anomalies: bool = True
    hubs: bool = False

    def __post_init__(self) -> None:
        if self.days < 1 or self.events < 1:
            raise SimulationError(
                f"a world needs days and events of at least 1, got days={self.days}, events={self.events}",
                where="simulate",
                todo="give positive numbers",
            )
        if self.horizon_days < 1:
            raise SimulationError(
                f"a horizon of {self.horizon_days} days looks at nothing",
                where="simulate",
                todo="give a horizon of at least 1 day",
            )
        if self.seed < 0:
            raise SimulationError(
                f"the seed {self.seed} is negative", where="simulate", todo="give a seed of 0 or more"
            )
        if self.drift_day is not None and not 0 <= self.drift_day < self.days:
            raise SimulationError(
                f"drift day {self.drift_day} lies outside the world's days 0 … {self.days - 1}",
                where="simulate",
                todo="give a day number within the world, or none",
            )

    @property
    def persons(self) -> int:
        """How many persons live here."""
        return max(20, round(self.events / (self.days * EVENTS_PER_PERSON_DAY)))

    @property
    def last_day(self) -> date:
        """The last landing day."""
        return self.date_of(self.days - 1)

    @property
    def missing_day(self) -> int:
        """The day number on which the collector was down for one hour."""
        return self.days // 2

    @property
    def consent_day(self) -> int:
        """The day number from which records carry the field `consent`."""
        return -(-self.days * 2 // 3)

    def date_of(self, day: int) -> date:
        """The calendar date of a day number."""
        return self.first_day + timedelta(days=day)

    def midnight_ms(self, day: int) -> int:
        """Milliseconds from 1970 to the start of a day, UTC."""
        return (self.date_of(day) - date(1970, 1, 1)).days * DAY_MS

    def rng(self, stream: str, *numbers: int) -> np.random.Generator:
        """The random stream of one part of the world, the same whatever else was drawn before."""
        return np.random.default_rng([self.seed, crc32(stream.encode()), *numbers])
