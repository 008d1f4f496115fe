"""The little template language of a source's `place`: where the files of one landing day lie.

Variables are `{landing_zone}`, `{landing_date}` (with a strftime format after a colon if wanted) and `{env:NAME}`;
`*`, `?`, `[...]` and `**` match file names in the part from the landing day on. Listing and opening files stands in
`platform_assets.raw_events.landing_places`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from platform_assets.domain.errors import ConfigurationError

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_GLOB = re.compile(r"[*?\[]")


def place_problems(template: str) -> list[str]:
    """What is wrong with a place, as sentences; empty if nothing is."""
    problems = []
    variables = _VARIABLE.findall(template)
    if re.search(r"[{}]", _VARIABLE.sub("", template)):
        problems.append("has a brace that is never closed or opened")
    for variable in variables:
        if variable not in ("landing_zone", "landing_date") and not re.fullmatch(
            r"landing_date:.*%.*|env:[A-Za-z_][A-Za-z0-9_]*", variable
        ):
            problems.append(f"uses {{{variable}}}; known are {{landing_zone}}, {{landing_date}} and {{env:NAME}}")
    if not any(variable.split(":")[0] == "landing_date" for variable in variables):
        problems.append("needs {landing_date}: without it every landing day would read the same files")
    elif _GLOB.search(template[: template.index("{landing_date")]):
        problems.append("has a glob before {landing_date}; globs match file names after it only")
    if "{landing_zone}" in template and not template.startswith("{landing_zone}/"):
        problems.append("must begin with {landing_zone}/ if it uses it")
    return problems


@dataclass(frozen=True)
class DayPlace:
    """Where one landing day's files are: a glob `pattern`, and the `base` that file names are told relative to."""

    base: str
    pattern: str


def day_place(template: str, *, landing_zone: str, day: date, environment: Mapping[str, str]) -> DayPlace:
    """Fill a place for one landing day; `environment` gives the values of `{env:NAME}`."""

    def fill(match: re.Match[str]) -> str:
        name, _, detail = match[1].partition(":")
        if name == "landing_zone":
            return landing_zone.rstrip("/")
        if name == "landing_date":
            return day.strftime(detail or "%Y-%m-%d")
        return folder_in_environment(detail, template, environment)

    if template.startswith("{landing_zone}/"):
        fixed = "{landing_zone}"
    else:
        fixed = template[: template.index("{landing_date")].rpartition("/")[0]
    return DayPlace(base=_VARIABLE.sub(fill, fixed), pattern=_VARIABLE.sub(fill, template))


def folder_in_environment(name: str, template: str, environment: Mapping[str, str]) -> str:
    """The folder that a variable named by a place stands for. Raises ConfigurationError where it is not set."""
    if not environment.get(name):
        raise ConfigurationError(
            f"the place {template} uses the environment variable {name}, which is not set",
            where=template,
            todo=f"set {name}, or write the folder itself into the place",
        )
    return environment[name].rstrip("/")


def glob_expression(pattern: str) -> str:
    """A regular expression for a glob as the shell reads it: `*` stops at a slash and leaves hidden files out."""
    parts = []
    for folder in pattern.split("/"):
        if folder == "**":
            parts.append(r"(?:[^/.][^/]*/)*")
            continue
        hidden = r"(?!\.)" if folder[:1] in ("*", "?", "[") else ""
        signs = re.sub(
            r"\[!?[^\]]+\]|[*?]|.",
            lambda sign: {"*": "[^/]*", "?": "[^/]"}.get(
                sign[0], sign[0].replace("[!", "[^") if len(sign[0]) > 1 else re.escape(sign[0])
            ),
            folder,
        )
        parts.append(f"{hidden}{signs}/")
    return "".join(parts).removesuffix("/")
