"""Declared audiences: what a team may write, and how a mistake is told."""

from pathlib import Path

import pytest

from platform_assets.domain.audiences.audience import Audience, Rule
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.audiences.patterns import Pattern
from platform_assets.domain.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
SHOE_BUYERS = """
audiences:
  - name: shoe_buyers
    description: People who buy shoes.
    owner: team:shop
    within_days: 14
    at_least: 2
    on_days: 2
    warn_after_days: 3
    any_of:
      - domain: [shop.example, "*.outlet.example"]
        path: /shoes/*
        query: {utm_source: mail, q: "*red*"}
        referrer: finder.example
        event_type: [purchase, add_to_cart]
      - path_regex: ^/checkout/[0-9]+$
    none_of:
      - domain: returns.example
"""


def load(tmp_path: Path, text: str) -> tuple[Audience, ...]:
    path = tmp_path / "audiences.yaml"
    path.write_text(text, encoding="utf-8")
    return load_audiences(path)


def mistakes(tmp_path: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return caught.value


def mistake_in(tmp_path: Path, rule: str) -> str:
    return str(mistakes(tmp_path, f"audiences:\n  - name: shoes\n    any_of:\n      - {rule}\n"))


def test_a_declaration_becomes_an_audience(tmp_path: Path) -> None:
    (audience,) = load(tmp_path, SHOE_BUYERS)
    first = Rule(
        domains=("shop.example", "*.outlet.example"),
        paths=(Pattern(begins="/shoes/"),),
        query=(
            ("utm_source", Pattern(exact="\x1futm_source=mail\x1f")),
            ("q", Pattern(begins="\x1fq=", regex="(?s:.)*\x1fq=[^\x1f]*red[^\x1f]*\x1f")),
        ),
        referrers=("finder.example",),
        event_types=("purchase", "add_to_cart"),
    )
    second = Rule(paths=(Pattern(begins="/checkout/", regex="/checkout/[0-9]+\\z"),))
    assert (audience.any_of, audience.none_of) == ((first, second), (Rule(domains=("returns.example",)),))
    assert (audience.within_days, audience.at_least, audience.on_days, audience.warn_after_days) == (14, 2, 2, 3)
    assert (audience.owner, audience.line, audience.any_of[1].line) == ("team:shop", 3, 16)


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (audience,) = load(tmp_path, "audiences:\n  - name: all\n    any_of:\n      - event_type: purchase\n")
    assert (audience.within_days, audience.at_least, audience.on_days, audience.warn_after_days) == (28, 1, 1, 7)


def test_a_line_that_moves_changes_nothing_that_decides_members(tmp_path: Path) -> None:
    assert repr(load(tmp_path, SHOE_BUYERS)) == repr(load(tmp_path, "\n\n# a comment\n" + SHOE_BUYERS))


def test_the_projects_own_file_is_right() -> None:
    names = [audience.name for audience in load_audiences(ROOT / "config" / "audiences.yaml")]
    assert {"buyers", "cart_leavers"} < set(names)


def test_every_mistake_is_told_at_once_with_its_line_and_audience(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        """
audiences:
  - name: shoes
    any_off: []
    any_of:
      - domain: Shop.example
        path: shoes/*
      - path_regex: (a+)+$
  - name: shoes
    within_days: 400
    on_days: 0
    any_of: []
  - name: Hats!
    any_of:
      - {}
      - colour: red
""",
    )
    assert told.where.endswith("audiences.yaml:4")
    lines = str(told).splitlines()
    file = tmp_path / "audiences.yaml"
    for line, text in {
        4: "audience shoes: any_off: unknown key, did you mean any_of?",
        6: "audience shoes: domain: Shop.example: events have domains in small letters; write shop.example",
        7: "audience shoes: path: shoes/*: a path begins with /",
        8: "audience shoes: path_regex: (a+)+$ repeats a group that itself repeats",
        10: "audience shoes: within_days: 400 days are too many",
        11: "audience shoes: on_days: must be a whole number from 1",
        12: "audience shoes: any_of: lists no rule",
        13: "audience Hats!: name: must be small letters",
        15: "audience Hats!: any_of: a rule without a condition would match every event",
        16: "audience Hats!: colour: unknown key; known are domain, path",
    }.items():
        assert any(f"{file}:{line}: {text}" in told_line for told_line in lines), (line, text)
    assert f"{file}:9: audience shoes: audiences: the name is taken by the audience in line 3" in str(told)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("domain: www.shop.example", "write shop.example"),
        ("domain: https://shop.example", "is no host"),
        ("domain: shop.*", "is no host"),
        ("domain: []", "lists nothing"),
        ("referrer: 7", "must be text"),
        ('path: "*"', "matches every path; leave it out"),
        ("path: /a?b=1", "write what follows ? under query"),
        ("path: /caf%C3%A9", "compared decoded"),
        ("{path: /a, path_regex: b}", "path or path_regex, not both"),
        ("query: shoes", "must be a mapping"),
        ("query: {}", "name from 1 to 5"),
        ('query: {"a=b": c}', "is no name of a parameter"),
        ("query: {a: 1}", "must be text; put quotes around it"),
        ("event_type: ''", "not empty"),
        (
            "{domain: [" + ", ".join(f"h{n}" for n in range(40)) + "], path: [" + ", ".join(f"/{n}" for n in range(40)),
            "x",
        ),
    ],
)
def test_a_rule_that_could_never_be_meant_is_refused(tmp_path: Path, rule: str, told: str) -> None:
    if told == "x":
        rule, told = f"{rule}]}}", "1,600 combinations"
    assert told in mistake_in(tmp_path, rule)


def test_a_file_without_audiences_is_refused(tmp_path: Path) -> None:
    assert "declares no audience" in str(mistakes(tmp_path, "audiences: []\n"))


def test_no_such_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.yaml: there is no such file"):
        load_audiences(tmp_path / "missing.yaml")
