"""The contract of `retrain_decisions`: every day's decision on every model, also each "no", with all figures."""

from collections.abc import Iterator

import ibis

from platform_assets.domain.contracts.contract import Column, Contract, RowRule
from platform_assets.domain.retraining.decision import TRIGGERS

_MEANING = {
    "first": ("no version is champion", "Days with features and final labels", "Days that a training needs"),
    "freshness": ("the last training is too old", "Age of the last trained version, days", "Most days"),
    "metric": (
        "the champion's metric was violated often, the last matured day included",
        "Violated days among the last matured ones",
        "Days that are too many",
    ),
    "drift": (
        "columns have drifted often from what the champion was trained on, the last day included",
        "Days with drifted columns among the last ones",
        "Days that are too many",
    ),
    "new_labels": (
        "enough new labels matured",
        "Positive labels that matured since the last training",
        "Labels that are enough",
    ),
    "code": (
        "the spec or the code of the training is another one",
        "How many of spec and code changed since the last training",
        "Changes that are enough",
    ),
    "asked": ("somebody asked for it", "Open requests by hand", "Requests that are enough"),
}


def _trigger_columns() -> Iterator[Column]:
    for name in TRIGGERS:
        fires, value, threshold = _MEANING[name]
        yield Column(f"{name}_value", "float64", f"{value}; none where nobody counts")
        yield Column(f"{name}_threshold", "float64", f"{threshold}; none where the policy leaves the trigger out")
        yield Column(f"{name}_fired", "boolean", f"Trigger `{name}`: {fires}", nullable=False)


RETRAIN_DECISIONS = Contract(
    name="retrain_decisions",
    description="One row is one model on one landing day (UTC): whether it is trained again as of that day, and why.",
    key=("decision_date", "model_name"),
    partition_column="decision_date",
    columns=(
        Column("decision_date", "date", "The landing day that had just been completed", nullable=False),
        Column("model_name", "string", "Name of the model, as its assets begin", nullable=False),
        Column("retrain", "boolean", "The model is trained as of this day", nullable=False),
        Column("reason", "string", "Why, in a sentence", nullable=False),
        Column("noticed_date", "date", "Day on which a change was noticed that is neither learned nor gone yet"),
        Column("noticed_by", "string", "Trigger that noticed it: metric or drift"),
        Column("change_date", "date", "First day wholly after that change; what was learned before doesn't know of it"),
        Column("due_date", "date", "Day from which on it can be learned, and is trained on"),
        Column("decided_date", "date", "Last day that decided to train, this one included"),
        Column("training_date", "date", "Training date that is decided and waits for its run to succeed"),
        Column("attempt", "int64", "Which of the runs of that training is next or under way, from 1"),
        Column("champion_version", "int64", "Version that was champion"),
        Column("challenger_version", "int64", "Version that was trained last, before this day"),
        Column("request_date", "date", "Day of the last request by hand that was taken up"),
        Column("requested_by", "string", "Who asked, where this decision follows a request"),
        Column("request_reason", "string", "What for, in their words"),
        *_trigger_columns(),
    ),
    rules=(
        RowRule(
            "trained_ahead",
            "no training is decided for a later day",
            lambda table: (
                (table.training_date.fill_null(table.decision_date) <= table.decision_date)
                & (table.decided_date.fill_null(table.decision_date) <= table.decision_date)
            ),
        ),
        RowRule(
            "decided_without_training",
            "a day that decides to train names itself as the training date",
            lambda table: ~table.retrain | (table.training_date == table.decision_date).fill_null(ibis.literal(False)),
        ),
    ),
)
