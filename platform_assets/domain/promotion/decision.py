"""The record of a decision on who is champion: a verdict of the gate, a promotion by hand, or a rollback."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.promotion_decisions import FIGURES, PROMOTION_DECISIONS
from platform_assets.domain.promotion.verdict import Verdict

PROMOTED, REFUSED, BY_HAND, ROLLED_BACK = "promoted", "refused", "promoted_by_hand", "rolled_back"
GATE = "gate"
"""Who decides when nobody does it by hand."""


@dataclass(frozen=True)
class Decision:
    """One decision, as it was when it was made."""

    model_name: str
    version: int
    """The version that was judged, or made champion."""
    training_date: date
    decision: str
    decided_at: datetime
    decided_by: str
    champion_before: int | None
    verdict: Verdict
    dagster_run_id: str | None = None

    @property
    def makes_champion(self) -> bool:
        """Whether the version is champion from then on."""
        return self.decision != REFUSED

    def repeats(self, earlier: "Decision") -> bool:
        """Whether it says the same as an earlier one; when it was said, and by which run, is no difference."""
        return self._said() == earlier._said()

    def _said(self) -> tuple[object, ...]:
        who = (self.model_name, self.version, self.decision, self.decided_by, self.champion_before)
        return (*who, json.dumps(self.verdict.as_json(), sort_keys=True))

    def as_json(self) -> str:
        """One line of JSON."""
        values = vars(self) | {
            "training_date": self.training_date.isoformat(),
            "decided_at": self.decided_at.isoformat(),
            "verdict": self.verdict.as_json(),
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """The decision that `as_json` wrote."""
        values = json.loads(text)
        return cls(
            **values
            | {
                "training_date": date.fromisoformat(values["training_date"]),
                "decided_at": datetime.fromisoformat(values["decided_at"]),
                "verdict": Verdict.from_json(values["verdict"]),
            }
        )


def decision_rows(decisions: Sequence[Decision]) -> pd.DataFrame:
    """One row of the table `promotion_decisions` for each decision; figures that aren't known are missing."""
    rows = [
        {
            "model_name": each.model_name,
            "decided_at": each.decided_at.replace(tzinfo=None),
            "decision": each.decision,
            "decided_by": each.decided_by,
            "version": each.version,
            "champion_before": each.champion_before,
            "training_date": each.training_date,
            "reason": each.verdict.reason,
            "dagster_run_id": each.dagster_run_id,
            **_judgement(each.verdict),
        }
        for each in decisions
    ]
    return pd.DataFrame(rows, columns=list(PROMOTION_DECISIONS.column_names), dtype=object)


def champion_row(decision: Decision, contract: Contract) -> pd.DataFrame:
    """The one row of `<model>_champion` that the last decision on a challenger makes."""
    verdict = decision.verdict
    row = {
        "model_name": decision.model_name,
        "challenger_version": decision.version,
        "training_date": decision.training_date,
        "champion_version": decision.champion_before,
        "promoted": decision.makes_champion,
        "reason": verdict.reason,
        **_judgement(verdict),
    }
    return pd.DataFrame([row], columns=list(contract.column_names), dtype=object)


def _judgement(verdict: Verdict) -> dict[str, object]:
    figures = {name: verdict.numbers.get(name) for name in FIGURES}
    counts = {name: int(verdict.numbers[name]) for name in ("rows", "positives") if name in verdict.numbers}
    texts = {"metric": verdict.metric, "rival": verdict.rival, "worst_slice": verdict.worst_slice}
    return {**figures, **counts, **texts, "objections": ", ".join(verdict.objections) or None}
