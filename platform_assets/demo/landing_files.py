"""The files that a collector leaves: gzip of JSON lines, one folder a landing day.

A file that needs no change stays untouched, its modification time included.
What the lines say stands in `records`; what went wrong on purpose is told by `truth`.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from platform_assets.demo.records import RecordText
from platform_assets.demo.trouble import ORIGINAL, WELL_FORMED, Deliveries
from platform_assets.demo.world import World

SOURCE = "web_events"

GZIP_LEVEL = 1
_GZIP_CONTAINER = 31
"""zlib's window size for a gzip header without name and with modification time 0: the same lines, the same bytes."""


@dataclass(frozen=True)
class LandedFile:
    """One file as written: `file` is its path below the landing zone, `changed` says whether it had to be written."""

    file: str
    landing_day: int
    lines: int
    unique_events: int
    duplicates: int
    malformed: int
    late: int
    bots: int
    bytes: int
    changed: bool


def land(landing_zone: Path, world: World, text: RecordText, day: int, part: int, deliveries: Deliveries) -> LandedFile:
    """Write one part of a landing day; the deliveries stand in the order of its lines."""
    name = f"{SOURCE}/{world.date_of(day)}/part-{part:03d}.jsonl.gz"
    packed = _gzip(text.lines(deliveries))
    good = (deliveries.copy == ORIGINAL) & (deliveries.malformed == WELL_FORMED)
    return LandedFile(
        file=name,
        landing_day=day,
        lines=len(deliveries),
        unique_events=int(good.sum()),
        duplicates=int((deliveries.copy != ORIGINAL).sum()),
        malformed=int((deliveries.malformed != WELL_FORMED).sum()),
        late=int((good & (deliveries.late > 0)).sum()),
        bots=int((good & deliveries.events.is_bot).sum()),
        bytes=len(packed),
        changed=write_if_changed(landing_zone / name, packed),
    )


def write_if_changed(path: Path, content: bytes) -> bool:
    """Put a file in its place in one step, unless it is there with the same bytes. Says whether it was written."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return True


def _gzip(lines: pa.StringArray) -> bytes:
    _, offsets, text = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_CONTAINER)
    return packer.compress(memoryview(text)[ends[0] : ends[-1]]) + packer.flush()
