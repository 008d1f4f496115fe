"""The contract of `alert_events`: what was seen, what was told of it, and what became of every delivery."""

from platform_assets.domain.contracts.contract import Column, Contract

ALERT_EVENTS = Contract(
    name="alert_events",
    description=(
        "One row is one thing that happened to an alert: seen, raised, claimed, delivered, failed, dead, requeued. "
        "Rows are only ever added."
    ),
    key=("event_id",),
    columns=(
        Column("event_id", "string", "The row's own id; a thing that is seen twice has one id.", nullable=False),
        Column("recorded_at", "timestamp", "When it was written down (UTC).", nullable=False),
        Column("sequence", "int64", "Order among rows of one instant.", nullable=False),
        Column("event", "string", "seen, raised, claimed, delivered, failed, dead or requeued.", nullable=False),
        Column("alert_id", "string", "The alert; what was seen has none yet."),
        Column("kind", "string", "check, metric, freshness, run, tick or promotion."),
        Column("subject", "string", "The asset, the assets of a run, or the sensor that it is about."),
        Column("item", "string", "What of the subject, such as the name of a check."),
        Column("topic", "string", "What recovers together: one check of one asset, one run's assets and partitions."),
        Column("state", "string", "What was seen: failing or passing; what was told: firing or resolved."),
        Column("lasting", "boolean", "Whether it can recover; a promotion can't."),
        Column("severity", "string", "info, warning or error."),
        Column("owner", "string", "Who answers for the subject."),
        Column("partition", "string", "Partition or range of partitions."),
        Column("what", "string", "What happened, in a sentence."),
        Column("next_step", "string", "What to do."),
        Column("link", "string", "Where the UI shows it."),
        Column("run_id", "string", "The run that it happened in."),
        Column("occurred_at", "timestamp", "When it happened (UTC)."),
        Column("targets", "string", "Whom the alert goes to, names of recipients with a comma between them."),
        Column("details", "string", "Of what was raised: its items and topics, as JSON."),
        Column("recipient", "string", "Of a delivery: to whom."),
        Column("attempt", "int64", "Of a delivery: the how many-th attempt, from 1."),
        Column("due_at", "timestamp", "Of a delivery: when it is tried (again) at the earliest (UTC)."),
        Column("error", "string", "Of a delivery: why it failed, in the receiver's words."),
    ),
    partition_column=None,
)
