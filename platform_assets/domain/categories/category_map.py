"""What a domain → category map is: its files, its versions, and how its labels are read. No file is read here.

Reading `config/categories.yaml` stands in `category_maps`, reading the maps' files in
`platform_assets.preprocessed_tables.map_files`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class MapFormat(StrEnum):
    """How a map's files are written; CSV may be gzip (.gz)."""

    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True)
class MapVersion:
    """From which day (UTC) the entries of a map hold: exactly one is set, or none where the place names the day.

    `column` holds it row by row (YYYY-MM-DD, or YYYY-MM for the first of a month); `day` is one day for all files.
    """

    column: str | None = None
    day: date | None = None


@dataclass(frozen=True)
class CategoryMap:
    """One map as `config/categories.yaml` declares it.

    Entries count where every column in `only` has its text. `no_category` are labels that mean "not known", `rename`
    gives labels the platform's names, `prefer` says which category counts where one version has a domain in several:
    the first of them that is named, else the first by alphabet. All labels are clean (`clean_label`). `keeps_absent`:
    a domain that a later version lacks keeps its category; otherwise it has none from then on.
    """

    name: str
    description: str
    licence: str
    format: MapFormat
    place: str
    domain_column: str
    category_column: str
    version: MapVersion = MapVersion()
    only: Mapping[str, str] = field(default_factory=dict)
    no_category: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    prefer: tuple[str, ...] = ()
    keeps_absent: bool = False
    delimiter: str = ","
    simulated: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read from every file, each once."""
        version = [self.version.column] if self.version.column else []
        return tuple(dict.fromkeys([self.domain_column, self.category_column, *version, *self.only]))


@dataclass(frozen=True)
class Categories:
    """Everything that `config/categories.yaml` declares: maps, the first of which wins, and what is made of them.

    `commerce` are the categories whose sites sell things; a feature counts them. A day on which more than the share
    `unknown_limit` of the visits are to domains without a category is told by a check.
    """

    maps: tuple[CategoryMap, ...] = ()
    commerce: tuple[str, ...] = ()
    unknown_limit: float = 0.5


def clean_label(label: str) -> str:
    """A label as the platform writes it: small letters, no spaces around, spaces and hyphens within as one `_`."""
    return re.sub(r"[\s-]+", "_", label.strip(" \t\r\n").lower(), flags=re.ASCII)
