"""The section `models`: who serves, how old and how good it is, what was decided of it, whether its world moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.violation import violated
from platform_assets.domain.promotion.verdict import DIGEST, PERSONAL_DATA, SIGNATURE, UNTRUSTED
from platform_assets.domain.status.line import Line, Mark, days, some

SECTION = "models"
GIVEN_UP = "was given up after"
"""How the retrain engine says that a decided training failed too often (`domain.retraining.decide`)."""
UNTRUSTWORTHY = frozenset({DIGEST, UNTRUSTED, SIGNATURE, PERSONAL_DATA})
"""Objections of the gate that say more than "not better": somebody has to look at the version."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Registered:
    """A version as the registry has it; `metrics` are the figures of its training."""

    version: int
    training_date: date
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """What was scored: the newest day, its rows, and how many days there are."""

    newest: date
    rows: int
    days: int
    missing: Sequence[date] = ()


@dataclass(frozen=True)
class Model:
    """What is known of one model; None or empty where nothing is.

    `validated` are rows of its validation and `drifted` of its newest drift day (reference training), `decision` is the
    newest row of `retrain_decisions`, `promotion` of `promotion_decisions`. `until` is the newest feature day.
    """

    spec: ModelSpec
    champion: Registered | None = None
    challenger: Registered | None = None
    registry_error: str = ""
    scored: Scored | None = None
    validated: Sequence[Row] = ()
    decision: Row | None = None
    promotion: Row | None = None
    drift: Sequence[Row] = ()
    until: date | None = None


def model_lines(model: Model) -> list[Line]:
    """The champion, its scores, and what was decided and seen last; a model that was never trained is one line."""
    if model.challenger is None and model.champion is None and not model.registry_error and model.scored is None:
        todo = f"`platform retrain {model.spec.name}`, or materialise {model.spec.name}_training_set … _champion"
        return [Line(SECTION, model.spec.name, Mark.WATCH, "never trained", todo)]
    told = [*_scores(model), *_decision(model), *_promotion(model), *_drift(model)]
    return [_champion(model), *(replace(line, of=model.spec.name) for line in told)]


def registry_lines(error: str) -> list[Line]:
    """A line on the registry where it can't be read; otherwise the models speak for it."""
    if not error:
        return []
    todo = "start the MLflow store or correct PLATFORM_MLFLOW_URI; tables and scores are not touched by it"
    return [Line(SECTION, "registry", Mark.UNKNOWN, f"not readable: {error}", todo)]


def achieved(model: Model) -> list[dict[str, Any]]:
    """What every version has shown on matured days that it had not seen: one row a version, oldest first."""
    metric, by_version = model.spec.metric, dict[int, list[Row]]()
    for row in model.validated:
        if not row["in_sample"] and row.get(metric) is not None:
            by_version.setdefault(row["model_version"], []).append(row)
    return [
        {
            "version": version,
            "first": min(row["event_date"] for row in rows),
            "last": max(row["event_date"] for row in rows),
            "days": len(rows),
            "rows": sum(row["rows"] for row in rows),
            "positives": sum(row["positives"] for row in rows),
            "mean": sum(row[metric] * row["rows"] for row in rows) / sum(row["rows"] for row in rows),
            "lowest": min(row[metric] for row in rows),
            "highest": max(row[metric] for row in rows),
        }
        for version, rows in sorted(by_version.items())
    ]


def matured_days(model: Model) -> list[Row]:
    """The last matured days that the champion scored without having seen them, oldest first."""
    champion = model.champion
    own = [row for row in model.validated if champion and row["model_version"] == champion.version]
    unseen = sorted((row for row in own if not row["in_sample"]), key=lambda row: row["event_date"])
    return unseen[-model.spec.retraining.matured_days :]


def _champion(model: Model) -> Line:
    spec, champion = model.spec, model.champion
    if model.registry_error:
        return Line(SECTION, spec.name, Mark.UNKNOWN, "who is champion is not known; this is what its tables say")
    if champion is None:
        trained = model.challenger
        said = f"no champion; version {trained.version} of {trained.training_date} waits" if trained else "no champion"
        return Line(SECTION, spec.name, Mark.WATCH, f"{said}: nothing is scored", _WHY_REFUSED)
    age = (model.until - champion.training_date).days if model.until else None
    recent = matured_days(model)
    reached = champion.metrics.get(f"holdout_{spec.metric}")
    bad = [row for row in recent if reached is not None and violated(spec, row, reached)]
    figures = {
        "champion_version": champion.version,
        "challenger_version": model.challenger.version if model.challenger else None,
        "training_date": champion.training_date,
        "age_days": age,
        "metric": spec.metric,
        **{name: champion.metrics.get(f"holdout_{name}") for name in _with_bounds(spec.metric)},
        "violated_dates": [row["event_date"] for row in bad],
        "matured": [{name: row.get(name) for name in ("event_date", *_with_bounds(spec.metric))} for row in recent],
    }
    said = f"champion version {champion.version}" + (f", {days(age)} old" if age is not None else "")
    said += f"; {spec.metric} {_interval(champion.metrics, spec.metric, 'holdout_')} held out"
    if recent:
        newest = recent[-1]
        said += f", {_interval(newest, spec.metric)} on {newest['event_date']}"
    many = len(bad) >= spec.retraining.violated_days and bad[-1:] == recent[-1:]
    fresh = spec.retraining.fresh_days
    if many:
        said += f"; worse on {len(bad)} of {days(len(recent))}"
        return Line(SECTION, spec.name, Mark.WATCH, said, _RETRAIN.format(spec.name), figures)
    if fresh is not None and age is not None and age > fresh:
        return Line(SECTION, spec.name, Mark.WATCH, f"{said}; older than {fresh}", _RETRAIN.format(spec.name), figures)
    return Line(SECTION, spec.name, Mark.OK, said, figures=figures)


def _scores(model: Model) -> list[Line]:
    name, scored = model.spec.table("scores"), model.scored
    if scored is None:
        if model.champion is None:
            return []
        todo = f"materialise {name} for the days after {model.champion.training_date}"
        return [Line(SECTION, "scores", Mark.ACT, "there is a champion, and no day was ever scored", todo)]
    figures = {"newest": scored.newest, "rows": scored.rows, "days": scored.days, "missing": list(scored.missing)}
    said = f"{scored.rows:,} on {scored.newest}; {days(scored.days)}"
    late = (model.until - scored.newest).days if model.until else 0
    if late > 0 or scored.missing:
        gaps = f"{days(late)} behind the features" if late > 0 else f"missing {some(scored.missing)}"
        return [Line(SECTION, "scores", Mark.ACT, f"{said}, {gaps}", f"materialise {name} for these days", figures)]
    return [Line(SECTION, "scores", Mark.OK, f"{said}, none missing", figures=figures)]


def _decision(model: Model) -> list[Line]:
    row = model.decision
    if row is None:
        return []
    answer = "yes" if row["retrain"] else "no"
    said = f"{answer} on {row['decision_date']}: {str(row['reason']).removeprefix(f'{answer}: ')}"
    if GIVEN_UP in said:
        todo = (
            f"mend why the runs of {model.spec.table('model')} failed (UI → Runs), `platform retrain {model.spec.name}`"
        )
        return [Line(SECTION, "retrain", Mark.ACT, said, todo, dict(row))]
    if row.get("training_date") is not None:
        todo = "the sensor `retrain` starts it while the daemon runs: see automation below"
        return [Line(SECTION, "retrain", Mark.WATCH, said, todo, dict(row))]
    return [Line(SECTION, "retrain", Mark.OK, said, figures=dict(row))]


def _promotion(model: Model) -> list[Line]:
    row = model.promotion
    if row is None:
        return []
    when = f" on {row['decided_at']:%Y-%m-%d}" if row.get("decided_at") else ""
    said = f"version {row['version']} {row['decision'].replace('_', ' ')}{when}: "
    said += str(row["reason"]).removeprefix("refused: ").removeprefix("promoted: ")
    alarming = UNTRUSTWORTHY.intersection((row.get("objections") or "").split(", "))
    mark = Mark.ACT if row["decision"] == "refused" and alarming else Mark.OK
    return [Line(SECTION, "gate", mark, said, _WHY_REFUSED if alarming else "", dict(row))]


def _drift(model: Model) -> list[Line]:
    if not model.drift:
        return []
    day = max(row["event_date"] for row in model.drift)
    rows = [row for row in model.drift if row["event_date"] == day]
    moved = sorted((row for row in rows if row["drifted"]), key=lambda row: -(row["psi"] or 0))
    figures = {
        "event_date": day,
        "compared": len(rows),
        "drifted": [f"{row['kind']} {row['subject']}" for row in moved],
    }
    said = f"{len(moved)} of {len(rows)} columns moved on {day}"
    if not moved:
        return [Line(SECTION, "drift", Mark.OK, said, figures=figures)]
    told = [f"{row['subject']}" + (f" (PSI {row['psi']:.2f})" if row["psi"] is not None else "") for row in moved]
    todo = f"read the report of {model.spec.table('drift')}; the retrain engine counts it"
    return [Line(SECTION, "drift", Mark.WATCH, f"{said}: {some(told)}", todo, figures)]


def _with_bounds(metric: str) -> tuple[str, str, str]:
    return metric, f"{metric}_low", f"{metric}_high"


def _interval(figures: Mapping[str, Any], metric: str, prefix: str = "") -> str:
    """A figure with its 95 % interval, as far as it is known."""
    value, low, high = (figures.get(prefix + name) for name in _with_bounds(metric))
    if value is None or value != value:
        return "unknown"
    bounds = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{value:.3f}{bounds}"


_WHY_REFUSED = "docs/runbooks/model-was-refused.md"
_RETRAIN = "see what the retrain engine decided (below), or ask for it: `platform retrain {}`"
