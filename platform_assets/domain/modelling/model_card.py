"""The model card: what a reader must know before they use a model, as markdown.

Its parts follow Mitchell et al. 2019, "Model Cards for Model Reporting". It is written from the spec, the training and
its explanation; the registry keeps it beside the model files.
"""

from collections.abc import Mapping

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.explanation import REPEATS, Explanation
from platform_assets.domain.modelling.time_split import as_days
from platform_assets.domain.modelling.training import TrainedModel

_NAMES = {"auc": "AUC", "log_loss": "Log loss", "brier": "Brier score", "calibration_error": "Calibration error"}
_FEATURES = 15
"""So many features are listed by their importance."""


def model_card(
    spec: ModelSpec,
    trained: TrainedModel,
    input_versions: Mapping[str, int] | None = None,
    explanation: Explanation | None = None,
) -> str:
    """The card of `trained`, with the versions of the tables it was made from where they are known."""
    parts = [
        f"# {spec.name}, trained as of {trained.training_date}",
        spec.description.strip(),
        _purpose(spec),
        _data(spec, trained, input_versions or {}),
        _quality(spec, trained, explanation),
        *([_slices(spec, explanation), _importance(spec, explanation)] if explanation else []),
        _limits(spec, trained),
    ]
    return "\n\n".join(parts)


def _purpose(spec: ModelSpec) -> str:
    rule = spec.label
    return (
        f"**What it predicts.** The chance that a `{spec.entity}` has {rule.outcome} within "
        f"{rule.horizon_days} days from a day on, bots left out. **Owner:** {spec.owner}"
    )


def _data(spec: ModelSpec, trained: TrainedModel, input_versions: Mapping[str, int]) -> str:
    tables = ", ".join(f"`{table}` version {version}" for table, version in sorted(input_versions.items()))
    known = ", ".join(f"`{name}`" for name in (*(each.table for each in spec.features), spec.label.source_table))
    share = trained.positives / trained.rows
    sampled = f" of {spec.sample_fraction:.0%} of all {spec.entity}s" if spec.sample_fraction < 1 else ""
    columns = [
        f"- Columns of `{each.table}`: {', '.join(f'`{name}`' for name in each.columns)}" for each in spec.features
    ]
    return "\n".join(
        [
            "## Data",
            f"- Learnt from {trained.rows:,} rows{sampled}, {share:.2%} of them positive: feature days from "
            f"{trained.first_day} on, every {spec.window.step_days} days. It has seen events until "
            f"{trained.trained_until}.",
            f"- Training window: {spec.window}",
            f"- Tables: {tables or known}",
            *columns,
            f"- {_choice(spec, trained)}",
        ]
    )


def _choice(spec: ModelSpec, trained: TrainedModel) -> str:
    if (start := trained.started_from) is not None:
        return f"Fitted on from {start.name} version {start.version}, the champion; nothing was searched for"
    winner = ", ".join(f"{name} = {value}" for name, value in sorted(trained.parameters.items()))
    return (
        f"Chosen by {spec.scoring} ({spec.search}) over {spec.folds} time-ordered folds, training and test "
        f"{spec.label.embargo_days} days apart: {winner or 'there was one candidate'}"
    )


def _quality(spec: ModelSpec, trained: TrainedModel, explanation: Explanation | None) -> str:
    rows = [
        f"| {_NAMES.get(name, name)} | {estimate.value:.4f} | {estimate.low:.4f} to {estimate.high:.4f} |"
        for name, estimate in trained.metrics.items()
    ]
    held_out = trained.holdout
    days = as_days(held_out["feature_date"])
    lift = explanation.lift_top_decile if explanation else float("nan")
    tops = [f"\nThe best-scored tenth holds {lift:.1f} times as many positives as any tenth."] if lift == lift else []
    return "\n".join(
        [
            "## Quality on days it never saw",
            f"{len(held_out):,} rows of {days.min()} to {days.max()}, "
            f"{int(held_out['label'].sum()):,} positive. Intervals: 95 %, bootstrap over `{spec.entity}`. "
            "Calibration error: mean distance of score and share that came true, ten bins of equal size.",
            "",
            "| metric | value | interval |",
            "|---|---|---|",
            *rows,
            *tops,
        ]
    )


def _slices(spec: ModelSpec, explanation: Explanation) -> str:
    rows = [
        f"| {each.slice} | {each.rows:,} | {each.positives:,} | {_with_interval(each.value, each.low, each.high)} |"
        for each in explanation.slices.itertuples()
    ]
    table = [f"| slice | rows | positive | {_NAMES[spec.metric]} | interval |", "|---|---|---|---|---|", *rows]
    return "\n".join(["## Slices of these days", *table])


def _importance(spec: ModelSpec, explanation: Explanation) -> str:
    found = explanation.importance
    rows = [
        f"| `{each.feature}` | {each.importance:.4f} | ± {each.spread:.4f} |"
        for each in found.head(_FEATURES).itertuples()
    ]
    rest = f" The other {len(found) - _FEATURES} columns matter less." if len(found) > _FEATURES else ""
    return "\n".join(
        [
            "## What it leans on",
            f"How much worse {_NAMES[spec.metric]} gets when a column is dealt out anew among the held-out rows, mean "
            f"and spread of {REPEATS} deals. Columns that say the same stand in for each other.{rest}",
            "",
            "| column | importance | spread |",
            "|---|---|---|",
            *rows,
        ]
    )


def _limits(spec: ModelSpec, trained: TrainedModel) -> str:
    return "\n".join(
        [
            "## Limits",
            f"- Scores of days until {trained.trained_until} are in sample: don't judge the model by them.",
            f"- A score can be checked {spec.label.maturity_days} days after its day, not before.",
            "- It knows only what the events show: who has none in the trailing windows has no row and no score.",
            "- It says what people will likely do by themselves, not what a campaign would change.",
            "- Importance is what the model uses, not what causes the outcome. A slice with few positives tells "
            "little: look at its interval.",
        ]
    )


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:.4f} | {low:.4f} to {high:.4f}" if low == low else "– | one outcome only"
