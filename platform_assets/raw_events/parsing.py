"""From records as read to the raw table: fields, identity, time, and the reason why a record goes to the quarantine.

Every record gives exactly one row. Splitting a record into fields stands in the module of its format, reading times in
`event_times`; types other than the time's are the business of the next stage.
"""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.source import Format, Source
from platform_assets.raw_events.access_log import parse_access_log
from platform_assets.raw_events.event_times import event_time, is_without_zone
from platform_assets.raw_events.json_lines import parse_json_lines

_FIRST_TIME = ibis.timestamp("0001-01-01 00:00:00")
_LAST_TIME = ibis.timestamp("9999-12-31 23:59:59.999999")


def parse_records(records: ibis.Table, source: Source) -> ibis.Table:
    """The columns of the source's raw contract, then `source`, `record` and `reject_reason` (null for a good row).

    `records` has the columns of `landed_records.batch_schema`.
    """
    table = _identified(_split(records, source), source)
    text = table[source.raw_column(source.event_time_field)]
    table = table.mutate(event_time=event_time(text, source))
    readable = table.event_time.between(_FIRST_TIME, _LAST_TIME)
    table = table.mutate(event_time=readable.ifelse(table.event_time, ibis.null("timestamp")))
    table = table.mutate(event_date=table.event_time.date(), source=ibis.literal(source.name))
    table = table.mutate(reject_reason=_reject_reason(table, source))
    return table.select(*source.raw_contract().column_names, "source", "record", "reject_reason")


def _split(records: ibis.Table, source: Source) -> ibis.Table:
    match source.format:
        case Format.JSON_LINES:
            return parse_json_lines(records, source)
        case Format.ACCESS_LOG:
            return parse_access_log(records, source)
        case Format.CSV | Format.PARQUET:
            return records.rename(problem="read_problem")


def _identified(table: ibis.Table, source: Source) -> ibis.Table:
    """The table with `event_id`: what the source says, or else a hash over the source's name and the record.

    Records of one file with the same content are told apart by how many of them came before, so that every delivery
    of the same file gives the same ids, and each record its own.
    """
    if "event_id" in source.fields:
        parts = [table[source.raw_column(field)] for field in source.fields["event_id"].fields]
        complete = ibis.and_(*(part.fill_null("") != "" for part in parts))
        return table.mutate(event_id=complete.ifelse(ibis.literal("|").join(parts), ibis.null("string")))
    table = table.mutate(digest=(ibis.literal(f"{source.name}\n") + _content(table, source)).hexdigest("sha256"))
    same = ibis.window(group_by=["landing_date", "file", "digest"], order_by="line")
    table = table.mutate(earlier=ibis.row_number().over(same))
    numbered = (table.digest + "\n" + table.earlier.cast("string")).hexdigest("sha256")
    return table.mutate(event_id=(table.earlier == 0).ifelse(table.digest, numbered))


def _content(table: ibis.Table, source: Source) -> ir.StringValue:
    """What makes a record the same as another: its text; without one its fields, each behind its length."""
    if source.format is not Format.PARQUET:
        return table.record.fill_null("")
    columns = [*(source.raw_column(field) for field in source.source_fields), "extra_fields"]
    values = [table[name].length().cast("string") + ":" + table[name] for name in columns]
    return ibis.literal("").join([value.fill_null("-") for value in values])


def _reject_reason(table: ibis.Table, source: Source) -> ir.StringValue:
    """The first rule that a record breaks, and the field that breaks it."""
    field = source.event_time_field
    text = table[source.raw_column(field)]
    oldest = table.landing_date - ibis.interval(days=source.lateness_days)
    declared_id = "|".join(source.fields["event_id"].fields) if "event_id" in source.fields else ""
    return ibis.cases(
        (table.problem.notnull(), table.problem),
        (table.event_id.isnull(), f"event_id_missing: {declared_id}"),
        (text.fill_null("") == "", f"time_missing: {field}"),
        (table.event_time.isnull(), _unreadable(text, source)),
        (table.event_time < ibis.timestamp("1970-01-01 00:00:00"), f"time_before_1970: {field}"),
        (table.event_date > table.landing_date, f"time_in_future: {field} is after the landing day"),
        (table.event_date < oldest, f"too_late: {field} is over {source.lateness_days} days before the landing day"),
    )


def _unreadable(text: ir.StringValue, source: Source) -> ir.StringValue:
    field = source.event_time_field
    return is_without_zone(text, source).ifelse(f"time_without_zone: {field}", f"time_unreadable: {field}")
