"""Names of clusters: by the categories that dominate them, else by the tokens at their heart."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from platform_assets.domain.embeddings.training import Embedding

TOKENS_IN_A_NAME = 2


def cluster_names(
    embedding: Embedding,
    labels: npt.NDArray[np.int64],
    similarity: npt.NDArray[np.float64],
    categories: Mapping[str, str],
) -> dict[int, str]:
    """Label → name; all different.

    A category dominates where more than half of the cluster's sequences of tokens with a category are its; a cluster
    that none dominates, or whose tokens have none, is named by its central tokens: of the half that is nearest to the
    centre those in the most sequences. Clusters of one category are told apart by their first central token.
    """
    central = {label: _central(embedding, labels == label, similarity) for label in np.unique(labels).tolist()}
    dominating = {label: _dominating(embedding, labels == label, categories) for label in central}
    names = {}
    for label, tokens in central.items():
        category = dominating[label]
        if category is None:
            names[label] = ", ".join(tokens)
        elif list(dominating.values()).count(category) > 1:
            names[label] = f"{category} ({tokens[0]})"
        else:
            names[label] = category
    return names


def _central(embedding: Embedding, inside: npt.NDArray[np.bool_], similarity: npt.NDArray[np.float64]) -> list[str]:
    places = np.flatnonzero(inside)
    nearest = places[np.lexsort((places, -similarity[places]))][: -(-len(places) // 2)]
    order = nearest[np.lexsort((nearest, -embedding.sequences[nearest]))]
    return embedding.tokens[order[:TOKENS_IN_A_NAME]].tolist()


def _dominating(embedding: Embedding, inside: npt.NDArray[np.bool_], categories: Mapping[str, str]) -> str | None:
    counted: dict[str, int] = {}
    for token, sequences in zip(embedding.tokens[inside].tolist(), embedding.sequences[inside].tolist(), strict=True):
        if token in categories:
            counted[categories[token]] = counted.get(categories[token], 0) + sequences
    if not counted:
        return None
    category = max(sorted(counted), key=lambda name: counted[name])
    return category if 2 * counted[category] > sum(counted.values()) else None
