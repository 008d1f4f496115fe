"""How good a score is: AUC, losses, calibration and lift, with bootstrap intervals, all vectorised.

Rows of one entity repeat each other, so the bootstrap draws entities, not rows; two models are compared on the same
draws. What follows from the numbers stands in `promotion`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REPLICATES = 400
"""Draws of a bootstrap: the ends of a 95 % interval then move by a few percent of its width between seeds."""
_CELLS_AT_ONCE = 4_000_000
_TINY = 1e-15


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def reversed(self) -> "Estimate":
        """The same difference seen from the other side."""
        return Estimate(0.0 - self.value, 0.0 - self.high, 0.0 - self.low)


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """The chance that a positive row scores above a negative one, ties counted half; NaN without both outcomes."""
    truth, score = _arrays(labels, scores)
    return float(_weighted_auc(truth, score, np.ones((1, len(truth))))[0])


def log_loss(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean surprise in nats; scores of exactly 0 or 1 are moved inwards by 1e-15."""
    truth, score = _arrays(labels, scores)
    return float(_log_losses(truth, score).mean()) if len(truth) else float("nan")


def brier(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean squared distance between score and outcome."""
    truth, score = _arrays(labels, scores)
    return float(np.square(truth - score).mean()) if len(truth) else float("nan")


def calibration_curve(
    labels: npt.ArrayLike, scores: npt.ArrayLike, bins: int = 10
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Mean score, share of positives and rows of up to `bins` bins with equally many rows; equal scores share a bin."""
    truth, score = _arrays(labels, scores)
    if not len(truth):
        return np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
    which = np.searchsorted(edges, score, side="left")
    rows = np.bincount(which, minlength=len(edges) + 1)
    filled = rows > 0
    expected = np.bincount(which, weights=score, minlength=len(rows))[filled] / rows[filled]
    observed = np.bincount(which, weights=truth, minlength=len(rows))[filled] / rows[filled]
    return expected, observed, rows[filled]


def calibration_error(labels: npt.ArrayLike, scores: npt.ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: the mean distance between score and share of positives over bins of equal size."""
    expected, observed, rows = calibration_curve(labels, scores, bins)
    return float(np.average(np.abs(expected - observed), weights=rows)) if len(rows) else float("nan")


def lift_at_top(labels: npt.ArrayLike, scores: npt.ArrayLike, share: float = 0.1) -> float:
    """How many times the base rate the best-scored `share` of rows reaches; rows tied at its edge count in part."""
    truth, score = _arrays(labels, scores)
    if not truth.sum():
        return float("nan")
    size = int(np.ceil(len(truth) * share))
    edge = np.partition(score, -size)[-size]
    above, tied = score > edge, score == edge
    hits = truth[above].sum() + truth[tied].mean() * (size - above.sum())
    return float(hits / size / truth.mean())


def lift_by_decile(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """How many times the base rate each tenth of the rows reaches, best scored first; NaN without a positive.

    Rows tied at an edge count in part on both of its sides, so the ten always average 1.
    """
    truth, score = _arrays(labels, scores)
    if not truth.sum():
        return np.full(10, np.nan)
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1] + 1
    hits = np.cumsum(truth[order])[ends - 1]
    edges = np.linspace(0, len(score), 11)
    return np.diff(np.interp(edges, np.r_[0, ends], np.r_[0.0, hits])) * 10 / truth.sum()


def metric_estimates(
    labels: npt.ArrayLike, scores: npt.ArrayLike, entities: npt.ArrayLike, *, seed: int
) -> dict[str, Estimate]:
    """AUC, log loss, Brier score and calibration error with their intervals.

    Noise adds to a distance: the calibration error of draws lies above the measured one as this lies above the true
    one. The upper end of its interval is therefore mirrored (basic bootstrap: Davison and Hinkley 1997, 5.2), and the
    lower one is what the distances of the draws from the measured bins leave of it (triangle inequality).
    """
    truth, score = _arrays(labels, scores)
    losses = np.column_stack([_log_losses(truth, score), np.square(truth - score)])
    distances = _distances_by_bin(truth, score)
    drawn = np.concatenate(
        [
            np.column_stack([_weighted_auc(truth, score, weights), _weighted_means(each_row, weights)])
            for each_row in [np.column_stack([losses, distances])]
            for weights in _draws(entities, seed)
        ]
    )
    values = (auc(truth, score), *losses.mean(axis=0))
    estimates = {
        name: _estimate(value, replicates)
        for name, value, replicates in zip(("auc", "log_loss", "brier"), values, drawn.T[:3], strict=True)
    }
    return estimates | {"calibration_error": _calibration_estimate(distances.mean(axis=0), drawn[:, 3:])}


def metric_differences(
    labels: npt.ArrayLike, scores: npt.ArrayLike, other: npt.ArrayLike, entities: npt.ArrayLike, *, seed: int
) -> dict[str, Estimate]:
    """Every figure of `metric_estimates`: that of `scores` minus that of `other`, with the interval of the difference.

    Both meet the same draws, so their luck cancels out (paired bootstrap). The noise that draws add to a calibration
    error is not quite the same for both: its draws are moved so that their median is the measured difference.
    """
    truth, score = _arrays(labels, scores)
    _, against = _arrays(labels, other)

    def differences(weights: Floats) -> Floats:
        return _figures(truth, score, weights) - _figures(truth, against, weights)

    drawn = np.concatenate([differences(weights) for weights in _draws(entities, seed)])
    values = differences(np.ones((1, len(truth))))[0]
    calibration = drawn[np.isfinite(drawn[:, 3]), 3]
    moved = calibration - np.median(calibration) + values[3] if len(calibration) else calibration
    replicates = (*drawn.T[:3], moved)
    names = ("auc", "log_loss", "brier", "calibration_error")
    return {name: _estimate(*found) for name, *found in zip(names, values, replicates, strict=True)}


def _arrays(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if truth.shape != score.shape:
        raise ValueError(f"{len(truth)} labels but {len(score)} scores")
    if not np.isfinite(score).all():
        raise ValueError("scores must be finite numbers")
    return truth, score


def _log_losses(truth: Floats, score: Floats) -> Floats:
    inside = np.clip(score, _TINY, 1 - _TINY)
    return -(truth * np.log(inside) + (1 - truth) * np.log1p(-inside))


def _weighted_auc(truth: Floats, score: Floats, weights: Floats) -> Floats:
    """One AUC for every row of `weights`."""
    if not len(truth):
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    sorted_weights = weights[:, order]
    positive = np.add.reduceat(sorted_weights * truth[order], starts, axis=1)
    negative = np.add.reduceat(sorted_weights * (1 - truth[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))


def _weighted_means(values: Floats, weights: Floats) -> Floats:
    """The mean of every column of `values` for every row of `weights`; NaN where a row drew nobody."""
    with np.errstate(invalid="ignore"):
        return weights @ values / weights.sum(axis=1, keepdims=True)


def _figures(truth: Floats, score: Floats, weights: Floats) -> Floats:
    """AUC, mean losses and calibration error, the columns, for every row of `weights`."""
    losses = np.column_stack([_log_losses(truth, score), np.square(truth - score)])
    distances = np.abs(_weighted_means(_distances_by_bin(truth, score), weights)).sum(axis=1)
    return np.column_stack([_weighted_auc(truth, score, weights), _weighted_means(losses, weights), distances])


def _distances_by_bin(truth: Floats, score: Floats, bins: int = 10) -> Floats:
    """What `calibration_error` sums by bin: one column a bin, a row's score minus its outcome in that of its own."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])) if len(score) else np.empty(0)
    which = np.searchsorted(edges, score, side="left")
    return np.where(which[:, None] == np.arange(len(edges) + 1), (score - truth)[:, None], 0.0)


def _calibration_estimate(distances: Floats, drawn: Floats) -> Estimate:
    """The interval of a sum of absolute distances from those of the draws, one row each."""
    value = float(np.abs(distances).sum())
    mirrored = _estimate(value, np.abs(drawn).sum(axis=1))
    noise = _estimate(value, np.abs(drawn - distances).sum(axis=1))
    return Estimate(
        value, float(np.maximum(0.0, value - noise.high)), float(np.maximum(value, 2 * value - mirrored.low))
    )


def _draws(entities: npt.ArrayLike, seed: int) -> Iterator[Floats]:
    """Row weights of the bootstrap, a few replicates at a time so that memory stays bounded."""
    unique, which = np.unique(np.asarray(entities), return_inverse=True)
    if not len(unique):
        yield np.ones((1, 0))
        return
    random = np.random.default_rng(seed)
    size = max(1, _CELLS_AT_ONCE // len(which))
    for start in range(0, REPLICATES, size):
        rows = min(size, REPLICATES - start)
        yield random.poisson(1.0, (rows, len(unique)))[:, which].astype(np.float64)


def _estimate(value: float, replicates: Floats) -> Estimate:
    known = replicates[np.isfinite(replicates)]
    if not len(known) or not np.isfinite(value):
        return Estimate(float(value), float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(float(value), float(low), float(high))
