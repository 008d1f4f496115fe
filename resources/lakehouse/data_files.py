"""Data files on their way from staging to a table: put beside it, where no reader sees them before the commit.

Which commit names them is decided in `commit`.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from resources.compute.engine import StagedFile
from resources.lakehouse.disk import sync
from resources.lakehouse.tables import ActiveFile, Lakehouse
from resources.object_store import StoreUnavailable, naming_the_store

UPLOADS = 2
CHUNK_BYTES = 8 << 20
PLAIN = " :+,;@&()!$"
"""Signs that stand for themselves in a folder's name, besides letters, digits and `_.-`.

The change feed of delta-rs can't open a file whose path holds an encoded sign, so those that every reader takes as they
are stay as they are (the key of an hour holds a colon)."""


def put_beside_table(
    lakehouse: Lakehouse, table: str, files: Sequence[StagedFile], slice_column: str | None, batch_id: str
) -> list[ActiveFile]:
    """Move staged files to where the table's data lies, under names that only this batch has.

    They are durable when this returns. When it raises they are gone, except from a store that is away.
    """
    added = [
        ActiveFile(_path(number, file, slice_column, batch_id), file.slice_value, file.rows, file.bytes)
        for number, file in enumerate(files)
    ]
    try:
        if lakehouse.is_local and files:
            _move(Path(lakehouse.root) / table, files, added)
        elif files:
            filesystem, root = lakehouse.filesystem()
            with naming_the_store(lakehouse.uri(table)):
                for staged, file in zip(files, added, strict=True):
                    _upload(filesystem, staged.path, f"{root}/{table}/{file.path}")
    except StoreUnavailable:
        raise
    except Exception:
        discard(lakehouse, table, added)
        raise
    return added


def _path(number: int, file: StagedFile, slice_column: str | None, batch_id: str) -> str:
    folder = f"{slice_column}={quote(file.slice_value, safe=PLAIN)}/" if slice_column and file.slice_value else ""
    return f"{folder}part-{number:05d}-{batch_id}.parquet"


def _move(folder: Path, staged: Sequence[StagedFile], added: Sequence[ActiveFile]) -> None:
    targets = [folder / file.path for file in added]
    for source, target in zip(staged, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source.path, target)
    sync(targets)
    sync({*(target.parent for target in targets), folder, folder.parent})


def discard(lakehouse: Lakehouse, table: str, files: Sequence[ActiveFile]) -> None:
    """Remove files that no commit names and none will name; those that aren't there are passed over."""
    if lakehouse.is_local:
        for file in files:
            (Path(lakehouse.root) / table / file.path).unlink(missing_ok=True)
        return
    filesystem, root = lakehouse.filesystem()
    # A store that is away must not hide why the files are not wanted; maintenance removes what stays behind.
    with suppress(OSError):
        for file in files:
            with suppress(FileNotFoundError):
                filesystem.delete_file(f"{root}/{table}/{file.path}")


def _upload(filesystem: Any, source: Path, target: str) -> None:
    """Copy a file to the store, and look at what lies there: nothing may be committed that didn't arrive.

    (`pyarrow.fs.copy_files` returns without an error where the last write of an upload has failed.) Tried again as a
    whole, because an upload in parts whose last reply was lost is unknown to the store when it is completed again.
    """
    for attempt in range(1, UPLOADS + 1):
        try:
            with source.open("rb") as file, filesystem.open_output_stream(target) as stream:
                shutil.copyfileobj(file, stream, CHUNK_BYTES)
            arrived, expected = filesystem.get_file_info(target).size, source.stat().st_size
            if arrived != expected:
                raise OSError(f"{expected} bytes of {source.name} were uploaded, the store holds {arrived}")
            return
        except OSError:
            if attempt == UPLOADS:
                raise
