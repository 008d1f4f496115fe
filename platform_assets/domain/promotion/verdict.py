"""A verdict on a model version: promoted or refused, why, and the figures that the reason rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

TOO_FEW, SEEN_DAYS, NOT_BETTER, CALIBRATION, SLICE = "too_few_rows", "seen_days", "not_better", "calibration", "slice"
SIGNATURE, PERSONAL_DATA, DIGEST, UNTRUSTED = "signature", "personal_data", "digest", "untrusted_types"
CODE, KNOWS_NOTHING = "code", "knows_nothing"
ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Objection:
    """One rule that a version breaks, and the sentence that says how."""

    rule: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """Whether a version becomes champion, and why."""

    promoted: bool
    reason: str
    objections: tuple[str, ...] = ()
    """The rules that it breaks; none where it is promoted."""
    metric: str | None = None
    rival: str | None = None
    """What it was compared with: the champion, or a baseline before there is one."""
    worst_slice: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Figures by their column in `promotion_decisions`."""
    slices: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """How much better the metric is in each slice that was judged, with its interval; negative is worse."""

    def as_json(self) -> dict[str, Any]:
        """Values that JSON has."""
        slices = {name: list(interval) for name, interval in self.slices.items()}
        return {**vars(self), "objections": list(self.objections), "numbers": dict(self.numbers), "slices": slices}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Verdict":
        """The verdict that `as_json` gave."""
        slices = {name: tuple(interval) for name, interval in values.get("slices", {}).items()}
        return cls(**{**values, "objections": tuple(values.get("objections", ())), "slices": slices})


def refused(objections: Sequence[Objection], compared: Verdict | None = None) -> Verdict:
    """A verdict of no, whose reason names everything that stands against the version; `compared` gives the figures."""
    sentences = "; ".join(each.sentence for each in objections)
    return replace(
        compared or Verdict(False, ""),
        promoted=False,
        reason=f"refused: {sentences}",
        objections=tuple(dict.fromkeys(each.rule for each in objections)),
    )
