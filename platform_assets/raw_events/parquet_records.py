"""Reads Parquet, a row group's batch at a time: every value as lossless text, `line` is the number of the row."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from platform_assets.domain.source import Source
from platform_assets.raw_events.declared_columns import check_header, raw_columns
from platform_assets.raw_events.landed_file import FileReading
from platform_assets.raw_events.line_records import RecordBlock

_ROWS = 32_768


def parquet_records(reading: FileReading, source: Source) -> Iterator[RecordBlock]:
    """The rows of a Parquet file. A record of this format has no text."""
    for _ in reading.received_chunks():  # the hash is of the whole file, which Parquet reads in pieces
        pass
    if not reading.found.size:
        return
    with reading.open_file() as opened:
        try:
            file = pq.ParquetFile(opened)
            header = file.schema_arrow.names
            reading.column_types = {field.name: str(field.type) for field in file.schema_arrow}
            check_header(reading, source, header)
            for batch in file.iter_batches(batch_size=_ROWS):
                lines = np.arange(reading.records + 1, reading.records + 1 + len(batch), dtype=np.int64)
                reading.records += len(batch)
                reading.line = reading.records
                columns = raw_columns(source, header, batch.columns)
                yield RecordBlock(pa.nulls(len(batch), pa.string()), lines, None, columns)
        except (pa.ArrowException, OSError) as error:
            raise reading.error(f"is no readable Parquet: {error}", "have the file delivered again") from error
