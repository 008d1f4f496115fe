"""What a score is worth: the chance of a positive label, learnt on held-out rows, and how sure it is.

Logistic recalibration: a line through the logit of the score (Cox 1958, Biometrika 45; Platt 1999, whose smoothed
targets keep it finite where the outcomes are separated). Rows of one entity repeat each other, so that the covariance
of the line is that of entities, not of rows (Liang and Zeger 1986, Biometrika 73). Nothing here is drawn at random.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.modelling.quality import Floats

_NEAREST = 1e-6
"""Scores nearer to 0 or 1 are moved to this distance, where their logit is finite."""
_STEPS, _SMALL = 50, 1e-10
_TAIL = 0.025


class CalibrationUnusable(PlatformError):
    """There are too few held-out outcomes to say what a score is worth."""


@dataclass(frozen=True)
class Calibration:
    """The chance of a positive label is logistic(line · (1, logit(score))).

    `covariance` is that of the line; `rows` and `positives` are what it was learnt on.
    """

    line: Floats
    covariance: Floats
    rows: int
    positives: int

    def chance(self, scores: npt.ArrayLike) -> Floats:
        """The calibrated probability of every score."""
        return _logistic(_design(scores) @ self.line)


@dataclass(frozen=True)
class Precision:
    """The expected share of positives among the first 1, 2, … rows, and the variance of the share that comes true.

    Both the luck of these rows and what is not known of the calibration are in the variance.
    """

    value: Floats
    variance: Floats

    def interval(self, depths: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Low and high ends of what comes true with 95 % of the first so many rows.

        They are a beta distribution's of the same mean and variance, widened to shares that so many rows can have.
        """
        from scipy.special import betaincinv

        value, variance = self.value[depths - 1], self.variance[depths - 1]
        # A share can't vary more than one of nothing but zeros and ones: below, there is no such beta distribution.
        certainty = np.maximum(value * (1 - value) / np.maximum(variance, 1e-300) - 1, 1e-3)
        low, high = (betaincinv(value * certainty, (1 - value) * certainty, tail) for tail in (_TAIL, 1 - _TAIL))
        lowest = np.floor(np.minimum(low, value) * depths + _SMALL) / depths
        highest = np.ceil(np.maximum(high, value) * depths) / depths
        return np.minimum(lowest, value), np.minimum(highest, 1.0)


def calibrate(
    labels: npt.ArrayLike, scores: npt.ArrayLike, entities: npt.ArrayLike, *, minimum: int, where: str
) -> Calibration:
    """Learn the line from rows that the model has not learnt from.

    Raises `CalibrationUnusable`, naming the place `where`, if there are fewer than `minimum` rows of one outcome.
    """
    truth, design = np.asarray(labels, dtype=np.float64), _design(scores)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if min(positives, negatives) < minimum:
        raise CalibrationUnusable(
            f"{positives} positive and {negatives} negative held-out rows are too few (at least {minimum} of each)",
            where=where,
            todo="train on more days or users, or choose an audience that more people join",
        )
    target = np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    line, curvature = _fitted(design, target)
    pull = (target - _logistic(design @ line))[:, None] * design
    _, which = np.unique(np.asarray(entities), return_inverse=True)
    by_entity = np.column_stack([np.bincount(which, weights=column) for column in pull.T])
    groups = len(by_entity)
    inverse = np.linalg.pinv(curvature)
    covariance = inverse @ (by_entity.T @ by_entity) @ inverse * (groups / max(groups - 1, 1))
    return Calibration(line, covariance, len(truth), positives)


def expected_precision(calibration: Calibration, scores: npt.ArrayLike) -> Precision:
    """The precision of the first 1, 2, … of rows that are in the order in which they are chosen."""
    design = _design(scores)
    chances = _logistic(design @ calibration.line)
    depth = np.arange(1.0, len(chances) + 1)
    spread = chances * (1 - chances)
    slopes = np.cumsum(spread[:, None] * design, axis=0) / depth[:, None]
    of_calibration = ((slopes @ calibration.covariance) * slopes).sum(axis=1)
    return Precision(np.cumsum(chances) / depth, np.cumsum(spread) / depth**2 + of_calibration)


def _design(scores: npt.ArrayLike) -> Floats:
    inside = np.clip(np.asarray(scores, dtype=np.float64), _NEAREST, 1 - _NEAREST)
    return np.column_stack([np.ones(len(inside)), np.log(inside) - np.log1p(-inside)])


def _logistic(values: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(values / 2))


def _fitted(design: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Newton's method from the score as it is; the line, and the curvature of the likelihood there."""
    line = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        chances = _logistic(design @ line)
        curvature = design.T @ (design * (chances * (1 - chances))[:, None])
        step = np.linalg.pinv(curvature) @ (design.T @ (target - chances))
        line = line + step / max(1.0, float(np.abs(step).max()))  # a long step could run over the top
        if np.abs(step).max() < _SMALL:
            break
    return line, curvature
