"""Reads the files of domain → category maps, on a local disk or in S3 by the same code: text as received.

A file that can't be read stops the run: half of a map would take their categories from the domains of the other half.
What entries mean stands in `platform_assets.domain.categories.domain_categories`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from platform_assets.domain.categories.category_map import CategoryMap, MapFormat
from platform_assets.domain.categories.domain_categories import RECEIVED
from platform_assets.domain.categories.map_places import map_place
from platform_assets.domain.errors import PlatformError
from resources.object_store import open_place

_SCHEMA = RECEIVED.to_pyarrow()
_BATCH_ROWS = 65_536


class MapFileError(PlatformError):
    """The files of a map are not there, or one of them can't be read. Nothing is published."""


@dataclass(frozen=True)
class MapFile:
    """A file of a map; `name` is its path relative to its place's root, `version_date` the day that the place names."""

    filesystem: fs.FileSystem
    info: fs.FileInfo
    name: str
    version_date: date | None


def find_map_files(declared: CategoryMap, landing_zone: str) -> list[MapFile]:
    """All files of a map, by name. Raises MapFileError where there is none, or one is of no day."""
    place = map_place(declared.place, landing_zone=landing_zone, environment=os.environ)
    filesystem, root = open_place(place.root or "/")
    prefix = f"{root.rstrip('/')}/"
    selector = fs.FileSelector(prefix + place.fixed, recursive=True, allow_not_found=True)
    found = []
    for info in sorted(filesystem.get_file_info(selector), key=lambda info: info.path):
        name = info.path.removeprefix(prefix)
        if info.type == fs.FileType.File and place.pattern.fullmatch(name):
            try:
                found.append(MapFile(filesystem, info, name, place.version_date(name)))
            except ValueError as error:
                raise MapFileError(f"names no day: {error}", where=name, todo="rename the file or folder") from None
    if not found:
        raise MapFileError(
            f"no file of the map {declared.name} is there",
            where=f"{prefix}{place.fixed} ({declared.place})",
            todo="bring its files, mend `place`, or take the map out of the declaration "
            "(the demo's maps are written by `platform simulate`)",
        )
    return found


def read_map(declared: CategoryMap, landing_zone: str) -> pa.Table:
    """The entries of all versions of a map as received, in `RECEIVED` columns, without those that `only` leaves out.

    Raises MapFileError that names the file.
    """
    batches = []
    for file in find_map_files(declared, landing_zone):
        try:
            batches += [_entries(batch, file, declared) for batch in _batches(file, declared)]
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise MapFileError(
                f"can't be read: {' '.join(str(error).split())}",
                where=f"{file.name}, map {declared.name}",
                todo="have the file delivered again, or mend the map's declaration",
            ) from error
    return pa.Table.from_batches(batches, _SCHEMA)


def _batches(file: MapFile, declared: CategoryMap) -> Iterator[pa.RecordBatch]:
    columns = list(declared.columns)
    if declared.format is MapFormat.PARQUET:
        import pyarrow.parquet as pq

        with file.filesystem.open_input_file(file.info.path) as opened:
            parquet = pq.ParquetFile(opened)
            _require(columns, parquet.schema_arrow.names)
            yield from parquet.iter_batches(_BATCH_ROWS, columns=columns)
        return
    from pyarrow import csv

    with file.filesystem.open_input_stream(file.info.path) as opened:  # gzip by the name's ending
        yield from csv.open_csv(
            opened,
            parse_options=csv.ParseOptions(delimiter=declared.delimiter),
            convert_options=csv.ConvertOptions(
                include_columns=columns, column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )


def _require(columns: list[str], there: list[str]) -> None:
    if missing := [name for name in columns if name not in there]:
        raise pa.ArrowInvalid(f"it has no column {', '.join(missing)}; it has {', '.join(there)}")


def _entries(batch: pa.RecordBatch, file: MapFile, declared: CategoryMap) -> pa.RecordBatch:
    """A batch of a file in `RECEIVED` columns, without the rows that `only` leaves out."""
    for name, text in declared.only.items():
        batch = batch.filter(pc.equal(pc.cast(batch[name], pa.string()), text))
    day = file.version_date or declared.version.day
    version = batch[declared.version.column] if declared.version.column else pa.repeat(str(day), len(batch))
    texts = (version, batch[declared.domain_column], batch[declared.category_column])
    named = pa.repeat(file.name, len(batch))
    return pa.record_batch([named, *(pc.cast(column, pa.string()) for column in texts)], schema=_SCHEMA)
