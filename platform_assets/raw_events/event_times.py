"""When an event happened, from the text that its source wrote: naive UTC with microseconds, or why it can't be told.

A time of a zone's clock that daylight saving skips or shows twice is read with the offset without daylight saving: in
Europe/London 01:30 on the last Sunday of March and of October are both 01:30 UTC. Digits after the microsecond are
cut off. `raw_events.parsing` judges whether a time that could be read is plausible.
"""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.source import Source
from platform_assets.raw_events.engine_functions import epoch_us, make_timestamp, naive_utc, timezone, try_strptime

_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}([.][0-9]+)?"
_ISO_UTC = _ISO + "Z$"
_ISO_OFFSET = _ISO + "[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?$"
_ISO_LOCAL = _ISO + "$"
_NUMBER = r"^-?[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$"
_EPOCH = {"epoch_seconds": 1_000_000, "epoch_millis": 1_000}
_YEAR_9999 = 253_402_300_800_000_000
"""In microseconds. A double counts them exactly until the year 2255; what is later lies in the future anyway."""


def event_time(text: ir.StringValue, source: Source) -> ir.TimestampValue:
    """The time that a text tells, null if it can't be read."""
    if source.time_format in _EPOCH:
        number = text.re_search(_NUMBER).ifelse(text, ibis.null("string")).try_cast("float64")
        microseconds = number * _EPOCH[source.time_format]
        is_time = microseconds.between(-_YEAR_9999, _YEAR_9999)
        return make_timestamp(is_time.ifelse(microseconds, ibis.null("float64")).round())
    if source.time_format == "iso8601":
        return ibis.cases(
            (text.re_search(_ISO_UTC), text.try_cast("timestamp")),
            (text.re_search(_ISO_OFFSET), naive_utc(text.try_cast("timestamp('UTC')"))),
            *(
                [(text.re_search(_ISO_LOCAL), _from_clock(text.try_cast("timestamp"), source))]
                if source.time_zone
                else []
            ),
        )
    told = make_timestamp(epoch_us(try_strptime(text, source.time_format)))
    return told if _pattern_has_zone(source) else _from_clock(told, source)


def is_without_zone(text: ir.StringValue, source: Source) -> ir.BooleanValue:
    """Whether a text is a time that tells no zone, and the source declares none: then nobody knows when it was."""
    if source.time_zone or source.time_format in _EPOCH or _pattern_has_zone(source):
        return ibis.literal(False)
    if source.time_format == "iso8601":
        return text.re_search(_ISO_LOCAL) & text.try_cast("timestamp").notnull()
    return try_strptime(text, source.time_format).notnull()


def _from_clock(time: ir.TimestampValue, source: Source) -> ir.TimestampValue:
    if source.time_zone is None:
        return ibis.null("timestamp")
    return time if source.time_zone in ("UTC", "Etc/UTC") else naive_utc(timezone(source.time_zone, time))


def _pattern_has_zone(source: Source) -> bool:
    return "%z" in source.time_format.replace("%%", "")
