"""What an address tells: domain, path, campaign parameters; and how personal data is cut out of it.

Addresses are the longest column of an event and much of the work. DuckDB's `split_part` repeats its argument, and
inside a case repetitions are computed again and again: so cases stand innermost, and regular expressions are anchored.
"""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.engine_functions import split_part, try_url_decode

_ADDRESS_LIKE = r"[^/?&=#]+(@|%(25)*40)[^/?&=#]+"
"""The sign may be escaped, and escaped again where an address is carried in another one."""

REDACTED = "[redacted]"

_NAMES_A_HOST = r"^([^/?#]*:)?//"
"""How an address with a host begins: `scheme://` or `//`, not a path with an address in it."""


def without_personal_data(url: ir.StringValue) -> ir.StringValue:
    """The address with everything that looks like an e-mail address or a user name before a host redacted."""
    suspicious = url.contains("@") | url.contains("%40") | url.contains("2540")
    return ibis.cases((suspicious, url.re_replace(_ADDRESS_LIKE, REDACTED)), else_=url)


def domain(url: ir.StringValue) -> ir.StringValue:
    """Lower-case host without `www.`, user name and port; null for an address without a host."""
    named = ibis.cases((url.re_search(_NAMES_A_HOST), url), else_="")
    authority = split_part(_without_query(named), "/", 3)
    host = split_part(split_part(authority, "@", -1), ":", 1).lower()
    return host.re_replace(r"^www\.", "").nullif("")


def path(url: ir.StringValue) -> ir.StringValue:
    """The path without query and fragment, `/` where an address has only a host."""
    return _without_query(url).re_replace(_NAMES_A_HOST + r"[^/]*(/|$)", "/")


def query_parameter(url: ir.StringValue, name: str) -> ir.StringValue:
    """The first value of a query parameter, decoded where it can be; null where it is absent or empty."""
    query = split_part(url, "#", 1)
    raw = query.re_extract(rf"[?&]{name}=([^&]*)", 1).replace("+", " ")
    decoded = ibis.cases((raw.contains("%"), try_url_decode(raw).fill_null(raw)), else_=raw)
    return ibis.cases((url.contains(name + "="), decoded.nullif("")), else_=ibis.null(str))


def _without_query(url: ir.StringValue) -> ir.StringValue:
    return split_part(split_part(url, "#", 1), "?", 1)
