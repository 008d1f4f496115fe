"""The contract of `promotion_decisions`, and the columns that it shares with every `<model>_champion`."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

DECISIONS = ("promoted", "refused", "promoted_by_hand", "rolled_back")

JUDGEMENT_COLUMNS = (
    Column("objections", "string", "The rules that stood against the version, by name; none if nothing did"),
    Column("metric", "string", "The spec's metric: auc, log_loss or brier"),
    Column("rival", "string", "What it was compared with: the champion, or the hardest baseline before the first"),
    Column("rows", "int64", "Rows compared, all later than what both models have seen"),
    Column("positives", "int64", "Positive rows among them"),
    Column("value", "float64", "The metric of the version on these rows"),
    Column("rival_value", "float64", "The metric of the rival on the same rows"),
    Column("difference", "float64", "How much better the version is, in the metric's unit; negative is worse"),
    Column("difference_low", "float64", "Lower end of its paired 95 % interval; it must exceed the margin"),
    Column("difference_high", "float64", "Upper end of its paired 95 % interval"),
    Column("margin", "float64", "The spec's promotion margin"),
    Column("calibration_error", "float64", "Expected calibration error of the version, a share"),
    Column("rival_calibration_error", "float64", "Expected calibration error of the rival, a share"),
    Column("calibration_difference", "float64", "How much larger the version's is; negative is better"),
    Column("calibration_difference_low", "float64", "Lower end of its paired 95 % interval"),
    Column("calibration_difference_high", "float64", "Upper end of its paired 95 % interval"),
    Column("worst_slice", "string", "The slice whose difference reaches least far up, among those with enough rows"),
    Column("slice_difference", "float64", "How much better the version is in that slice; negative is worse"),
    Column("slice_difference_low", "float64", "Lower end of its paired 95 % interval"),
    Column("slice_difference_high", "float64", "Upper end of its paired 95 % interval"),
)
"""What a decision rests on. All are missing where nothing could be compared, or somebody decided by hand."""

FIGURES = tuple(column.name for column in JUDGEMENT_COLUMNS if column.dtype != "string")
"""The numbers among them."""

PROMOTION_DECISIONS = Contract(
    name="promotion_decisions",
    description="One row is one decision on who is champion of a model, as the registry recorded it: a verdict of the "
    "gate, a promotion by hand or a rollback.",
    key=("model_name", "decided_at", "version"),
    partition_column=None,
    columns=(
        Column("model_name", "string", "Registered name of the model, three levels", nullable=False),
        Column("decided_at", "timestamp", "When it was decided (UTC)", nullable=False),
        Column("decision", "string", ", ".join(DECISIONS), nullable=False),
        Column("decided_by", "string", "gate, or the login of who decided by hand", nullable=False),
        Column("version", "int64", "The version that was judged, or made champion", nullable=False),
        Column("champion_before", "int64", "The champion until then; none before the first"),
        Column("training_date", "date", "Training date of the version (UTC)", nullable=False),
        Column("reason", "string", "Why, in a sentence", nullable=False),
        *JUDGEMENT_COLUMNS,
        Column("dagster_run_id", "string", "The run in which the gate decided; none by hand"),
    ),
    rules=(
        RowRule("decision_unknown", "decision is known", lambda table: table.decision.isin(list(DECISIONS))),
        RowRule("reason_empty", "the reason says something", lambda table: table.reason.length() > 0),
    ),
)
