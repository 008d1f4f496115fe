"""The picture of a model's quality, as PNG bytes. What all pictures share stands in `domain.drawing`."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, as_png, blank_figure
from platform_assets.domain.modelling.quality import Floats, auc, calibration_curve

_FEATURES = 12
"""So many features are drawn; more than these make no readable picture."""


def quality_picture(
    labels: npt.ArrayLike, scores: npt.ArrayLike, title: str, importance: pd.DataFrame | None = None
) -> bytes:
    """ROC and precision-recall curve above calibration and permutation importance, 900 pixels wide.

    `importance` has the columns of `Explanation.importance`; without it, the distribution of scores stands there.
    """
    truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    figure = blank_figure(title, height=8.2)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    (roc, precision), (calibration, last) = figure.subplots(2, 2)
    _draw_roc(roc, truth, score)
    _draw_precision_recall(precision, truth, score)
    _draw_calibration(calibration, truth, score)
    if importance is None:
        _draw_scores(last, truth, score)
    else:
        _draw_importance(last, importance)
    for axes in (roc, precision, calibration, last):
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.title.set_size(10)
    return as_png(figure)


def _draw_roc(axes: Any, truth: Floats, score: Floats) -> None:
    hits, misses = _caught(truth, score)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label="chance")
    axes.plot(_share(misses), _share(hits), color=ACCENT, linewidth=2, label="model")
    axes.set(title=f"ROC · AUC {auc(truth, score):.3f}", xlim=(0, 1), ylim=(0, 1.005))
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.grid(color=GRID)
    axes.legend(loc="lower right", frameon=False)


def _draw_precision_recall(axes: Any, truth: Floats, score: Floats) -> None:
    hits, misses = (each[1:] for each in _caught(truth, score))
    precision, recall = hits / np.maximum(hits + misses, 1), _share(np.r_[0.0, hits])[1:]
    rate = float(truth.mean()) if len(truth) else 0.0
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    axes.axhline(rate, color=FAINT, linestyle="--", linewidth=1, label=f"chance: {rate:.1%}")
    axes.plot(recall, precision, color=ACCENT, linewidth=2, label="model", drawstyle="steps-post")
    axes.set(title=f"Precision and recall · average precision {average:.3f}", xlim=(0, 1), ylim=(0, 1.005))
    axes.set(xlabel="recall: share of positives found", ylabel="precision: share found that is positive")
    axes.grid(color=GRID)
    axes.legend(loc="upper right", frameon=False)


def _draw_calibration(axes: Any, truth: Floats, score: Floats) -> None:
    expected, observed, rows = calibration_curve(truth, score)
    spread = 1.96 * np.sqrt(observed * (1 - observed) / np.maximum(rows, 1))
    top = max(1e-3, 1.1 * max([*expected, *(observed + spread)], default=1.0))
    axes.plot([0, top], [0, top], color=FAINT, linestyle="--", linewidth=1, label="perfect")
    axes.errorbar(
        expected, observed, yerr=spread, color=ACCENT, marker="o", markersize=5, linewidth=2, capsize=3, label="model"
    )
    axes.set(title="Calibration, ten bins of equal size", xlim=(0, top), ylim=(0, top))
    axes.set(xlabel="mean score of the bin", ylabel="share that came true")
    axes.grid(color=GRID)
    axes.legend(loc="upper left", frameon=False)


def _draw_importance(axes: Any, importance: pd.DataFrame) -> None:
    drawn = importance.head(_FEATURES).iloc[::-1]
    axes.barh(drawn["feature"], drawn["importance"], color=ACCENT, height=0.65)
    axes.errorbar(
        drawn["importance"], drawn["feature"], xerr=drawn["spread"], fmt="none", ecolor=INK, elinewidth=1, capsize=2
    )
    axes.axvline(0, color=FAINT, linewidth=1)
    of_all = f", the first {len(drawn)} of {len(importance)}" if len(importance) > len(drawn) else ""
    axes.set(title=f"Permutation importance{of_all}", xlabel="how much worse without the column")
    axes.tick_params(axis="y", labelsize=8)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(color=GRID, axis="x")


def _draw_scores(axes: Any, truth: Floats, score: Floats) -> None:
    edges = np.linspace(0, max(1e-3, float(score.max(initial=0.0))), 41)
    for outcome, colour, label in ((0, FAINT, "negative"), (1, ACCENT, "positive")):
        part = score[truth == outcome]
        shares = np.full(len(part), 1 / max(len(part), 1))
        axes.hist(part, bins=edges, weights=shares, color=colour, alpha=0.7, label=label)
    axes.set(title="Scores by outcome", xlabel="score", ylabel="share of the outcome's rows")
    axes.grid(color=GRID)
    axes.legend(loc="upper right", frameon=False)


def _caught(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Positives and negatives among the best scored rows, for every score that is a threshold; first among none."""
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1] if len(score) else np.empty(0, dtype=int)
    return np.r_[0.0, np.cumsum(truth[order])[ends]], np.r_[0.0, np.cumsum(1 - truth[order])[ends]]


def _share(counts: Floats) -> Floats:
    return counts / max(counts[-1], 1.0)
