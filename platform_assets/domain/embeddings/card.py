"""The model card of an embedding: what a reader must know before they use it, as markdown."""

from collections.abc import Mapping

from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.training import TrainedEmbedding


def embedding_card(spec: EmbeddingSpec, trained: TrainedEmbedding, input_versions: Mapping[str, int]) -> str:
    """The card of `trained`, with the versions of the tables it was made from."""
    tables = ", ".join(f"`{table}` version {version}" for table, version in sorted(input_versions.items()))
    beside = f", beside {trained.words:,} different words of `{spec.words}`" if spec.words else ""
    return "\n\n".join(
        [
            f"# {spec.name}, trained as of {trained.training_date}",
            spec.description.strip(),
            f"**What it is.** A vector of {spec.dimensions} numbers for each of {len(trained.embedding.tokens):,} "
            f"values of `{spec.token}`; vectors point the same way where values stand in the same `{spec.sequence}`. "
            f"**Owner:** {spec.owner}",
            "\n".join(
                [
                    "## Data",
                    f"- Learnt from {trained.sequences:,} sequences of {spec.first_day(trained.training_date)} to "
                    f"{trained.trained_until}{beside}; bots are left out.",
                    f"- Values in fewer than {spec.fewest_sequences} sequences are left out, and such that never stand "
                    "beside anything.",
                    f"- Tables: {tables or '`events`'}",
                ]
            ),
            "\n".join(
                [
                    "## Limits",
                    "- It knows what is visited together, not what a page says. Where sessions hold one domain only, "
                    "the words of paths decide; without them such domains lie where chance put them.",
                    "- Vectors of two trainings can't be compared with each other; labels of clusters can.",
                ]
            ),
        ]
    )
