"""What an address tells: domain, path, campaign parameters; and how personal data is cut out of it.

Text functions only, no regular expression on the common row: addresses are the longest column of an event.
"""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.engine_functions import split_part, url_decode

_ADDRESS_LIKE = r"[^/?&=#:]+(@|%40)[^/?&=#]+"
REDACTED = "[redacted]"


def without_personal_data(url: ir.StringValue) -> ir.StringValue:
    """The address with everything that looks like an e-mail address or a user name before a host redacted."""
    suspicious = url.contains("@") | url.contains("%40")
    return ibis.cases((suspicious, url.re_replace(_ADDRESS_LIKE, REDACTED)), else_=url)


def domain(url: ir.StringValue) -> ir.StringValue:
    """Lower-case host without `www.`, user name and port; null for an address without a host."""
    authority = split_part(split_part(split_part(split_part(url, "://", 2), "/", 1), "?", 1), "#", 1)
    after_user = ibis.cases((authority.contains("@"), split_part(authority, "@", 2)), else_=authority)
    host = split_part(after_user, ":", 1).lower()
    return ibis.cases((host.startswith("www."), host.substr(4)), else_=host).nullif("")


def path(url: ir.StringValue) -> ir.StringValue:
    """The path without query and fragment, `/` where an address has only a host."""
    whole = split_part(split_part(url, "#", 1), "?", 1)
    rest = split_part(whole, "://", 2)
    below = rest.substr(split_part(rest, "/", 1).length())
    return ibis.cases((whole.contains("://"), below.nullif("").fill_null("/")), else_=whole)


def query_parameter(url: ir.StringValue, name: str) -> ir.StringValue:
    """The first value of a query parameter, decoded; null where it is absent or empty."""
    query = split_part(url, "#", 1)
    raw = query.re_extract(rf"[?&]{name}=([^&]*)", 1).replace("+", " ")
    value = ibis.cases((raw.contains("%"), url_decode(raw)), else_=raw)
    return ibis.cases((url.contains(name + "="), value.nullif("")), else_=ibis.null(str))
