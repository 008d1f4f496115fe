"""The record of decisions on who is champion: tags of the registered model that are added and never changed.

A tag's key is the decision's place in the record and a digest of what it says, so that two that are written at once
are both kept, and the same one written twice is one.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platform_assets.domain.promotion.decision import Decision

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PREFIX = "decision."


def read_decisions(client: "MlflowClient", name: str) -> list[Decision]:
    """All decisions on a registered model, oldest first; none where it was never registered."""
    from mlflow.exceptions import MlflowException

    try:
        tags = client.get_registered_model(name).tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return []
    return [Decision.from_json(tags[key]) for key in sorted(tags) if key.startswith(_PREFIX)]


def append_decision(client: "MlflowClient", decision: Decision) -> Decision:
    """Record a decision and return it; where the last one says the same, nothing is written and that one returned."""
    earlier = read_decisions(client, decision.model_name)
    if earlier and decision.repeats(earlier[-1]):
        return earlier[-1]
    said = hashlib.sha256(replace(decision, decided_at=datetime.min.replace(tzinfo=UTC)).as_json().encode())
    key = f"{_PREFIX}{len(earlier) + 1:06d}.{said.hexdigest()[:8]}"
    client.set_registered_model_tag(decision.model_name, key, decision.as_json())
    return decision
