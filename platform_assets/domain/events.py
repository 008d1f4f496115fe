"""From raw records to canonical events: typed, told once, in sessions, without personal data.

Pure functions over Ibis tables. Which landing days are read for which event days stands in
`platform_assets.partitions`; the promises of the result in the contract.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import reduce

import ibis
import ibis.expr.types as ir

from platform_assets.domain import urls, user_agents
from platform_assets.domain.contracts.contract import REJECT_REASON
from platform_assets.domain.contracts.events import DUPLICATE, EVENTS, VALUE_NOT_A_NUMBER
from platform_assets.domain.engine_functions import md5
from platform_assets.domain.pseudonyms import pseudonym
from platform_assets.domain.source import Combine, FieldMapping, Source

SESSION_GAP = timedelta(minutes=30)
"""A pause longer than this ends a session (the web analytics convention)."""


def events(raws: Mapping[str, ibis.Table], sources: Mapping[str, Source], first: date, last: date) -> ibis.Table:
    """The events of the days `first` … `last`, with `reject_reason` for rows that are none.

    `raws` maps source names to their raw tables with at least the landing days `first - 2` … `last + lateness`.
    Every raw row of the asked event days gives one row: an event, a duplicate, or a row for the quarantine.
    """
    start = datetime.combine(first - timedelta(days=1), time()) - SESSION_GAP
    end = datetime.combine(last + timedelta(days=1), time())
    once, repeated = [], []
    for name, raw in raws.items():
        # Three readings of the table, each filtered on its own: a shared part would be held in memory whole.
        ids = raw.select("event_id", "event_time").filter(_between(start, end))
        copies = ids.group_by("event_id").aggregate(copies=ids.count())
        repeated_ids = copies.filter(copies.copies > 1)
        told_again = raw.semi_join(repeated_ids, "event_id").filter(_between(start, end))
        repeated.append(typed_events(told_again, sources[name]))
        told_once_only = raw.filter(_between(start, end)).anti_join(repeated_ids, "event_id")
        once.append(typed_events(told_once_only, sources[name]))
    told_once = ibis.union(*once, with_duplicates_marked(ibis.union(*repeated)))
    asked = with_sessions(told_once).filter(lambda table: table.event_date.between(first, last))
    return asked.select(*EVENTS.column_names, "file", "line", REJECT_REASON)


def _between(start: datetime, end: datetime) -> Callable[[ibis.Table], ir.BooleanValue]:
    return lambda raw: (raw.event_time >= start) & (raw.event_time < end)


def typed_events(raw: ibis.Table, source: Source) -> ibis.Table:
    """Raw rows of one source as events: typed, parsed, pseudonymised; without session yet."""
    fields = {name: _text(raw, source, mapping) for name, mapping in source.fields.items() if name != "value"}

    def text(name: str) -> ir.StringValue:
        return fields.get(name, ibis.null(str))

    event_type = ibis.literal(source.event_type.constant)
    if source.event_type.field:
        event_type = _received(raw, source, source.event_type.field)
    value, value_problem = _value(raw, source)
    own = identifiers(raw, source)
    return (
        raw.select(
            event_id=source.name + ":" + raw.event_id,
            event_time=raw.event_time,
            event_date=raw.event_date,
            source=ibis.literal(source.name),
            event_type=event_type,
            login_hash=own["login"],
            cookie_id=own["cookie"],
            device_id=own["device"],
            ip_hash=own["ip"],
            url=text("url"),
            referrer=text("referrer"),
            user_agent=text("user_agent"),
            country=urls.without_personal_data(text("country")),
            item=urls.without_personal_data(text("item")),
            value=value,
            file=raw.file,
            line=raw.line,
            landing_date=raw.landing_date,
            reject_reason=value_problem,
        )
        .mutate(
            domain=lambda table: urls.domain(table.url),
            referrer_domain=lambda table: urls.domain(table.referrer),
            device=lambda table: user_agents.device(table.user_agent),
            is_bot=lambda table: user_agents.is_bot(table.user_agent),
            url=lambda table: urls.without_personal_data(table.url),
        )
        .mutate(  # from the address that is published, so that no part of it tells more than the whole
            path=lambda table: urls.path(table.url),
            **{name: lambda table, name=name: urls.query_parameter(table.url, name) for name in _CAMPAIGN},
        )
        .drop("referrer", "user_agent")
    )


IDENTIFIERS = {"login": "login", "cookie": "cookie_id", "device": "device_id", "ip": "ip"}
"""Kinds of pseudonyms, with the canonical field that each is made of."""


def identifiers(raw: ibis.Table, source: Source) -> dict[str, ir.StringValue]:
    """The pseudonyms of raw rows by kind, null where a row has none."""
    return {kind: pseudonym(kind, text) for kind, text in received_identifiers(raw, source).items()}


def received_identifiers(raw: ibis.Table, source: Source) -> dict[str, ir.StringValue]:
    """What a source sends of every kind of identifier, as text, null where a row has none."""
    return {
        kind: _text(raw, source, source.fields[field]) if field in source.fields else ibis.null(str)
        for kind, field in IDENTIFIERS.items()
    }


_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign")


def _received(raw: ibis.Table, source: Source, field: str) -> ir.StringValue:
    """A source field's text; without one its declared default, else null."""
    text = raw[source.raw_column(field)].nullif("")
    return text.fill_null(source.defaults[field]) if field in source.defaults else text


def _text(raw: ibis.Table, source: Source, mapping: FieldMapping) -> ir.StringValue:
    """A canonical text field; empty text counts as absent."""
    texts = [_received(raw, source, field) for field in mapping.fields]
    if mapping.combine is Combine.JOIN:
        joined = reduce(lambda left, right: left + "|" + right, [text.fill_null("") for text in texts])
        return reduce(lambda left, right: left | right, [text.notnull() for text in texts]).ifelse(joined, None)
    return mapping.prefix + texts[0] if mapping.prefix else texts[0]


def _value(raw: ibis.Table, source: Source) -> tuple[ir.FloatingValue, ir.StringValue]:
    """The event's worth, and the reason to reject the row where its text is no finite number."""
    mapping = source.fields.get("value")
    if mapping is None:
        return ibis.null("float64"), ibis.null(str)
    texts = [_received(raw, source, field) for field in mapping.fields]
    numbers = [text.try_cast("float64") for text in texts]
    problems = [
        (
            text.notnull() & (number.isnull() | number.isnan() | number.isinf()),
            ibis.literal(f"{VALUE_NOT_A_NUMBER}: {field} is ") + text.substr(0, 100),
        )
        for field, text, number in zip(mapping.fields, texts, numbers, strict=True)
    ]
    return reduce(lambda left, right: left * right, numbers), ibis.cases(*problems, else_=ibis.null(str))


def with_duplicates_marked(repeated: ibis.Table) -> ibis.Table:
    """Marks every copy of an event but the earliest, given all rows of the ids that come more than once.

    A copy is dropped if the one before it (by time, then arrival) lies on the same or the preceding event day. That
    window makes a single day and a long range agree on every row. Few ids repeat, so little is sorted.
    """
    copies = ibis.window(
        group_by="event_id",
        order_by=[repeated[REJECT_REASON].notnull(), "event_time", "landing_date", "file", "line"],
    )
    previous_day = repeated.event_date.lag().over(copies)
    is_copy = previous_day.notnull() & (previous_day >= repeated.event_date - ibis.interval(days=1))
    reason = ibis.cases((is_copy & repeated[REJECT_REASON].isnull(), DUPLICATE), else_=repeated[REJECT_REASON])
    return repeated.mutate(**{REJECT_REASON: reason})


def with_sessions(typed: ibis.Table) -> ibis.Table:
    """Adds `session_id`: events of one client without a pause of more than 30 minutes, also over midnight.

    A copy that is dropped as a duplicate still shows that its client was there: so sessions don't depend on which
    earlier days were read to find the duplicates. A client is a cookie, else a login, else a device. What has run
    unbroken since before the preceding day (no person does that) is cut at that day's start, so that a day's sessions
    depend on that day and the one before it only.
    """
    client = typed.cookie_id.coalesce(typed.login_hash, typed.device_id)
    seen = typed[REJECT_REASON].isnull() | (typed[REJECT_REASON] == DUPLICATE)
    counted = typed.mutate(client=ibis.cases((seen, client), else_=ibis.null(str)))
    # The order of simultaneous events changes no session: whichever is first starts it at the same instant.
    in_order = ibis.window(group_by="client", order_by="event_time")
    previous = counted.event_time.lag().over(in_order)
    starts = previous.isnull() | (previous < counted.event_time - ibis.interval(SESSION_GAP))
    marked = counted.mutate(start=ibis.cases((starts, counted.event_time), else_=ibis.null("timestamp")))
    running = ibis.range_window(group_by="client", order_by="event_time", preceding=None, following=0)
    begun = marked.start.max().over(running)
    preceding_day = (marked.event_date - ibis.interval(days=1)).cast("timestamp")
    start = ibis.greatest(begun, preceding_day)
    # Floored because DuckDB counts seconds with a fraction, other engines without: their texts would differ.
    session = md5(marked.client + "@" + start.epoch_seconds().floor().cast(str))
    return marked.mutate(session_id=ibis.cases((marked.client.notnull(), session), else_=ibis.null(str)))
