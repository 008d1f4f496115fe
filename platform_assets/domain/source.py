"""What a source of events is: its format, its place, and which of its fields mean what. No file is read here.

Reading `config/sources.yaml` stands in `sources`; reading the source's files in `platform_assets.raw_events`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from platform_assets.domain.contracts.erased_persons import ERASED
from platform_assets.domain.remapped_fields import remapped

RESERVED_RAW_COLUMNS = frozenset(
    {
        *("landing_date", "file", "line", "event_id", "event_time", "event_date"),
        *("extra_fields", "record", "source", "reject_reason"),
    }
)
"""Names of raw columns that the platform gives meaning to; a source's field of that name gets `_received` appended."""

CANONICAL_FIELDS = (
    *("event_id", "event_time", "login", "cookie_id", "device_id", "ip", "user_agent", "url", "referrer"),
    *("country", "item", "value"),
)
"""What a source can map its fields to; `event_type` is declared beside them because it may be a constant."""

IDENTIFYING_FIELDS = frozenset({"login", "cookie_id", "device_id", "ip", "user_agent", "url", "referrer"})
"""Canonical fields that say who somebody is or what they looked at: their source fields are PII as received."""

ACCESS_LOG_FIELDS: Mapping[str, str] = {
    "ip": "address of the client",
    "ident": "identity by identd, hardly ever known",
    "user": "name of the authenticated user",
    "time": "when the request was received, with its offset",
    "request": "first line of the request",
    "method": "method of the request",
    "path": "target of the request, with its query",
    "status": "status code of the answer",
    "bytes": "size of the answer without headers",
    "referrer": "page that the client says it came from",
    "user_agent": "program that the client says it is",
}
"""Fields of the combined log format with what they say; an access-log source keeps them all."""

ACCESS_LOG_TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"
"""How the combined log format writes a time."""

_ACCESS_LOG_PII = frozenset({"ip", "ident", "user", "request", "path", "referrer", "user_agent"})


class Format(StrEnum):
    """How the records of a source are written; each may be plain or gzip, except Parquet."""

    JSON_LINES = "json_lines"
    ACCESS_LOG = "access_log"
    CSV = "csv"
    PARQUET = "parquet"


class Combine(StrEnum):
    """How several source fields make one canonical field."""

    ONE = "one"
    JOIN = "join"
    MULTIPLY = "multiply"


@dataclass(frozen=True)
class FieldMapping:
    """Which source fields make a canonical field.

    `ONE` takes `prefix` + the field's text, `JOIN` the texts with `|` between (null if all are null), `MULTIPLY`
    the product of the numbers (null if one is null).
    """

    fields: tuple[str, ...]
    combine: Combine = Combine.ONE
    prefix: str = ""


@dataclass(frozen=True)
class EventType:
    """Where an event's type comes from: a field of the record, or one constant for all. Exactly one is set."""

    field: str | None = None
    constant: str | None = None


@dataclass(frozen=True)
class Source:
    """One source of events as `config/sources.yaml` declares it.

    `fields` maps canonical names (`CANONICAL_FIELDS`) to source fields and always holds `event_time`.
    `time_format` is `iso8601`, `epoch_seconds`, `epoch_millis` or a strptime pattern; `time_zone` is the zone of times
    that carry none (None: such times are quarantined). Events of the days `landing_date - lateness_days` to
    `landing_date` are taken, later arrivals are quarantined.

    Source fields in `optional` may be absent from a file or a whole landing day; those in `defaults` too, and that text
    is taken where they have no value. `unmapped` are fields that are known to be there and mean nothing here.
    `version` is raised when fields are mapped that take the place of others: the raw table's contract changes then.
    """

    name: str
    description: str
    format: Format
    place: str
    event_type: EventType
    fields: Mapping[str, FieldMapping]
    time_zone: str | None = None
    time_format: str = "iso8601"
    lateness_days: int = 3
    simulated: bool = False
    delimiter: str = ","
    optional: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    version: int = 1

    @property
    def source_fields(self) -> tuple[str, ...]:
        """Every source field that the declaration names, in its order, once each; for an access log all it has."""
        return tuple(ACCESS_LOG_FIELDS) if self.format is Format.ACCESS_LOG else self.mapped_fields

    @property
    def mapped_fields(self) -> tuple[str, ...]:
        """Every source field that means something, in the declaration's order, once each."""
        named = [field for mapping in self.fields.values() for field in mapping.fields]
        return tuple(dict.fromkeys([*named, *([self.event_type.field] if self.event_type.field else [])]))

    def may_be_absent(self, field: str) -> bool:
        """Whether a file or a whole landing day may lack a field."""
        return field in self.optional or field in self.defaults

    @property
    def event_time_field(self) -> str:
        """The source field that says when the event happened."""
        return self.fields["event_time"].fields[0]

    def raw_column(self, field: str) -> str:
        """The raw table's column that holds a source field as received."""
        column = re.sub(r"[^0-9A-Za-z]", "_", field)
        return f"{column}_received" if column.lower() in RESERVED_RAW_COLUMNS else column

    def raw_contract(self) -> Contract:
        """What the raw table of this source promises."""
        columns = self._raw_columns()
        by_column = {self.raw_column(field): field for field in self.source_fields}
        migration = remapped(tuple(column.name for column in columns), by_column)
        return Contract(
            name=f"raw_{self.name}",
            description=f"One row is one record of {self.name} as received. {self.description}".strip(),
            key=("file", "line"),
            columns=columns,
            partition_column="landing_date",
            event_time_column="event_time",
            version=self.version,
            migrations=dict.fromkeys(range(1, self.version), migration),
            drops={ERASED: "the person was erased"},
            declared_by=f"source {self.name}",
        )

    def _raw_columns(self) -> tuple[Column, ...]:
        return (
            Column("landing_date", "date", "day on which the file arrived", nullable=False),
            Column("file", "string", "file that holds the record, relative to its landing zone", nullable=False),
            Column("line", "int64", "line on which the record begins, from 1", nullable=False),
            Column("event_id", "string", self._event_id_description(), nullable=False),
            Column("event_time", "timestamp", "when the event happened", nullable=False),
            Column("event_date", "date", "day on which the event happened", nullable=False),
            *(self._field_column(field) for field in self.source_fields),
            Column("extra_fields", "string", "fields that no declaration names, as JSON text", pii=Pii.RAW),
        )

    def _event_id_description(self) -> str:
        if "event_id" in self.fields:
            return "identifies the event at the source"
        return "hash of the record and of how often it came before in its file: the same in every delivery"

    def _field_column(self, field: str) -> Column:
        meanings = [name for name, mapping in self.fields.items() if field in mapping.fields]
        meanings += ["event_type"] if self.event_type.field == field else []
        identifying = bool(IDENTIFYING_FIELDS.intersection(meanings))
        parts = [f"{field} as received"]
        if self.format is Format.ACCESS_LOG:
            parts.append(ACCESS_LOG_FIELDS[field])
            identifying = identifying or field in _ACCESS_LOG_PII
        if meanings:
            parts.append(f"makes {', '.join(meanings)}")
        if field in self.defaults:
            parts.append(f"taken as {self.defaults[field]!r} where it has no value")
        return Column(self.raw_column(field), "string", "; ".join(parts), pii=Pii.RAW if identifying else Pii.NONE)
