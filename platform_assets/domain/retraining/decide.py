"""The one decision a day and model: whether it is trained again as of that day, as a pure function of the evidence.

A change in the world is noticed at once and trained on when it is due; everything else is trained on at once. At most
one training is under way, none falls into the cooldown of the one before unless somebody asked for it, and each is
tried a bounded number of times.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.change import CHANGES, Change, change_under, rests_until, same_champion
from platform_assets.domain.retraining.decision import Decision, Trigger
from platform_assets.domain.retraining.evidence import Evidence
from platform_assets.domain.retraining.label_lag import LabelLag
from platform_assets.domain.retraining.triggers import mature_history, triggers


def decide(evidence: Evidence, spec: ModelSpec, lag: LabelLag) -> Decision:
    """The decision of `evidence.decision_date` on the model of `spec`; the same evidence gives the same one."""
    day, before = evidence.decision_date, evidence.previous
    fired = triggers(evidence, spec, lag.history_days)
    change = change_under(evidence, spec, fired, lag)
    wanted = _wanted(evidence, fired, change)
    obstacle = _obstacle(evidence, spec, lag, asked=fired["asked"].fired)
    retrain = bool(wanted) and obstacle is None
    asked = evidence.request if retrain else None
    waits = day if retrain else unfinished(evidence, spec)
    return Decision(
        decision_date=day,
        model_name=spec.name,
        retrain=retrain,
        reason=_reason(evidence, spec, wanted, obstacle, change),
        noticed_date=change.noticed if change else None,
        noticed_by=change.by if change else None,
        change_date=change.since if change else None,
        due_date=change.due if change else None,
        decided_date=day if retrain else before.decided_date if before else None,
        training_date=waits,
        attempt=1 if retrain else evidence.failed_attempts + 1 if waits else None,
        champion_version=evidence.champion.version if evidence.champion else None,
        challenger_version=evidence.challenger.version if evidence.challenger else None,
        request_date=asked.decision_date if asked else before.request_date if before else None,
        requested_by=asked.requested_by if asked else None,
        request_reason=asked.reason if asked else None,
        triggers=tuple(fired.values()),
    )


def unfinished(evidence: Evidence, spec: ModelSpec) -> date | None:
    """The training date that was decided before and has neither a model with a verdict nor failed too often."""
    decided = _unsettled(evidence)
    return decided if evidence.failed_attempts < spec.retraining.attempts else None


def _unsettled(evidence: Evidence) -> date | None:
    decided = evidence.previous.decided_date if evidence.previous else None
    settled = evidence.settled_until
    return None if decided is None or (settled is not None and settled >= decided) else decided


def _wanted(evidence: Evidence, fired: Mapping[str, Trigger], change: Change | None) -> list[str]:
    """Why the model should be trained as of this day, in words; nothing for a change that isn't due yet."""
    wanted = [each.told for name, each in fired.items() if each.fired and name not in CHANGES]
    if change is not None and change.due <= evidence.decision_date:
        wanted.append(f"{change.told}; days since {change.since} can be learned now")
    return wanted


def _obstacle(evidence: Evidence, spec: ModelSpec, lag: LabelLag, *, asked: bool) -> str | None:
    """What keeps the model from being trained as of this day, whoever wants it; None if nothing does."""
    day, complete = evidence.decision_date, evidence.landed_until
    if complete is None or complete < day:
        known = f"landing days are complete until {complete}" if complete else "no landing day is complete"
        return f"{known}, later labels can still change"
    history = mature_history(evidence, spec)
    if history < lag.history_days:
        return f"{history} days with features and final labels are there, a training needs {lag.history_days}" + (
            f": on {day + timedelta(days=lag.history_days - history)}" if history else ""
        )
    waits = unfinished(evidence, spec)
    if waits is not None:
        tried = f"attempt {evidence.failed_attempts + 1} of {spec.retraining.attempts}"
        return f"the training as of {waits} is not finished ({tried})"
    decided = evidence.previous.decided_date if evidence.previous else None
    ends = rests_until(decided, spec)
    if day < ends and not asked:
        return f"the cooldown after the training as of {decided} lasts until {ends}"
    return None


def _reason(evidence: Evidence, spec: ModelSpec, wanted: list[str], obstacle: str | None, change: Change | None) -> str:
    if wanted and obstacle is None:
        return f"yes: {'; '.join(wanted)}"
    if wanted:
        said = f"no: {obstacle}; {'; '.join(wanted)}"
    elif change is not None:
        said = f"no, noticed: {change.told}; {_waiting(change, spec)}"
    elif evidence.champion is None and obstacle is not None:
        said = f"no: {obstacle}"
    else:
        said = f"no: {_over(evidence) or 'nothing calls for it'}"
    return f"{said}{_given_up(evidence, spec)}"


def _waiting(change: Change, spec: ModelSpec) -> str:
    days = spec.retraining.learnable_days
    return f"waits until {change.due}, when {days} days since {change.since} can be learned"


def _over(evidence: Evidence) -> str | None:
    """Why what the previous decision had noticed is over; None where it had noticed nothing."""
    before = evidence.previous
    if before is None or before.noticed_date is None:
        return None
    why = "the last days are good again"
    if not same_champion(evidence):
        why = (
            f"version {evidence.champion.version} is champion" if evidence.champion else "there is no champion any more"
        )
    return f"what was noticed on {before.noticed_date} is over: {why}"


def _given_up(evidence: Evidence, spec: ModelSpec) -> str:
    decided = _unsettled(evidence)
    if decided is None or unfinished(evidence, spec) is not None:
        return ""
    return (
        f"; the training as of {decided} was given up after {evidence.failed_attempts} failed runs: "
        f"see why they failed, then `platform retrain {spec.name}`"
    )
