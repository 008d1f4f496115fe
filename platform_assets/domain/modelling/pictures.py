"""The picture of a model's quality, as PNG bytes. What all pictures share stands in `domain.drawing`."""

import numpy as np
import numpy.typing as npt

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, as_png, blank_figure
from platform_assets.domain.modelling.quality import Floats, auc, calibration_curve


def quality_picture(labels: npt.ArrayLike, scores: npt.ArrayLike, title: str) -> bytes:
    """ROC curve and calibration side by side, 900 pixels wide, with the AUC in the title."""
    truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    figure = blank_figure(f"{title} · AUC {auc(truth, score):.3f}")
    roc, calibration = figure.subplots(1, 2)
    _draw_roc(roc, truth, score)
    _draw_calibration(calibration, truth, score)
    return as_png(figure)


def _draw_roc(axes, truth: Floats, score: Floats) -> None:  # type: ignore[no-untyped-def]  # matplotlib comes late
    false_rate, true_rate = _roc(truth, score)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label="chance")
    axes.plot(false_rate, true_rate, color=ACCENT, linewidth=2, label="model")
    axes.set(title="ROC", xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.grid(color=GRID)
    axes.legend(loc="lower right", frameon=False)


def _draw_calibration(axes, truth: Floats, score: Floats) -> None:  # type: ignore[no-untyped-def]
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


def _roc(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1] if len(score) else np.empty(0, dtype=int)
    hits = np.r_[0.0, np.cumsum(truth[order])[ends]]
    misses = np.r_[0.0, np.cumsum(1 - truth[order])[ends]]
    return misses / max(misses[-1], 1.0), hits / max(hits[-1], 1.0)
