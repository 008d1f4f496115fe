"""The picture of a verdict: what was compared, each difference with its interval, and the ends that it must clear."""

import numpy as np

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure
from platform_assets.domain.model_policies import PromotionPolicy
from platform_assets.domain.promotion.verdict import Verdict

_METRICS = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score"}
_Line = tuple[str, tuple[float, float, float], float, bool]
"""Name, value with interval, the bound beyond which it refuses, and whether it does."""


def verdict_picture(verdict: Verdict, policy: PromotionPolicy, title: str) -> bytes | None:
    """A line for the metric, the calibration and every slice, right is better; None where nothing was compared."""
    lines = _lines(verdict, policy)
    if not lines:
        return None
    figure = blank_figure(title, height=1.7 + 0.42 * len(lines))
    axes = figure.subplots()
    places = np.arange(len(lines))[::-1]
    for place, (_, (value, low, high), bound, refuses) in zip(places, lines, strict=True):
        colour = WARNING if refuses else ACCENT
        axes.plot([low, high], [place, place], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot(value, place, "o", color=colour, markersize=7)
        axes.plot([bound, bound], [place - 0.33, place + 0.33], color=INK, linewidth=1.5)
    axes.axvline(0, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    axes.set_yticks(places, [name for name, *_ in lines], fontsize=10)
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.margins(x=0.06)
    bounds = "black: the bound, orange: stands against it"
    axes.set_xlabel(f"better than {verdict.rival} by … (95 % interval; {bounds})", fontsize=10)
    axes.grid(axis="x", color=GRID)
    axes.tick_params(left=False)
    axes.spines[["left", "right", "top"]].set_visible(False)
    return as_png(figure)


def _lines(verdict: Verdict, policy: PromotionPolicy) -> list[_Line]:
    numbers = verdict.numbers
    wanted = [f"{name}{end}" for name in ("difference", "calibration_difference") for end in ("", "_low", "_high")]
    if verdict.metric is None or not all(name in numbers for name in wanted):
        return []
    value, low, high = (numbers[name] for name in wanted[:3])
    worse, worse_low, worse_high = (numbers[name] for name in wanted[3:])
    metric: _Line = (_METRICS[verdict.metric], (value, low, high), policy.margin, not low > policy.margin)
    allowed = -policy.calibration_margin
    calibration: _Line = ("calibration", (-worse, -worse_high, -worse_low), allowed, -worse_low < allowed)
    slices: list[_Line] = [
        (f"where {name}", interval, -policy.slice_margin, interval[2] < -policy.slice_margin)
        for name, interval in verdict.slices.items()
    ]
    return [metric, calibration, *slices]
