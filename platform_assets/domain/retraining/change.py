"""`Change`: what moved in the world under a champion, from the day it is noticed until it is learned or gone.

Training again helps only once labels from after the change have matured and are learned from, so a change has a due
date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decision import Trigger
from platform_assets.domain.retraining.evidence import Evidence, ObservedDay
from platform_assets.domain.retraining.label_lag import LabelLag
from platform_assets.domain.retraining.triggers import onset, persists

CHANGES = ("metric", "drift")
"""The triggers that tell of a change in the world."""


@dataclass(frozen=True)
class Change:
    """A change that was noticed `by` a trigger on a day, and that can be learned from `due` on.

    `since` is the first day that lies wholly after it: a label of an earlier day may look at days before the change.
    """

    noticed: date
    by: str
    since: date
    due: date
    told: str


def change_under(evidence: Evidence, spec: ModelSpec, fired: Mapping[str, Trigger], lag: LabelLag) -> Change | None:
    """The change that the champion suffers, None where there is none.

    One that was noticed stays, with its first day, while enough of the last days are bad, so that a good day among
    them doesn't begin it anew. A violated metric is a change of its own, whatever drift was noticed before: it is what
    has to be learned. A new champion ends both: what it suffers must be seen on its own days.
    """
    policy, before = spec.retraining, evidence.previous
    watched = _watched(evidence, spec)
    bad = {name: days for name, days in watched.items() if persists(days, policy)}
    told = "; ".join(fired[name].told for name in bad)
    first = next((name for name in bad if fired[name].fired), None)
    known = before.noticed_by if before is not None and bad and same_champion(evidence) else None
    if before is not None and before.noticed_date and before.change_date and known and (known, first) != CHANGES[::-1]:
        noticed, by, since = before.noticed_date, known, before.change_date
    elif first is not None:
        noticed, by = evidence.decision_date, first
        since = onset(bad[first], policy) + timedelta(days=_looks_ahead(first, spec))
    else:
        return None
    decided = before.decided_date if before else None
    return Change(noticed, by, since, max(_due(since, noticed, decided, spec, lag), rests_until(decided, spec)), told)


def _looks_ahead(trigger: str, spec: ModelSpec) -> int:
    """So many days before a change a day can already be bad by it: its label looks ahead."""
    return spec.label.horizon_days - 1 if trigger == "metric" else 0


def same_champion(evidence: Evidence) -> bool:
    """Whether the champion is the one that the previous decision knew."""
    known = evidence.previous.champion_version if evidence.previous else None
    return known == (evidence.champion.version if evidence.champion else None)


def rests_until(decided: date | None, spec: ModelSpec) -> date:
    """The first day after the cooldown of the last decided training, whatever became of it."""
    return decided + timedelta(days=spec.retraining.cooldown_days) if decided else date.min


def _due(since: date, noticed: date, decided: date | None, spec: ModelSpec, lag: LabelLag) -> date:
    """When days from after the change can be learned; once they were and it didn't help, as many days later again."""
    needed = spec.retraining.learnable_days
    due = since + timedelta(days=needed - 1 + lag.days) if needed else noticed
    if decided is None or decided < due:
        return due
    return decided + timedelta(days=max(needed, 1))


def _watched(evidence: Evidence, spec: ModelSpec) -> dict[str, Sequence[ObservedDay]]:
    """The days that each trigger of a change looks at; none for one that the policy leaves out."""
    counts = {"metric": spec.retraining.metric_fall is not None, "drift": spec.retraining.on_drift}
    days = {"metric": evidence.matured, "drift": evidence.drifted}
    return {name: days[name] for name in CHANGES if counts[name]}
