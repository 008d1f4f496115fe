"""The contract of `<model>_drift`, made from the model's spec."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule
from platform_assets.domain.model_spec import ModelSpec


def drift_contract(spec: ModelSpec) -> Contract:
    """One row per day, reference and column that was compared."""
    return Contract(
        name=spec.table("drift"),
        description=f"One row is a column that {spec.name} reads, says or is judged by, of a day against a reference.",
        key=("event_date", "reference", "kind", "subject"),
        columns=(
            Column("event_date", "date", "The day (UTC) as of which drift is told", nullable=False),
            Column("observed_date", "date", "The day whose rows were compared: event_date; of labels, the last day "
                   "whose labels are final when event_date begins", nullable=False),
            Column("reference", "string", "training: what the version learnt from (scores: its held-out days); "
                   "last_week: the same weekday a week before", nullable=False),
            Column("kind", "string", "feature, score, label or volume (rows a day)", nullable=False),
            Column("subject", "string", "The column, score, label; of volume the table", nullable=False),
            Column("model_version", "int64", "Version whose training is the reference; null where nobody knows one"),
            Column("rows", "int64", "Rows of the day", nullable=False),
            Column("reference_rows", "int64", "Rows of the reference; of volume, the mean of its days", nullable=False),
            Column("psi", "float64", "Population stability index; of label and volume (r − 1) · ln r of the ratio of "
                   "positive shares or rows. Null without values"),
            Column("ks", "float64", "Kolmogorov–Smirnov distance of the values, 0 to 1"),
            Column("ks_p_value", "float64", "Chance of so large a distance without any change, before adjustment"),
            Column("wasserstein", "float64", "Wasserstein distance in standard deviations of the reference"),
            Column("mean", "float64", "Mean of the day's finite values"),
            Column("reference_mean", "float64", "Mean of the reference's finite values"),
            Column("missing_share", "float64", "Share of the day's rows without a value"),
            Column("reference_missing_share", "float64", "The same of the reference"),
            Column("new_category_share", "float64", "Share of rows with a value the reference never saw; null where "
                   "values are many"),
            Column("adjusted_p_value", "float64", "Least p-value of the row's tests, adjusted over all of the day and "
                   "reference (Holm)"),
            Column("drifted", "boolean", "An effect beyond the spec's thresholds that chance doesn't explain",
                   nullable=False),
            Column("reason", "string", "Why it is called drifted; null for what is not"),
        ),
        rules=(
            RowRule("kind_unknown", "feature, score, label or volume", lambda table: table.kind.isin(
                ["feature", "score", "label", "volume"])),
            RowRule("reference_unknown", "training or last_week", lambda table: table.reference.isin(
                ["training", "last_week"])),
            RowRule("observed_later", "observed on the day or before", lambda table: (
                table.observed_date <= table.event_date)),
            RowRule("drifted_without_reason", "what drifted says why", lambda table: (
                table.drifted == table.reason.notnull())),
        ),
        owner=spec.owner,
    )  # fmt: skip
