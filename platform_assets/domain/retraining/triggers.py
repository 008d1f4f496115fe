"""The named triggers of a retraining, each a figure and its threshold, as the evidence of a day gives them.

A single bad day means little: the triggers `metric` and `drift` need several of the last days, the latest among them.
"""

from collections.abc import Sequence
from datetime import date

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decision import Trigger
from platform_assets.domain.retraining.evidence import Evidence, ObservedDay


def triggers(evidence: Evidence, spec: ModelSpec, history_days: int) -> dict[str, Trigger]:
    """All triggers by name, in the order of `decision.TRIGGERS`; one that the policy leaves out never fires."""
    return {
        each.name: each
        for each in (
            _first(evidence, spec, history_days),
            _freshness(evidence, spec.retraining),
            _metric(evidence, spec),
            _drift(evidence, spec.retraining),
            _new_labels(evidence, spec.retraining),
            _code(evidence),
            _asked(evidence),
        )
    }


def mature_history(evidence: Evidence, spec: ModelSpec) -> int:
    """So many days from the first with features to the last whose label is final."""
    first, last = evidence.first_feature_date, spec.label.last_mature(evidence.decision_date)
    return max((last - first).days + 1, 0) if first is not None else 0


def recent(days: Sequence[ObservedDay], policy: RetrainPolicy) -> Sequence[ObservedDay]:
    """The last days that count."""
    return days[-policy.matured_days :]


def persists(days: Sequence[ObservedDay], policy: RetrainPolicy) -> bool:
    """Whether enough of the last days are bad, whatever the latest is: the change is not over."""
    return sum(day.bad for day in recent(days, policy)) >= policy.violated_days


def onset(days: Sequence[ObservedDay], policy: RetrainPolicy) -> date:
    """The first bad one of the last days."""
    return min(day.day for day in recent(days, policy) if day.bad)


def _fires(days: Sequence[ObservedDay], policy: RetrainPolicy) -> bool:
    return persists(days, policy) and days[-1].bad


def _first(evidence: Evidence, spec: ModelSpec, history_days: int) -> Trigger:
    history = mature_history(evidence, spec)
    fired = evidence.champion is None and history >= history_days
    return Trigger("first", history, history_days, fired, "no version is champion")


def _freshness(evidence: Evidence, policy: RetrainPolicy) -> Trigger:
    if evidence.challenger is None or policy.fresh_days is None:
        return Trigger("freshness", None, policy.fresh_days, False)
    age = (evidence.decision_date - evidence.challenger.training_date).days
    told = f"the last training is {age} days old, above {policy.fresh_days}"
    return Trigger("freshness", age, policy.fresh_days, age > policy.fresh_days, told)


def _metric(evidence: Evidence, spec: ModelSpec) -> Trigger:
    policy, days = spec.retraining, recent(evidence.matured, spec.retraining)
    if policy.metric_fall is None or not days:
        return Trigger("metric", None, None if policy.metric_fall is None else policy.violated_days, False)
    bad = sum(day.bad for day in days)
    told = f"{spec.metric} was violated on {bad} of the last {len(days)} matured days, until {days[-1].day}"
    return Trigger("metric", bad, policy.violated_days, _fires(evidence.matured, policy), told)


def _drift(evidence: Evidence, policy: RetrainPolicy) -> Trigger:
    days = recent(evidence.drifted, policy)
    if not policy.on_drift or not days:
        return Trigger("drift", None, policy.violated_days if policy.on_drift else None, False)
    bad, columns = sum(day.bad for day in days), evidence.drifted_columns
    which = f" ({', '.join(columns[:3])}{', …' if len(columns) > 3 else ''})" if columns else ""
    told = f"columns had drifted on {bad} of the last {len(days)} days{which}"
    return Trigger("drift", bad, policy.violated_days, _fires(evidence.drifted, policy), told)


def _new_labels(evidence: Evidence, policy: RetrainPolicy) -> Trigger:
    count, needed = evidence.new_positives, policy.new_labels
    if count is None or needed is None:
        return Trigger("new_labels", count, needed, False)
    told = f"{count} positive labels matured since the last training, at least {needed}"
    return Trigger("new_labels", count, needed, count >= needed, told)


def _code(evidence: Evidence) -> Trigger:
    last = evidence.challenger
    if last is None:
        return Trigger("code", None, 1, False)
    pairs = {"the spec": (last.declared_by, evidence.declared_by), "the code": (last.made_by, evidence.made_by)}
    changed = [what for what, (then, now) in pairs.items() if then is not None and then != now]
    told = f"{' and '.join(changed)} changed since version {last.version} was trained"
    return Trigger("code", len(changed), 1, bool(changed), told)


def _asked(evidence: Evidence) -> Trigger:
    request = evidence.request
    if request is None:
        return Trigger("asked", 0, 1, False)
    return Trigger("asked", 1, 1, True, f"{request.requested_by} asked for it: {request.reason or 'no reason given'}")
