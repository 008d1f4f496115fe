"""Parses the combined access log of Apache and nginx.

`-` is the format's word for "nothing known" and becomes null. Quotes and control characters that the server escaped
with a backslash stay escaped, as received. A request that is no request line has neither method nor path.
"""

import ibis

from platform_assets.domain.source import ACCESS_LOG_FIELDS, Source
from platform_assets.raw_events.engine_functions import named_groups

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = rf"^(\S+) (\S+) ([^\[]+) \[([^\]]+)\] {_QUOTED} ([0-9]{{3}}|-) ([0-9]+|-) {_QUOTED} {_QUOTED}\s*$"
_LINE_FIELDS = ("ip", "ident", "user", "time", "request", "status", "bytes", "referrer", "user_agent")
_REQUEST = r"^([A-Za-z]+) (\S+)(?: HTTP/[0-9.]+)?$"


def parse_access_log(records: ibis.Table, source: Source) -> ibis.Table:
    """The records with one column for each field of the format, and `problem` (null: none)."""
    readable = records.read_problem.isnull().ifelse(records.record, ibis.null("string"))
    table = records.mutate(found=named_groups(readable, _LINE, _LINE_FIELDS))
    table = table.mutate({name: table.found[name].nullif("-").nullif("") for name in _LINE_FIELDS})
    table = table.mutate(asked=named_groups(table.request, _REQUEST, ("method", "path")))
    table = table.mutate(method=table.asked["method"].nullif(""), path=table.asked["path"].nullif(""))
    return table.select(
        *("landing_date", "file", "line", "record"),
        problem=ibis.cases(
            (table.read_problem.notnull(), table.read_problem),
            (table.found["ip"] == "", "malformed_log_line"),
        ),
        **{source.raw_column(field): table[field] for field in ACCESS_LOG_FIELDS},
        extra_fields=ibis.null("string"),
    )
