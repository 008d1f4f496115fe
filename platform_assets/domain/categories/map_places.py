"""The language of a map's `place`: where all the files of a domain → category map lie, old versions and new.

Variables are `{landing_zone}`, `{env:NAME}` and `{version_date}`, the day from which a file's entries hold (with a
format of %Y, %m and %d after a colon if wanted); `*`, `?`, `[...]` and `**` match names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from platform_assets.domain.places import folder_in_environment, glob_expression

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_VARYING = re.compile(r"[*?\[]|\{version_date")
_DIGITS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}"}
_DATE_SIGN = "\0"


def map_place_problems(template: str) -> list[str]:
    """What is wrong with a map's place, as sentences; empty if nothing is."""
    problems = []
    variables = _VARIABLE.findall(template)
    if re.search(r"[{}]", _VARIABLE.sub("", template)):
        problems.append("has a brace that is never closed or opened")
    for variable in variables:
        if not re.fullmatch(r"landing_zone|version_date(:.+)?|env:[A-Za-z_][A-Za-z0-9_]*", variable):
            problems.append(f"uses {{{variable}}}; known are {{landing_zone}}, {{version_date}} and {{env:NAME}}")
    dates = [variable for variable in variables if variable.startswith("version_date")]
    if len(dates) > 1:
        problems.append("holds {version_date} more than once")
    written = date_format(template)
    if written is not None and not _is_date_format(written):
        problems.append("must name the day by %Y, %m and %d, or by %Y and %m, once each: {version_date:%Y-%m}")
    if "{landing_zone}" in template and not template.startswith("{landing_zone}/"):
        problems.append("must begin with {landing_zone}/ if it uses it")
    elif not template.startswith(("{landing_zone}/", "{env:", "/", "s3://")):
        problems.append("must begin with {landing_zone}/, or be absolute")
    return problems


def _is_date_format(written: str) -> bool:
    signs = re.findall("%.?", written)
    return sorted(signs) in (["%Y", "%d", "%m"], ["%Y", "%m"])


def date_format(template: str) -> str | None:
    """How the place writes the day of a version; None if it doesn't name it."""
    found = re.search(r"\{version_date(?::([^{}]*))?\}", template)
    return (found[1] or "%Y-%m-%d") if found else None


@dataclass(frozen=True)
class MapPlace:
    """Where a map's files are: below `root`, in or below the folder `fixed`, with paths that match `pattern`.

    `fixed` and what is matched are relative to the root.
    """

    root: str
    fixed: str
    pattern: re.Pattern[str]
    date_format: str | None

    def version_date(self, path: str) -> date | None:
        """The day that a file's path names; None if the place names none. Raises ValueError for no day (2026-02-31)."""
        found = self.pattern.fullmatch(path)
        if found is None or self.date_format is None:
            return None
        return datetime.strptime(found["version_date"], self.date_format).date()


def map_place(template: str, *, landing_zone: str, environment: Mapping[str, str]) -> MapPlace:
    """Fill a place. Raises ConfigurationError where it uses an environment variable that is not set."""

    def fill(match: re.Match[str]) -> str:
        return folder_in_environment(match[1].removeprefix("env:"), template, environment)

    if template.startswith("{landing_zone}/"):
        root, rest = landing_zone, re.sub(r"\{env:(\w+)\}", fill, template.removeprefix("{landing_zone}/"))
    else:
        filled = re.sub(r"\{(env:\w+)\}", fill, template)
        varying = _VARYING.search(filled)
        root = filled[: varying.start() if varying else len(filled)].rpartition("/")[0]
        rest = filled[len(root) + 1 :]
    varying = _VARYING.search(rest)
    fixed = rest[: varying.start() if varying else len(rest)].rpartition("/")[0]
    written = date_format(template)
    expression = glob_expression(re.sub(r"\{version_date[^{}]*\}", _DATE_SIGN, rest))
    if written:
        digits = re.sub("%[Ymd]", lambda sign: _DIGITS[sign[0]], re.escape(written).replace(r"\%", "%"))
        expression = expression.replace(_DATE_SIGN, f"(?P<version_date>{digits})")
    return MapPlace(root, fixed, re.compile(expression), written)
