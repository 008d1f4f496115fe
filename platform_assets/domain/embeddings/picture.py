"""The map of an embedding: what is near each other in the picture is visited together."""

import numpy as np
import numpy.typing as npt

from platform_assets.domain.drawing import FAINT, INK, as_png, blank_figure
from platform_assets.domain.embeddings.cluster_days import ClusteredDay

DRAWN_TOKENS = 1_000
"""The most frequent ones; more would be a cloud."""

LABELLED_TOKENS = 28
_LONGEST_LABEL = 34


def embedding_map(clustered: ClusteredDay, title: str, seed: int) -> bytes:
    """Every token as a point, as large as it is frequent, in the colour of its cluster; the largest ones named."""
    embedding = clustered.embedding
    shown = np.sort(np.lexsort((embedding.tokens, -embedding.sequences))[:DRAWN_TOKENS])
    places = _places(embedding.vectors[shown].astype(np.float64), seed)
    labels, sequences = clustered.labelling.labels[shown], embedding.sequences[shown]
    figure = blank_figure(title, width=12, height=8)
    axes = figure.subplots()
    colours = _colours(np.unique(labels))
    area = 30 + 400 * sequences / sequences.max()
    for label in np.unique(labels).tolist():
        inside = labels == label
        name = f"{label}  {_short(clustered.names[label])}"
        axes.scatter(
            places[inside, 0],
            places[inside, 1],
            s=area[inside],
            color=colours[label],
            alpha=0.75,
            linewidth=0,
            label=name,
        )
    axes.set(xticks=[], yticks=[])
    axes.margins(0.08)
    axes.spines[:].set_color(FAINT)
    columns = 1 if len(colours) <= 24 else 2
    key = axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, title="cluster", ncols=columns
    )
    for handle in key.legend_handles:
        handle.set_sizes([60])  # type: ignore[union-attr]  # a scatter's handle
    _name_points(axes, places, embedding.tokens[shown], labels, area)
    return as_png(figure)


def _places(vectors: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Two coordinates for each vector (t-SNE from principal components), the same for the same vectors."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    with threadpool_limits(limits=1):
        return TSNE(init="pca", metric="cosine", perplexity=perplexity, random_state=seed).fit_transform(vectors)


def _colours(labels: npt.NDArray[np.int64]) -> dict[int, tuple[float, float, float]]:
    """A colour for each label: steps of the golden angle around the circle, so that neighbours differ."""
    from colorsys import hls_to_rgb

    lightness = (0.42, 0.58, 0.5)
    return {
        label: hls_to_rgb((0.58 + number * 0.381966) % 1, lightness[number % 3], 0.6)
        for number, label in enumerate(labels.tolist())
    }


def _name_points(axes, places, tokens, labels, area) -> None:  # type: ignore[no-untyped-def]  # matplotlib comes late
    """Names beside points, the largest of each cluster first, where they cover no other name and no large point."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    axes.figure.draw_without_rendering()
    renderer = axes.figure.canvas.get_renderer()
    frame, radius = axes.get_window_extent(renderer), np.sqrt(area / np.pi) * axes.figure.dpi / 72
    centres = axes.transData.transform(places)
    in_turns = _in_turns(labels, area)
    large = in_turns[:LABELLED_TOKENS]
    taken = [Bbox([centres[place] - 0.8 * radius[place], centres[place] + 0.8 * radius[place]]) for place in large]
    named = 0
    for place in in_turns:
        gap = radius[place] * 72 / axes.figure.dpi + 2
        for shift, side, height in (((gap, 0), "left", "center"), ((-gap, 0), "right", "center"),
                                    ((0, gap), "center", "bottom"), ((0, -gap), "center", "top")):  # fmt: skip
            text = axes.annotate(
                _short(str(tokens[place])), places[place], xytext=shift, textcoords="offset points", ha=side,
                va=height, fontsize=8.5, color=INK, path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                named += 1
                break
            text.remove()
        if named == LABELLED_TOKENS:
            return


def _in_turns(labels: npt.NDArray[np.int64], sizes: npt.NDArray[np.float64]) -> list[int]:
    """Places of tokens: the largest of every cluster, then the second ones, and so on."""
    by_size = np.lexsort((np.arange(len(labels)), -sizes))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        of_label = by_size[labels[by_size] == label]
        turn[of_label] = np.arange(len(of_label))
    return np.lexsort((np.arange(len(labels)), -sizes, turn)).tolist()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
