"""The model card: what a reader must know before they use a model, as markdown.

It is written from the spec and the training alone; the registry keeps it beside the model files.
"""

from collections.abc import Mapping

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.time_split import as_days
from platform_assets.domain.modelling.training import TrainedModel

_NAMES = {"auc": "AUC", "log_loss": "Log loss", "brier": "Brier score", "calibration_error": "Calibration error"}


def model_card(spec: ModelSpec, trained: TrainedModel, input_versions: Mapping[str, int] | None = None) -> str:
    """The card of `trained`, with the versions of the tables it was made from where they are known."""
    return "\n\n".join(
        [
            f"# {spec.name}, trained as of {trained.training_date}",
            spec.description.strip(),
            _purpose(spec),
            _data(spec, trained, input_versions or {}),
            _quality(spec, trained),
            _limits(spec, trained),
        ]
    )


def _purpose(spec: ModelSpec) -> str:
    rule = spec.label
    return (
        f"**What it predicts.** The chance that a `{spec.entity}` has {rule.outcome} within "
        f"{rule.horizon_days} days from a day on, bots left out. **Owner:** {spec.owner}"
    )


def _data(spec: ModelSpec, trained: TrainedModel, input_versions: Mapping[str, int]) -> str:
    tables = ", ".join(f"`{table}` version {version}" for table, version in sorted(input_versions.items()))
    winner = ", ".join(f"{name} = {value}" for name, value in sorted(trained.parameters.items()))
    share = trained.positives / trained.rows
    return "\n".join(
        [
            "## Data",
            f"- Learnt from {trained.rows:,} rows, {share:.2%} of them positive: feature days from {trained.first_day} "
            f"on, every {spec.window.step_days} days. It has seen events until {trained.trained_until}.",
            f"- Tables: {tables or f'`{spec.feature_table}`, `{spec.label.source_table}`'}",
            f"- Columns: {', '.join(f'`{name}`' for name in spec.feature_names)}",
            f"- Chosen by {spec.scoring} over {spec.folds} time-ordered folds, training and test "
            f"{spec.label.horizon_days} days apart: {winner}",
        ]
    )


def _quality(spec: ModelSpec, trained: TrainedModel) -> str:
    rows = [
        f"| {_NAMES.get(name, name)} | {estimate.value:.4f} | {estimate.low:.4f} to {estimate.high:.4f} |"
        for name, estimate in trained.metrics.items()
    ]
    held_out = trained.holdout
    days = as_days(held_out["feature_date"])
    return "\n".join(
        [
            "## Quality on days it never saw",
            f"{len(held_out):,} rows of {days.min()} to {days.max()}, "
            f"{int(held_out['label'].sum()):,} positive. Intervals: 95 %, bootstrap over `{spec.entity}`.",
            "",
            "| metric | value | interval |",
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
        ]
    )
