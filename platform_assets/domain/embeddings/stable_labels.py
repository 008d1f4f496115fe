"""Labels that keep their meaning: clusters are found anew each time, and take the labels of those they continue.

Clusters of two days are matched one to one so that as many tokens as possible stay under their label (the assignment
problem, Kuhn 1955). A cluster that continues none gets a number that was not in use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FIRST_LABEL = 1

KEPT, NEW, SPLIT, MERGED, GONE = "kept", "new", "split", "merged", "gone"


@dataclass(frozen=True)
class Change:
    """What became of a label: `kept`, `new`, `split` (new, most of it was part of `other`), `merged` (ended, most of
    it is part of `other` now) or `gone` (ended). `tokens` are those under it now, or when it ended."""

    label: int
    kind: str
    tokens: int
    other: int | None = None


@dataclass(frozen=True)
class Labelling:
    """The label of every token, in the order given, and what became of all labels, in their order."""

    labels: npt.NDArray[np.int64]
    changes: tuple[Change, ...]


def stable_labels(
    tokens: npt.NDArray[np.str_],
    clusters: npt.NDArray[np.int64],
    before: Mapping[str, int],
    highest: int = FIRST_LABEL - 1,
) -> Labelling:
    """Labels for `clusters` (numbered from 0), given the labels that tokens had `before` (none: all are new).

    A label goes on where at least half of the smaller of the two clusters is shared. `highest` is the highest label
    that was ever in use; new ones follow it.
    """
    old = np.array([before.get(token, 0) for token in tokens.tolist()], dtype=np.int64)
    known = np.array(sorted(set(before.values())), dtype=np.int64)
    sizes = np.bincount(clusters)
    sizes_before = np.array([list(before.values()).count(label) for label in known.tolist()], dtype=np.int64)
    shared = np.zeros((len(sizes), len(known)), dtype=np.int64)
    stayed = old >= FIRST_LABEL
    np.add.at(shared, (clusters[stayed], np.searchsorted(known, old[stayed])), 1)
    continues = _continued(shared, sizes, sizes_before)
    label_of = np.zeros(len(sizes), dtype=np.int64)
    following = max([highest, *known.tolist()])
    for cluster in range(len(sizes)):
        if cluster not in continues:
            following += 1
        label_of[cluster] = known[continues[cluster]] if cluster in continues else following
    changes = [
        *_begun(shared, sizes, known, label_of, continues),
        *_ended(shared, sizes_before, known, label_of, continues),
    ]
    return Labelling(label_of[clusters], tuple(sorted(changes, key=lambda change: change.label)))


def _continued(
    shared: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], sizes_before: npt.NDArray[np.int64]
) -> dict[int, int]:
    """Cluster → the place of the label that it continues."""
    from scipy.optimize import linear_sum_assignment

    pairs = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    return {
        int(cluster): int(label)
        for cluster, label in pairs
        if shared[cluster, label] and 2 * shared[cluster, label] >= min(sizes[cluster], sizes_before[label])
    }


def _begun(
    shared: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    label_of: npt.NDArray[np.int64],
    continues: Mapping[int, int],
) -> list[Change]:
    changes = []
    for cluster, size in enumerate(sizes.tolist()):
        label = int(label_of[cluster])
        origin = int(shared[cluster].argmax()) if len(known) else 0
        if cluster in continues:
            changes.append(Change(label, KEPT, size))
        elif len(known) and 2 * shared[cluster, origin] > size:
            changes.append(Change(label, SPLIT, size, int(known[origin])))
        else:
            changes.append(Change(label, NEW, size))
    return changes


def _ended(
    shared: npt.NDArray[np.int64],
    sizes_before: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    label_of: npt.NDArray[np.int64],
    continues: Mapping[int, int],
) -> list[Change]:
    changes = []
    for place in sorted(set(range(len(known))) - set(continues.values())):
        size, heir = int(sizes_before[place]), int(shared[:, place].argmax())
        merged = 2 * shared[heir, place] > size
        kind, other = (MERGED, int(label_of[heir])) if merged else (GONE, None)
        changes.append(Change(int(known[place]), kind, size, other))
    return changes
