"""Declared maps: what a team may write, where the files lie, and how a mistake is told."""

from datetime import date
from pathlib import Path

import pytest

from platform_assets.domain.categories.category_map import Categories, MapVersion
from platform_assets.domain.categories.category_maps import load_categories
from platform_assets.domain.categories.map_places import map_place
from platform_assets.domain.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
TOPICS = """
maps:
  - name: topics
    description: Of a vendor.
    licence: CC BY-SA 4.0
    format: csv
    place: "/maps/{version_date:%Y-%m}/*.csv.gz"
    columns: {domain: entry, category: label}
    only: {kind: domain, country: "DE"}
    no_category: ["NOT FOUND", "not-found"]
    rename: {"E-Commerce": Shopping}
    prefer: [News, "E-Commerce"]
    absent: keeps
    delimiter: ";"
commerce: [Shopping, travel]
unknown_limit: 0.3
"""


def load(tmp_path: Path, text: str) -> Categories:
    path = tmp_path / "categories.yaml"
    path.write_text(text)
    return load_categories(path)


def mistakes(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return str(caught.value)


def test_a_declaration_becomes_a_map_with_clean_labels(tmp_path: Path) -> None:
    found = load(tmp_path, TOPICS)
    (topics,) = found.maps
    assert (topics.name, topics.licence, topics.delimiter) == ("topics", "CC BY-SA 4.0", ";")
    assert (topics.no_category, topics.rename) == (("not_found",), {"e_commerce": "shopping"})
    assert (topics.prefer, topics.keeps_absent) == (("news", "e_commerce"), True)
    assert topics.columns == ("entry", "label", "kind", "country")
    assert (found.commerce, found.unknown_limit) == (("shopping", "travel"), 0.3)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2019-01-01", MapVersion(day=date(2019, 1, 1))), ("{column: month}", MapVersion(column="month"))],
)
def test_the_day_of_a_version_may_be_a_column_or_one_for_all(
    version: str, expected: MapVersion, tmp_path: Path
) -> None:
    text = TOPICS.replace("/{version_date:%Y-%m}", "").replace("delimiter:", f"version_date: {version}\n    delimiter:")
    assert load(tmp_path, text).maps[0].version == expected


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("name: topics", "name: Topics", 3, "must be small letters"),
        ("licence:", "license:", 5, "did you mean licence?"),
        ("format: csv", "format: excel", 6, "excel is not known"),
        ("/{version_date:%Y-%m}", "", 3, "from when do its entries hold?"),
        ("%Y-%m", "%Y-%W", 7, "must name the day by"),
        ('"/maps', '"maps', 7, "must begin with {landing_zone}/, or be absolute"),
        ("{version_date:%Y-%m}", "{version}", 7, "known are {landing_zone}, {version_date}"),
        ("domain: entry, ", "", 8, "domain: this key is missing"),
        ("absent: keeps", "absent: goes", 13, "known are ends, keeps"),
        ("absent: keeps", "version_date: 2019-02-30", 13, "is no day"),
        ("absent: keeps", "version_date: 2019-02-01", 13, "the place names the day of a version already"),
        ('";"', '";;"', 14, "must be one ASCII character"),
        ("0.3", "30", 16, "a number from 0 to 1"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, told: str, tmp_path: Path) -> None:
    message = mistakes(tmp_path, TOPICS.replace(old, new, 1))
    assert f"categories.yaml:{line}" in message
    assert told in message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    second = TOPICS.replace("maps:\n", "").split("commerce")[0]
    message = mistakes(tmp_path, TOPICS.split("commerce")[0].replace("format: csv", "format: xls") + second + second)
    assert all(text in message for text in ("xls is not known", "the name topics is taken by the map in line"))


def test_the_projects_own_file_declares_maps_of_the_simulated_world_only() -> None:
    found = load_categories(ROOT / "config" / "categories.yaml")
    assert {each.name for each in found.maps} == {"editors_choice", "site_topics"}
    assert all(each.simulated and each.licence for each in found.maps)


@pytest.mark.parametrize(
    ("template", "path", "day"),
    [
        ("{landing_zone}/maps/{version_date}/*.csv", "maps/2026-02-03/part.csv", date(2026, 2, 3)),
        ("{landing_zone}/maps/{version_date:%Y/%m/%d}.csv", "maps/2026/02/03.csv", date(2026, 2, 3)),
        ("{landing_zone}/maps/{version_date:%Y-%m}_*.csv", "maps/2026-02_full.csv", date(2026, 2, 1)),
        ("{landing_zone}/**/{version_date}.csv", "a/b/2026-02-03.csv", date(2026, 2, 3)),
    ],
)
def test_places_name_the_day_of_a_file(template: str, path: str, day: date) -> None:
    place = map_place(template, landing_zone="/zone", environment={})
    assert (place.root, place.version_date(path)) == ("/zone", day)


@pytest.mark.parametrize("path", ["maps/2026-2-3/part.csv", "maps/.hidden/part.csv", "maps/2026-02-03/a/part.csv"])
def test_other_files_are_none_of_the_map(path: str) -> None:
    place = map_place("{landing_zone}/maps/{version_date}/*.csv", landing_zone="/zone", environment={})
    assert place.pattern.fullmatch(path) is None


def test_places_outside_of_the_landing_zone_are_searched_from_their_fixed_part() -> None:
    place = map_place("{env:MAPS}/vendor/*.csv", landing_zone="/zone", environment={"MAPS": "s3://bucket/maps/"})
    assert (place.root, place.fixed) == ("s3://bucket/maps/vendor", "")
    assert place.pattern.fullmatch("list.csv")
    with pytest.raises(ConfigurationError, match="MAPS"):
        map_place("{env:MAPS}/*.csv", landing_zone="/zone", environment={})
