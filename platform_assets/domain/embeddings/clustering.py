"""Clusters of an embedding: k-means on vectors of length 1, the number of clusters read off the silhouette's knee.

The silhouette says how much nearer a token is to its own cluster's centre than to the next one (the simplified form of
Hruschka, Campello, de Castro, "Evolutionary Search for Optimal Fuzzy C-Means Clustering", 2004: linear in the tokens).
It rises steeply while real groups are still lumped together and flatly once they are split further: the number is taken
where it lies highest above the straight line from the fewest to the most clusters (Satopää et al., "Finding a Kneedle
in a Haystack", 2011). The highest silhouette itself would split groups wherever they have parts. Where it only falls,
nothing stands apart: tokens are a continuum, which is cut into the square root of half their number (Mardia, Kent,
Bibby, "Multivariate Analysis", 1979), and that is said. Two groups alone look like a continuum.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.training import Embedding

_STARTS_OF_SEARCH, _STARTS = 3, 20
_EVERY_NUMBER_UP_TO = 20
_DIGITS = 6


@dataclass(frozen=True)
class Clustering:
    """The cluster of every token of an embedding, in its order.

    Clusters are numbered from 0, those in the most sequences first. `similarity` is the cosine between a token and its
    cluster's centre; `silhouettes` the mean silhouette by the number of clusters that was tried. `stand_apart` says
    whether the silhouette has a knee; if not, the clusters are pieces of a continuum.
    """

    cluster: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    silhouettes: dict[int, float]
    stand_apart: bool

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.cluster.max()) + 1

    @property
    def silhouette(self) -> float:
        """The mean silhouette of the chosen number."""
        return self.silhouettes[self.clusters]


def cluster_embedding(embedding: Embedding, spec: EmbeddingSpec) -> Clustering:
    """Group the tokens; the same embedding gives the same clusters."""
    from threadpoolctl import threadpool_limits

    vectors = embedding.vectors.astype(np.float64)
    # One thread, so that sums are always added up in the same order.
    with threadpool_limits(limits=1):
        tried = {
            number: _silhouette(*_k_means(vectors, number, _STARTS_OF_SEARCH, spec.seed), vectors)
            for number in _numbers(len(vectors), spec.most_clusters)
        }
        standing_out = knee(list(tried), list(tried.values()))
        number = standing_out or min(tried, key=lambda each: abs(each - (len(vectors) / 2) ** 0.5))
        found, centres = _k_means(vectors, number, _STARTS, spec.seed)
        tried[number] = _silhouette(found, centres, vectors)
    similarity = np.einsum("ij,ij->i", vectors, centres[found])
    return Clustering(_largest_first(found, embedding), similarity.round(_DIGITS), tried, standing_out is not None)


def knee(numbers: list[int], values: list[float]) -> int | None:
    """The number whose value lies highest above the line from the corner of the lowest to that of the highest.

    None where that is the first one, or there are too few to tell.
    """
    x, y = np.array(numbers, dtype=np.float64), np.array(values, dtype=np.float64)
    if len(x) < 3 or np.ptp(y) == 0:
        return None
    place = int(np.argmax((y - y.min()) / np.ptp(y) - (x - x[0]) / np.ptp(x)))
    return numbers[place] if place else None


def _numbers(tokens: int, most: int) -> list[int]:
    """Every small number of clusters, larger ones in steps of a tenth; two tokens a cluster at least."""
    numbers, number = [], 2
    while number <= min(most, tokens // 2):
        numbers.append(number)
        number += max(1, number // 10) if number >= _EVERY_NUMBER_UP_TO else 1
    return numbers


def _k_means(
    vectors: npt.NDArray[np.float64], clusters: int, starts: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    from sklearn.cluster import KMeans

    fitted = KMeans(clusters, n_init=starts, random_state=seed).fit(vectors)
    length = np.linalg.norm(fitted.cluster_centers_, axis=1, keepdims=True)
    return fitted.labels_.astype(np.int64), fitted.cluster_centers_ / np.maximum(length, 1e-12)


def _silhouette(
    found: npt.NDArray[np.int64], centres: npt.NDArray[np.float64], vectors: npt.NDArray[np.float64]
) -> float:
    distance = 1 - vectors @ centres.T
    rows = np.arange(len(vectors))
    own = distance[rows, found]
    distance[rows, found] = np.inf
    next_best = distance.min(axis=1)
    return round(float(np.mean((next_best - own) / np.maximum(np.maximum(own, next_best), 1e-12))), _DIGITS)


def _largest_first(found: npt.NDArray[np.int64], embedding: Embedding) -> npt.NDArray[np.int64]:
    """Renumbered by the sequences of a cluster's tokens; among equal ones by the first token."""
    present, first = np.unique(found, return_index=True)
    sizes = np.array([embedding.sequences[found == number].sum() for number in present])
    order = np.lexsort((first, -sizes))
    renumbered = np.empty(found.max() + 1, dtype=np.int64)
    renumbered[present[order]] = np.arange(len(present))
    return renumbered[found]
