"""What rules look at in an event: its shape. Many events share one, and each shape is matched once."""

import ibis
import ibis.expr.types as ir

from platform_assets.domain.audiences.patterns import BREAK, REPLACED, literal
from platform_assets.domain.audiences.rule_table import RuleTable
from platform_assets.domain.engine_functions import regexp_extract_all, split_part, try_url_decode

SHAPE = ("event_type", "domain", "path", "parameters", "referrer_domain")
"""An absent field is empty text here: no condition holds for it."""

_BROKEN_ESCAPE = r"%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)"


def with_shape(events: ibis.Table, rules: RuleTable) -> ibis.Table:
    """Events with the columns of SHAPE; what no rule asks for is empty, so that fewer shapes differ."""
    shape = {
        name: events[name].fill_null("") if name in rules.columns else ibis.literal("")
        for name in SHAPE
        if name != "parameters"
    }
    return events.mutate(**shape, parameters=_parameters(events.url, rules.names))


def decoded_path(path: ir.StringValue) -> ir.StringValue:
    """The path with its percent escapes replaced; as it stands where they are broken or no UTF-8."""
    return ibis.cases((path.contains("%"), _decoded(path.replace("+", "%2B")).fill_null(path)), else_=path)


def decoded_parameters(parameters: ir.StringValue) -> ir.StringValue:
    """The column `parameters` as `BREAK name=value BREAK name=value BREAK`, values decoded, `+` as a space."""
    clean = parameters.replace(BREAK, REPLACED)
    spaced = clean.replace("+", " ").replace("&", BREAK)
    decoded = clean.split("&").map(_decoded_parameter).join(BREAK)
    return BREAK + ibis.cases((parameters.contains("%"), decoded), else_=spaced) + BREAK


def _decoded_parameter(parameter: ir.StringValue) -> ir.StringValue:
    text = _decoded(parameter.replace("+", "%20")).replace(BREAK, REPLACED)
    return text.fill_null(parameter.replace("+", " "))


def _decoded(text: ir.StringValue) -> ir.StringValue:
    """Null where an engine could decode in part: such texts are told as they stand."""
    return ibis.cases((text.re_search(_BROKEN_ESCAPE), ibis.null(str)), else_=try_url_decode(text))


def _parameters(url: ir.StringValue, names: tuple[str, ...]) -> ir.StringValue:
    """The query parameters of these names, in the address's order: `a=1&b=2`."""
    if not names:
        return ibis.literal("")
    wanted = "|".join(map(literal, names))
    query = split_part(url, "#", 1).re_replace(r"^[^?]*\??", "&")
    found = regexp_extract_all(query, f"&((?:{wanted})=[^&]*)", 1)
    return ibis.cases((url.contains("?"), found.join("&")), else_="")
