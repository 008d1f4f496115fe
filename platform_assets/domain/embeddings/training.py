"""Word2Vec over sequences: tokens that stand in the same contexts get vectors that point the same way.

Skip-gram with negative sampling (Mikolov et al., "Distributed Representations of Words and Phrases and their
Compositionality", 2013), by gensim. One worker, a seed and ordered input: the same sequences give the same vectors in
every process. Words beside the tokens follow the idea of side information in the context (Vasile, Smirnova, Conneau,
"Meta-Prod2Vec", 2016); they get no vector of their own in the result.
"""

import hashlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from platform_assets.domain.embeddings.sequences import WORD_MARK, sequences, visits, vocabulary
from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.errors import PlatformError

FEWEST_TOKENS = 8
"""Among fewer there is nothing to group."""

_BATCH_ROWS = 20_000
_MOST_PASSES = 100


class TooLittleToLearn(PlatformError):
    """The window before a training date has too few tokens that are seen often enough."""


@dataclass(frozen=True)
class Embedding:
    """Vectors of length 1, one row a token, in the order of the tokens; in how many `sequences` each stood."""

    tokens: npt.NDArray[np.str_]
    sequences: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class TrainedEmbedding:
    """An embedding and what is known about its training."""

    embedding: Embedding
    training_date: date
    trained_until: date
    """The last event day that learning has seen."""
    digest: str
    """Fingerprint of spec and vectors: equal for two trainings that learnt the same."""
    sequences: int
    """Sequences that were learnt from."""
    words: int
    """Different words of paths that stood beside the tokens."""

    @property
    def figures(self) -> dict[str, int]:
        """What it was learnt from, in numbers."""
        return {"tokens": len(self.embedding.tokens), "sequences": self.sequences, "words": self.words}


def train_embedding(events: ibis.Table, spec: EmbeddingSpec, training_date: date) -> TrainedEmbedding:
    """Learn from the events of the window before the training date, however many: sequences are read from disk.

    A token that never stands beside anything has no place among the others and is left out. Raises TooLittleToLearn
    where fewer than FEWEST_TOKENS are left.
    """
    visited = visits(events, spec, training_date)
    counts = vocabulary(visited, spec).order_by("token").to_pyarrow()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder) / "sequences.arrow")
        rows = corpus.write(sequences(visited, spec).select("tokens").to_pyarrow_batches(chunk_size=_BATCH_ROWS))
        vectors, words = word_vectors(corpus, counts["token"].to_pylist(), spec)
    placed = np.flatnonzero(vectors.any(axis=1))
    if len(placed) < FEWEST_TOKENS:
        raise TooLittleToLearn(
            f"{len(placed)} values of {spec.token} stand beside others in {spec.fewest_sequences} or more sequences of "
            f"{spec.first_day(training_date)} to {spec.last_day(training_date)}, {FEWEST_TOKENS} are needed",
            where=f"{spec.name} as of {training_date}",
            todo="choose a later day, or materialise the events of the days before it",
        )
    embedding = Embedding(
        np.array(counts["token"].to_pylist())[placed], counts["sequences"].to_numpy()[placed], vectors[placed]
    )
    return TrainedEmbedding(
        embedding, training_date, spec.last_day(training_date), _digest(embedding, spec, training_date), rows, words
    )


class Corpus:
    """Sequences in an Arrow file, read again for every pass over them, a batch at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, batches: pa.RecordBatchReader) -> int:
        """Write all sequences; returns how many."""
        rows = 0
        with pa.ipc.new_file(str(self._path), batches.schema) as file:
            for batch in batches:
                file.write_batch(batch)
                rows += batch.num_rows
        return rows

    def __iter__(self) -> Iterator[list[str]]:
        with pa.memory_map(str(self._path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                yield from file.get_batch(number).column("tokens").to_pylist()


def word_vectors(
    corpus: Iterable[list[str]], tokens: list[str], spec: EmbeddingSpec
) -> tuple[npt.NDArray[np.float32], int]:
    """Vectors of `tokens`, of length 1 and in their order, and the number of different words beside them.

    A token that stands in no sequence has the null vector.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=spec.dimensions,
        window=spec.context,
        negative=spec.negative,
        seed=spec.seed,
        sg=1,
        min_count=1,
        sample=0,
        workers=1,
        hashfxn=_stable_hash,
    )
    model.build_vocab(corpus)
    if not len(model.wv):
        return np.zeros((len(tokens), spec.dimensions), dtype=np.float32), 0
    passes = max(spec.epochs, min(_MOST_PASSES, -(-spec.steps // model.corpus_total_words)))
    model.train(corpus, total_examples=model.corpus_count, epochs=passes)
    places = [model.wv.key_to_index.get(f" {token}", -1) for token in tokens]
    found = np.vstack([model.wv.vectors, np.zeros((1, spec.dimensions), dtype=np.float32)])[places]
    length = np.linalg.norm(found, axis=1, keepdims=True)
    words = sum(token.startswith(WORD_MARK) for token in model.wv.index_to_key)
    return np.divide(found, length, out=np.zeros_like(found), where=length > 0), words


def _stable_hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _digest(embedding: Embedding, spec: EmbeddingSpec, training_date: date) -> str:
    parts = [spec.fingerprint.encode(), training_date.isoformat().encode(), "\n".join(embedding.tokens).encode()]
    parts += [embedding.sequences.tobytes(), embedding.vectors.tobytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
