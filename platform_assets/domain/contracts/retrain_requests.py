"""The contract of `retrain_requests`: who asked by hand that a model be trained again, and why."""

from platform_assets.domain.contracts.contract import Column, Contract

RETRAIN_REQUESTS = Contract(
    name="retrain_requests",
    description="One row is one request that a model be trained again; the decision of its day, or the next that can, "
    "takes it up once.",
    key=("decision_date", "model_name"),
    partition_column="decision_date",
    columns=(
        Column(
            "decision_date", "date", "First landing day (UTC) whose decision may take the request up", nullable=False
        ),
        Column("model_name", "string", "Name of the model, as its assets begin", nullable=False),
        Column("requested_at", "timestamp", "When it was asked for", nullable=False),
        Column("requested_by", "string", "Who asked", nullable=False),
        Column("reason", "string", "What for; empty where nothing was said", nullable=False),
    ),
)
