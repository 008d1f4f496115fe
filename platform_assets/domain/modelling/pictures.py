"""The picture of a model's quality, as PNG bytes and as the markdown that the UI renders.

Matplotlib is imported when a picture is drawn, and drawn without a display.
"""

import base64

import numpy as np
import numpy.typing as npt

from platform_assets.domain.modelling.quality import Floats, auc, calibration_curve

_INK, _ACCENT, _FAINT = "#1f2933", "#2563eb", "#9aa5b1"


def quality_picture(labels: npt.ArrayLike, scores: npt.ArrayLike, title: str) -> bytes:
    """ROC curve and calibration side by side, 900 pixels wide, with the AUC in the title."""
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    figure = Figure(figsize=(9, 4.2), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title} · AUC {auc(truth, score):.3f}", color=_INK, fontsize=13)
    roc, calibration = figure.subplots(1, 2)
    _draw_roc(roc, truth, score)
    _draw_calibration(calibration, truth, score)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # no version stamp: the same data, the same bytes
    return buffer.getvalue()


def as_markdown(png: bytes, alternative: str) -> str:
    """An inline picture for a markdown field of the UI."""
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"


def _draw_roc(axes, truth: Floats, score: Floats) -> None:  # type: ignore[no-untyped-def]  # matplotlib comes late
    false_rate, true_rate = _roc(truth, score)
    axes.plot([0, 1], [0, 1], color=_FAINT, linestyle="--", linewidth=1, label="chance")
    axes.plot(false_rate, true_rate, color=_ACCENT, linewidth=2, label="model")
    axes.set(title="ROC", xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.grid(color="#e4e7eb")
    axes.legend(loc="lower right", frameon=False)


def _draw_calibration(axes, truth: Floats, score: Floats) -> None:  # type: ignore[no-untyped-def]
    expected, observed, rows = calibration_curve(truth, score)
    spread = 1.96 * np.sqrt(observed * (1 - observed) / np.maximum(rows, 1))
    top = max(1e-3, 1.1 * max([*expected, *(observed + spread)], default=1.0))
    axes.plot([0, top], [0, top], color=_FAINT, linestyle="--", linewidth=1, label="perfect")
    axes.errorbar(
        expected, observed, yerr=spread, color=_ACCENT, marker="o", markersize=5, linewidth=2, capsize=3, label="model"
    )
    axes.set(title="Calibration, ten bins of equal size", xlim=(0, top), ylim=(0, top))
    axes.set(xlabel="mean score of the bin", ylabel="share that came true")
    axes.grid(color="#e4e7eb")
    axes.legend(loc="upper left", frameon=False)


def _roc(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1] if len(score) else np.empty(0, dtype=int)
    hits = np.r_[0.0, np.cumsum(truth[order])[ends]]
    misses = np.r_[0.0, np.cumsum(1 - truth[order])[ends]]
    return misses / max(misses[-1], 1.0), hits / max(hits[-1], 1.0)
