"""What a user agent tells: a program or a person, and on which kind of device."""

import ibis
import ibis.expr.types as ir

_BOT = (
    r"bot\b|bot/|crawl|spider|slurp|archiver|curl/|wget/|python-|scrapy|httpclient|libwww|java/|go-http|headless"
    r"|feedfetcher|feedburner|fetcher|monitor|validator|facebookexternalhit|mediapartners|\brss|\bruby|\bperl"
)


def is_bot(user_agent: ir.StringValue) -> ir.BooleanValue:
    """Whether a user agent names a program; false where it is unknown."""
    return user_agent.lower().re_search(_BOT).fill_null(False)


def device(user_agent: ir.StringValue) -> ir.StringValue:
    """`mobile`, `tablet` or `desktop`, null where the user agent is unknown."""
    agent = user_agent.lower()
    tablet = agent.contains("ipad") | agent.contains("tablet") | (agent.contains("android") & ~agent.contains("mobile"))
    mobile = agent.contains("mobi") | agent.contains("iphone")
    known = agent.notnull() & (agent != "") & (agent != "-")
    return ibis.cases((known & tablet, "tablet"), (known & mobile, "mobile"), (known, "desktop"), else_=ibis.null(str))
