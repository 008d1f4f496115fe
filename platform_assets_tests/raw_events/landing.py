"""A landing zone to drop files into, and the rows that a source makes of them."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa

from platform_assets.domain.sources import EventType, FieldMapping, Format, Source
from platform_assets.raw_events.corrections import Correction
from platform_assets.raw_events.landed_records import LandedFile, ReadLimits, read_landing_days
from platform_assets.raw_events.parsing import parse_records

DAY = date(2026, 1, 5)
NOON = "2026-01-05T12:00:00Z"

EVENTS = Source(
    name="shop",
    description="",
    format=Format.JSON_LINES,
    place="{landing_zone}/shop/{landing_date}/*",
    event_type=EventType(constant="view"),
    fields={"event_time": FieldMapping(("time",)), "login": FieldMapping(("login",)), "item": FieldMapping(("item",))},
)
CSV = replace(EVENTS, format=Format.CSV)
PARQUET = replace(EVENTS, format=Format.PARQUET)


@dataclass
class Landing:
    """A landing zone in a folder."""

    zone: Path
    connection: ibis.BaseBackend
    files: list[LandedFile] = field(default_factory=list)

    def file(self, content: str | bytes, name: str = "a", *, day: date = DAY, zipped: bool = False) -> Path:
        path = self.zone / "shop" / f"{day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if zipped else data)
        return path

    def read(
        self,
        source: Source = EVENTS,
        *days: date,
        limits: ReadLimits | None = None,
        corrections: Sequence[Correction] = (),
    ) -> pa.Table:
        landed = read_landing_days(source, days or [DAY], str(self.zone), limits, corrections=corrections)
        with landed.naming_the_file():
            table = pa.Table.from_batches(landed.reader, landed.reader.schema)
        self.files = landed.files
        return table

    def parse(
        self,
        source: Source = EVENTS,
        *days: date,
        limits: ReadLimits | None = None,
        corrections: Sequence[Correction] = (),
    ) -> list[dict]:
        """The raw table's rows, in the order of day, file and line."""
        records = ibis.memtable(self.read(source, *days, limits=limits, corrections=corrections))
        parsed = parse_records(records, source).order_by("landing_date", "file", "line")
        return self.connection.to_pyarrow(parsed).to_pylist()

    def reasons(self, source: Source = EVENTS, *days: date, limits: ReadLimits | None = None) -> list[str | None]:
        return [row["reject_reason"] for row in self.parse(source, *days, limits=limits)]
