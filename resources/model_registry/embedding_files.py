"""Files of an embedding: one Parquet table of tokens and vectors, loaded only where its digest is the registered one.

No pickle, no code: a file that was changed can hold other numbers at most, and is refused for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from platform_assets.domain.embeddings.training import Embedding
from resources.model_registry.model_files import digest_of, read_files, require_untouched
from resources.model_registry.model_version import ModelVersion

_TABLE = "embedding.parquet"


@dataclass(frozen=True)
class LoadedEmbedding:
    """A verified embedding and the version it is of."""

    version: ModelVersion
    embedding: Embedding


def write_embedding(folder: Path, embedding: Embedding) -> str:
    """Write the files of an embedding into a new folder and return their digest."""
    from mlflow.models import Model

    folder.mkdir(parents=True)
    dimensions = embedding.vectors.shape[1]
    table = pa.table(
        {
            "token": pa.array(embedding.tokens.tolist(), pa.string()),
            "sequences": pa.array(embedding.sequences),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(embedding.vectors.ravel()), dimensions),
        }
    )
    pq.write_table(table, folder / _TABLE, compression="zstd")
    described = Model()
    described.add_flavor("embedding", data=_TABLE, dimensions=dimensions, pyarrow=installed_version("pyarrow"))
    described.save(str(folder / "MLmodel"))
    return digest_of(read_files(folder))


def load_verified_embedding(files: Mapping[str, bytes], version: ModelVersion) -> LoadedEmbedding:
    """The embedding in `files`, if they are those that were registered. Raises ModelTampered where they are not."""
    require_untouched(files, version)
    table = pq.read_table(BytesIO(files[_TABLE])).combine_chunks()
    vectors = table["vector"].combine_chunks()
    numbers = vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)
    tokens = np.array(table["token"].to_pylist())
    return LoadedEmbedding(version, Embedding(tokens, table["sequences"].to_numpy(), numbers))
