"""`Decision`: what was decided about a model on a day, with every trigger's figures; one row of `retrain_decisions`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

TRIGGERS = ("first", "freshness", "metric", "drift", "new_labels", "code", "asked")
"""The names of all triggers, in the order in which a table shows them."""


@dataclass(frozen=True)
class Trigger:
    """One reason to train again: its figure, the threshold that makes it fire (both None where it doesn't count)."""

    name: str
    value: float | None
    threshold: float | None
    fired: bool
    told: str = ""
    """What the figure means, in words that go into a reason."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a model is trained again as of a landing day, and why."""

    decision_date: date
    model_name: str
    retrain: bool
    reason: str
    noticed_date: date | None = None
    """The day on which a change was noticed that is neither learned nor gone yet."""
    noticed_by: str | None = None
    """The trigger that noticed it: metric or drift."""
    change_date: date | None = None
    """The first day wholly after that change: what was learned before knows nothing of it."""
    due_date: date | None = None
    """The day from which on the change can be learned."""
    decided_date: date | None = None
    """The last day that decided to train, this one included."""
    training_date: date | None = None
    """The decided training that waits for its run; None where none does."""
    attempt: int | None = None
    """Which run of that training is next or under way, counted from 1."""
    champion_version: int | None = None
    challenger_version: int | None = None
    request_date: date | None = None
    """The day of the last request by hand that was taken up."""
    requested_by: str | None = None
    request_reason: str | None = None
    triggers: tuple[Trigger, ...] = ()

    def row(self) -> dict[str, Any]:
        """The decision as a row of the table."""
        row = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "triggers"}
        for trigger in self.triggers:
            row |= {f"{trigger.name}_{part}": getattr(trigger, part) for part in ("value", "threshold", "fired")}
        return row

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Decision":
        """The decision that a row tells of, with what later decisions need: triggers are left out."""
        return cls(**{each.name: row[each.name] for each in fields(cls) if each.name != "triggers"})
