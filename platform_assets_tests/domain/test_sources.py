"""Declared sources: what a team may write, and how a mistake is told."""

from datetime import date
from pathlib import Path

import pytest

from platform_assets.domain.contracts.contract import Pii
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.places import day_place
from platform_assets.domain.sources import Combine, EventType, FieldMapping, Format, Source, load_sources

ROOT = Path(__file__).parents[2]
SHOP = """
sources:
  - name: shop
    format: csv
    place: "{landing_zone}/shop/{landing_date}/*.csv"
    delimiter: ";"
    time_zone: Europe/London
    event_type: {constant: purchase}
    fields:
      event_time: When
      login: customer.mail
      cookie_id: [ip, agent]
      value: {multiply: [Quantity, UnitPrice]}
      item: File
"""


def load(tmp_path: Path, text: str) -> tuple[Source, ...]:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return load_sources(path)


def mistakes(tmp_path: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return caught.value


def test_a_declaration_becomes_a_source(tmp_path: Path) -> None:
    (shop,) = load(tmp_path, SHOP)
    assert (shop.name, shop.format, shop.delimiter, shop.time_zone) == ("shop", Format.CSV, ";", "Europe/London")
    assert (shop.lateness_days, shop.time_format, shop.simulated) == (3, "iso8601", False)
    assert shop.event_type == EventType(constant="purchase")
    assert shop.fields["cookie_id"] == FieldMapping(("ip", "agent"), Combine.JOIN)
    assert shop.fields["value"] == FieldMapping(("Quantity", "UnitPrice"), Combine.MULTIPLY)
    assert shop.source_fields == ("When", "customer.mail", "ip", "agent", "Quantity", "UnitPrice", "File")


def test_raw_columns_hold_fields_as_received_and_know_what_identifies_people(tmp_path: Path) -> None:
    (shop,) = load(tmp_path, SHOP)
    contract = shop.raw_contract()
    assert (contract.name, contract.key, contract.partition_column) == ("raw_shop", ("file", "line"), "landing_date")
    names = contract.column_names
    assert names[:6] == ("landing_date", "file", "line", "event_id", "event_time", "event_date")
    assert names[6:] == (
        *("When", "customer_mail", "ip", "agent", "Quantity", "UnitPrice", "File_received", "extra_fields"),
    )
    raw = {column.name for column in contract.columns if column.pii is Pii.RAW}
    assert raw == {"customer_mail", "ip", "agent", "extra_fields"}


def test_an_access_log_needs_no_fields_and_puts_its_host_before_paths(tmp_path: Path) -> None:
    (log,) = load(
        tmp_path,
        """
sources:
  - {name: log, format: access_log, place: "{landing_zone}/{landing_date}/*", host: "https://www.example.org",
     event_type: {constant: page_view}}
""",
    )
    assert log.fields["url"] == FieldMapping(("path",), prefix="https://www.example.org")
    assert log.fields["cookie_id"].fields == ("ip", "user_agent")
    assert log.event_time_field == "time"
    assert set(log.source_fields) <= set(log.raw_contract().column_names)


@pytest.mark.parametrize("path", ["config/sources.yaml", "platform_assets_tests/config/real_sources.yaml"])
def test_our_own_declarations_are_right(path: str) -> None:
    assert load_sources(ROOT / path)


@pytest.mark.parametrize(
    ("text", "instead", "line", "told"),
    [
        ("format: csv", "formt: csv", 4, "formt: unknown key, did you mean format?"),
        ("format: csv", "format: jsonlines", 4, "format: jsonlines is not known, did you mean json_lines?"),
        ("    format: csv\n", "", 3, "format: this key is missing"),
        ("format: csv", "format: csv\n    format: csv", 5, "format: this key is given twice, first in line 4"),
        ("name: shop", "name: Shop 1", 3, "name: Shop 1 must be small letters"),
        ("name: shop", "name: 7", 3, "name: must be text"),
        ("shop/{landing_date}/*.csv", "shop.csv", 5, "needs {landing_date}"),
        ("{landing_zone}/shop", "{zone}/shop", 5, "uses {zone}; known are {landing_zone}"),
        ("{landing_zone}/shop", "/*", 5, "has a glob before {landing_date}"),
        ("*.csv", "*.csv}", 5, "has a brace that is never closed or opened"),
        ('";"', '"::"', 6, "delimiter: must be one ASCII character"),
        ("Europe/London", "Europe/Londn", 7, "time_zone: Europe/Londn is no IANA zone, did you mean Europe/London?"),
        ("time_zone:", "time_format: iso8610 #", 7, "time_format: iso8610 is not known, did you mean iso8601?"),
        ("time_zone:", "time_format: '%Q' #", 7, "time_format: %Q is no strptime pattern"),
        ("time_zone:", "lateness_days: -1 #", 7, "lateness_days: must be a whole number from 0"),
        ("time_zone:", "simulated: maybe #", 7, "simulated: must be true or false, but is text"),
        ("time_zone:", "host: https://x.org #", 7, "host: only an access_log"),
        ("{constant: purchase}", "{constant: a, field: b}", 8, "event_type: must be {field"),
        ("{constant: purchase}", "purchase", 8, "event_type: must be a mapping, but is text"),
        ("event_time: When", "referrer: When", 10, "fields.event_time is not mapped"),
        ("event_time: When", "event_tme: When", 10, "event_tme: unknown key, did you mean event_time?"),
        ("event_time: When", "event_time: [When, Then]", 10, "event_time: takes one field"),
        ("login: customer.mail", "login: {multiply: [a]}", 11, "only value can be a product"),
        ("login: customer.mail", "login: quantity", 3, "quantity and Quantity would share the raw column"),
        ("sources:", "source:", 2, "source: unknown key, did you mean sources?"),
        ("format: csv", "format: [csv", 5, "is not YAML"),
        ("time_zone:", "version: 0 #", 7, "version: must be a whole number from 1"),
        ("time_zone:", "optional: File #", 7, "optional: must be a list, but is text"),
        ("time_zone:", "optional: [Fiel] #", 7, "optional: Fiel is mapped to nothing, did you mean File?"),
        ("time_zone:", "optional: [When] #", 7, "optional: When makes event_time, without which a record is no event"),
        ("time_zone:", "defaults: {File: 1} #", 7, "File: must be text; put quotes around it"),
        ("time_zone:", "defaults: {Fiel: x} #", 7, "Fiel: unknown key, did you mean File?"),
        ("time_zone:", "defaults: {When: x} #", 7, "When: When makes event_time"),
        ("time_zone:", "unmapped: [File] #", 7, "unmapped: File is mapped under fields"),
        ("    fields:", "    optional: [File]\n    defaults: {File: x}\n    fields:", 9, "File has a default, so it"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(tmp_path: Path, text: str, instead: str, line: int, told: str) -> None:
    error = mistakes(tmp_path, SHOP.replace(text, instead, 1))
    assert f"{tmp_path}/sources.yaml:{line}: " in str(error)
    assert told in str(error)


def test_fields_that_come_and_go_are_declared(tmp_path: Path) -> None:
    declared = 'optional: [File]\n    defaults: {ip: "0"}\n    unmapped: [consent]\n    time_zone:'
    (shop,) = load(tmp_path, SHOP.replace("time_zone:", declared))
    assert (shop.optional, shop.defaults, shop.unmapped) == (("File",), {"ip": "0"}, ("consent",))
    assert [field for field in shop.source_fields if shop.may_be_absent(field)] == ["ip", "File"]


def test_the_order_of_absent_fields_makes_no_other_declaration(tmp_path: Path) -> None:
    """The text of a declaration is part of code versions: it may not depend on a set's order in this process."""
    texts = {
        repr(load(tmp_path, SHOP.replace("time_zone:", f"unmapped: [{fields}]\n    time_zone:")))
        for fields in ("consent, browser, region, campaign", "region, campaign, browser, consent")
    }
    (text,) = texts
    assert "unmapped=('browser', 'campaign', 'consent', 'region')" in text


def test_all_mistakes_are_told_at_once_and_the_first_gives_the_place(tmp_path: Path) -> None:
    error = mistakes(tmp_path, SHOP.replace("csv\n", "xml\n", 1).replace("London", "Rome2").replace("item", "itme"))
    assert error.where == f"{tmp_path}/sources.yaml:4"
    assert [word in str(error) for word in ("xml", "Rome2", "itme")] == [True] * 3


def test_two_sources_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    error = mistakes(tmp_path, SHOP + SHOP.split("sources:")[1].lstrip("\n"))
    assert "the name shop is taken by the source in line 3" in str(error)


def test_a_missing_file_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        load_sources(tmp_path / "none.yaml")


def test_a_place_is_filled_for_a_day() -> None:
    place = day_place(
        "{landing_zone}/a/{landing_date:%Y/%m/%d}/*", landing_zone="s3://b/z", day=date(2026, 1, 5), environment={}
    )
    assert (place.base, place.pattern) == ("s3://b/z", "s3://b/z/a/2026/01/05/*")
    place = day_place(
        "{env:HOME}/a/{landing_date}.gz", landing_zone="", day=date(2026, 1, 5), environment={"HOME": "/h"}
    )
    assert (place.base, place.pattern) == ("/h/a", "/h/a/2026-01-05.gz")


def test_an_environment_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="DATA, which is not set"):
        day_place("{env:DATA}/{landing_date}", landing_zone="", day=date(2026, 1, 5), environment={})
