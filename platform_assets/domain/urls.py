"""What an address tells: domain, path, campaign parameters; and how personal data is cut out of it.

Text functions only, no regular expression on the common row: addresses are the longest column of an event.
"""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.engine_functions import split_part, try_url_decode

_ADDRESS_LIKE = r"[^/?&=#]+(@|%(25)*40)[^/?&=#]+"
"""The sign may be escaped, and escaped again where an address is carried in another one."""

REDACTED = "[redacted]"


def without_personal_data(url: ir.StringValue) -> ir.StringValue:
    """The address with everything that looks like an e-mail address or a user name before a host redacted."""
    suspicious = url.contains("@") | url.contains("%40") | url.contains("2540")
    return ibis.cases((suspicious, url.re_replace(_ADDRESS_LIKE, REDACTED)), else_=url)


def domain(url: ir.StringValue) -> ir.StringValue:
    """Lower-case host without `www.`, user name and port; null for an address without a host."""
    whole = _without_query(url)
    after_user = split_part(split_part(whole, "/", 3), "@", -1)
    host = split_part(after_user, ":", 1).lower()
    named = ibis.cases((host.startswith("www."), host.substr(4)), else_=host).nullif("")
    return ibis.cases((_names_a_host(whole), named), else_=ibis.null(str))


def path(url: ir.StringValue) -> ir.StringValue:
    """The path without query and fragment, `/` where an address has only a host."""
    whole = _without_query(url)
    before = split_part(whole, "/", 1).length() + split_part(whole, "/", 3).length() + 2
    below = whole.substr(before).nullif("").fill_null("/")
    return ibis.cases((_names_a_host(whole), below), else_=whole)


def query_parameter(url: ir.StringValue, name: str) -> ir.StringValue:
    """The first value of a query parameter, decoded where it can be; null where it is absent or empty."""
    query = split_part(url, "#", 1)
    raw = query.re_extract(rf"[?&]{name}=([^&]*)", 1).replace("+", " ")
    decoded = ibis.cases((raw.contains("%"), try_url_decode(raw).fill_null(raw)), else_=raw)
    return ibis.cases((url.contains(name + "="), decoded.nullif("")), else_=ibis.null(str))


def _without_query(url: ir.StringValue) -> ir.StringValue:
    return split_part(split_part(url, "#", 1), "?", 1)


def _names_a_host(whole: ir.StringValue) -> ir.BooleanValue:
    """Whether an address has a host: `scheme://host` or `//host`, and not a path with an address in it."""
    scheme = split_part(whole, "/", 1)
    return (split_part(whole, "/", 2) == "") & ((scheme == "") | scheme.endswith(":")) & whole.contains("//")
