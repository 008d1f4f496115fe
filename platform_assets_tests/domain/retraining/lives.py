"""The life of one model, day by day: what the world does to it, what is decided, and what becomes of the trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decide import decide
from platform_assets.domain.retraining.decision import Decision
from platform_assets.domain.retraining.evidence import Evidence, KnownVersion, ObservedDay, Request
from platform_assets.domain.retraining.label_lag import LabelLag, label_lag
from platform_assets_tests.model_worlds import small_spec

FIRST = date(2026, 1, 1)
LAG = label_lag(small_spec())
OLD = LAG.history_days + small_spec().label.maturity_days
"""So many days after the first with features a model can be trained."""


def day(number: int) -> date:
    """The day of that number, from 0."""
    return FIRST + timedelta(days=number)


@dataclass
class Life:
    """One model in a world that is told in advance.

    Days on which the world is `violated` or `drifted` are bad for every champion trained before `mends_from`;
    `outcomes` are those of the trainings, one after the other: promoted, refused, or failed so many runs.
    """

    spec: ModelSpec
    lag: LabelLag
    violated: set[int] = field(default_factory=set)
    drifted: set[int] = field(default_factory=set)
    mends_from: int = 10_000
    outcomes: Sequence[str | int] = ()
    requests: Mapping[int, str] = field(default_factory=dict)
    landing_lag: Mapping[int, int] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    versions: list[KnownVersion] = field(default_factory=list)
    champion: KnownVersion | None = None
    failed: int = 0
    trainings: int = 0

    def live(self, until: int, *, days_old: int = 0) -> "Life":
        """Decide on the days 0 … `until` - 1; features begin `days_old` days before."""
        for number in range(len(self.decisions), until):
            decision = decide(self.evidence(number, days_old), self.spec, self.lag)
            self.decisions.append(decision)
            self._carry_out(decision)
        return self

    def evidence(self, number: int, days_old: int = 0) -> Evidence:
        """What is known on a day."""
        now, previous = day(number), self.decisions[-1] if self.decisions else None
        taken = previous.request_date if previous else None
        open_requests = [day(n) for n in sorted(self.requests) if n <= number and (taken is None or day(n) > taken)]
        return Evidence(
            decision_date=now,
            landed_until=now - timedelta(days=self.landing_lag.get(number, 0)),
            first_feature_date=FIRST - timedelta(days=days_old),
            declared_by="spec",
            made_by="code",
            challenger=self.versions[-1] if self.versions else None,
            champion=self.champion,
            settled_until=self.versions[-1].training_date if self.versions else None,
            failed_attempts=self.failed,
            matured=self._observed(number, self.violated, self.spec.label.maturity_days),
            drifted=self._observed(number, self.drifted, 0),
            request=Request(open_requests[0], "somebody", "why not") if open_requests else None,
            previous=previous,
        )

    def yes(self) -> list[int]:
        """The days that decided to train."""
        return [(each.decision_date - FIRST).days for each in self.decisions if each.retrain]

    def _observed(self, number: int, bad: set[int], lag: int) -> list[ObservedDay]:
        if self.champion is None:
            return []
        trained = (self.champion.training_date - FIRST).days
        heals = trained >= self.mends_from
        seen = range(trained + 1, number - lag + 1)
        return [ObservedDay(day(n), day(n + lag), n in bad and not heals) for n in seen]

    def _carry_out(self, decision: Decision) -> None:
        """One run a day of what waits for its run."""
        if decision.retrain:
            self.failed, self.trainings = 0, self.trainings + 1
        if decision.training_date is None:
            return
        outcome = self.outcomes[self.trainings - 1] if self.trainings <= len(self.outcomes) else "promoted"
        if isinstance(outcome, int) and self.failed < outcome:
            self.failed += 1
            return
        self.versions.append(KnownVersion(len(self.versions) + 1, decision.training_date, "spec", "code"))
        if outcome != "refused":
            self.champion = self.versions[-1]


def life(policy: RetrainPolicy | None = None, **world: Any) -> Life:
    """The life of a small model; age trains nothing unless the policy says so."""
    return Life(small_spec(retraining=policy or RetrainPolicy(fresh_days=None)), LAG, **world)
