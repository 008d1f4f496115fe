"""What a declared audience is. How one is written in a file stands in `audiences_file`, texts in `patterns`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from platform_assets.domain.audiences.patterns import Pattern

DEFAULT_WITHIN_DAYS = 28
LONGEST_WITHIN_DAYS = 366
DEFAULT_WARN_AFTER_DAYS = 7


@dataclass(frozen=True)
class Rule:
    """Conditions on one event: every one that is given must hold, and of its values one.

    `domains` and `referrers` are hosts in small letters without `www.`; `*.example.org` is example.org and every host
    below it. `paths` are matched against the decoded path. `query` holds parameters by name, all of which must be
    there, each as `patterns.parameter` makes it.
    """

    domains: tuple[str, ...] = ()
    paths: tuple[Pattern, ...] = ()
    query: tuple[tuple[str, Pattern], ...] = ()
    referrers: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Audience:
    """People with at least `at_least` events, on at least `on_days` days, that meet a rule of `any_of`, and without an
    event that meets a rule of `none_of`: all within `within_days` days, of which the last is the asked one.

    `warn_after_days` is for how many days it may bring nobody before that is reported.
    """

    name: str
    any_of: tuple[Rule, ...]
    none_of: tuple[Rule, ...] = ()
    description: str = ""
    owner: str = ""
    within_days: int = DEFAULT_WITHIN_DAYS
    at_least: int = 1
    on_days: int = 1
    warn_after_days: int = DEFAULT_WARN_AFTER_DAYS
    line: int = field(default=0, compare=False, repr=False)


def longest_window_days(audiences: Sequence[Audience]) -> int:
    """How many days, the asked one included, have to be read to know a day's members."""
    return max(audience.within_days for audience in audiences)
