"""`Evidence`: all that a decision rests on, as known when a landing day is complete. Nothing in it looks ahead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from platform_assets.domain.retraining.decision import Decision


@dataclass(frozen=True)
class KnownVersion:
    """A registered version, and what it was made by: digests of the declaration and of the code, where recorded."""

    version: int
    training_date: date
    declared_by: str | None = None
    made_by: str | None = None


@dataclass(frozen=True)
class ObservedDay:
    """A day on which the champion was looked at; `bad` where its metric was violated, or its columns had drifted."""

    day: date
    known_at: date
    """The landing day from which on it is known."""
    bad: bool


@dataclass(frozen=True)
class Request:
    """Somebody's wish that a model be trained again, to be taken up by the decision of `decision_date` or later."""

    decision_date: date
    requested_by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about one model when landing day `decision_date` is to be decided on.

    Versions are those trained before that day, `matured` and `drifted` days are the champion's, oldest first. All of it
    is mature on the day.
    """

    decision_date: date
    landed_until: date | None
    """The last complete landing day; None before the first."""
    first_feature_date: date | None
    """The first day that features were published for."""
    declared_by: str
    """Digest of what the spec says of a training now."""
    made_by: str
    """Digest of the code that would train now."""
    challenger: KnownVersion | None = None
    """The version trained last."""
    champion: KnownVersion | None = None
    settled_until: date | None = None
    """The last training date that has a version with a verdict: what was decided until then waits for no run."""
    failed_attempts: int = 0
    """Runs of the last decided training that ended without a model and a verdict."""
    matured: Sequence[ObservedDay] = ()
    drifted: Sequence[ObservedDay] = ()
    drifted_columns: Sequence[str] = ()
    """Columns that have drifted on the last of the `drifted` days."""
    new_positives: int | None = None
    """Positive labels that matured since the challenger was trained; None where nobody counts them."""
    request: Request | None = None
    """The oldest request that no decision has taken up."""
    previous: Decision | None = None
    """The decision of the day before, or of the last day that has one."""
