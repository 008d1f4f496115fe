"""The contract of `<lookalike>_audience`: the persons by whom a seed audience is expanded."""

import ibis

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule
from platform_assets.domain.lookalike import Lookalike

_FIGURES = ("expected_precision_low", "expected_precision", "expected_precision_high")


def lookalike_audience_contract(lookalike: Lookalike) -> Contract:
    """One row per chosen person of a day."""
    seed, horizon = lookalike.seed, lookalike.seed.horizon_days
    becomes = f"within {horizon} days from the day on has {seed.outcome}"
    return Contract(
        name=lookalike.table,
        description=f"One row is one of the {lookalike.size:,} persons outside of {seed.audience} ({seed.table}) whom "
        f"{lookalike.model.name} scores best on a day, the best first.",
        key=("event_date", "audience", "user_id"),
        columns=(
            Column("event_date", "date", "The day (UTC) that begins; nothing of it is known", nullable=False),
            Column("audience", "string", "The seed audience that is expanded", nullable=False),
            Column(
                "user_id", "string", "A person outside of the seed, as known when the day begins", False, Pii.PSEUDONYM
            ),
            Column("rank", "int64", "1 for the best score; cut here for a smaller audience", nullable=False),
            Column("score", "float64", "The model's score", nullable=False),
            Column("probability", "float64", f"Calibrated chance that the person {becomes}", nullable=False),
            Column(
                "expected_precision",
                "float64",
                f"Share of the persons up to this rank of whom it is expected that each {becomes}",
                nullable=False,
            ),
            Column("expected_precision_low", "float64", "Lower end of the 95 % interval of what comes true", False),
            Column("expected_precision_high", "float64", "Upper end of the 95 % interval of what comes true", False),
            Column("model_name", "string", "Registered name of the model, three levels", nullable=False),
            Column("model_version", "int64", "Version of the model in the registry", nullable=False),
            Column(
                "in_sample", "boolean", "Model or calibration has seen this day: it says nothing about quality", False
            ),
        ),
        rules=(
            RowRule("rank_above_size", "rank is at most the size", lambda t: t["rank"].between(1, lookalike.size)),
            RowRule("not_a_probability", "probability lies in [0, 1]", lambda t: t.probability.between(0, 1)),
            RowRule("interval_out_of_order", "low ≤ expected ≤ high, all in [0, 1]", _in_order),
        ),
        owner=lookalike.model.owner,
    )


def _in_order(table: ibis.Table) -> ibis.expr.types.BooleanValue:
    low, value, high = (table[name] for name in _FIGURES)
    return (low >= 0) & (low <= value) & (value <= high) & (high <= 1)
