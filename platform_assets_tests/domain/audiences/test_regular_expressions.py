"""Regular expressions of rules: those that are taken find what Python finds, those that could run away are refused."""

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.audiences.patterns import glob
from platform_assets.domain.audiences.regular_expressions import PatternRefused, regular_expression

ALPHABET = "ab/.-_é😀\n^"
atoms = st.sampled_from(
    ["a", "b", "/", ".", r"\.", r"\-", "_", "é", "😀", "[ab]", "[^a/]", r"\d", r"\w", "[a-b_é]", r"\^"]
)
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}"])
pieces = st.builds(str.__add__, atoms, quantifiers)
groups = st.builds(
    lambda branches, quantifier: f"({'|'.join(branches)}){quantifier}",
    st.lists(st.lists(pieces, max_size=3).map("".join), min_size=1, max_size=3),
    quantifiers,
)
expressions = st.builds(
    lambda start, parts, end: start + "".join(parts) + end,
    st.sampled_from(["", "^"]),
    st.lists(st.one_of(pieces, pieces, groups), min_size=1, max_size=5),
    st.sampled_from(["", "$"]),
)
texts = st.lists(st.text(alphabet=ALPHABET, max_size=8), min_size=1, max_size=20)


@settings(max_examples=400, deadline=None)
@given(expression=expressions, texts=texts)
def test_what_is_taken_finds_what_python_finds(expression: str, texts: list[str]) -> None:
    try:
        pattern = regular_expression(expression)
    except PatternRefused:
        return
    in_python = re.compile(re.sub(r"\$\Z", r"\\Z", expression), re.DOTALL | re.ASCII)
    expected = [in_python.search(text) is not None for text in texts]
    rows = duckdb.execute(
        "SELECT list_transform($texts, t -> regexp_matches(t, $regex) AND starts_with(t, $begins))",
        {"texts": texts, "regex": f"^(?:{pattern.regex})", "begins": pattern.begins},
    ).fetchone()
    assert rows is not None
    assert rows[0] == expected


@settings(max_examples=150, deadline=None)
@given(pattern=st.text(alphabet="ab*/.[_%", max_size=8), texts=texts)
def test_wildcards_stand_for_any_characters_and_nothing_else_does(pattern: str, texts: list[str]) -> None:
    made = glob(pattern)
    in_python = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    for text in texts:
        inside = text.startswith(made.begins) and (
            not made.regex or re.match(made.regex.replace(r"\z", r"\Z"), text) is not None
        )
        found = inside if "*" in pattern else text == made.exact
        assert found == (in_python.fullmatch(text) is not None)


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        ("(a+)+$", "repeat a single character or class"),
        ("(a|a)*$", "repeat a single character or class"),
        ("(a|ab)*c", "alternatives that begin alike"),
        ("([a-z]+-?)*x", "repeat a single character or class"),
        ("(a?){20}", "may be empty"),
        ("(?:(?:ab)*c)*", "itself repeats"),
        (".*.*=.*", "write one, or a sign between them"),
        (r"\d+\d*x", "write one, or a sign between them"),
        ("[a-z]*b?[a-f]*$", "write one, or a sign between them"),
        (".*a.*b.*c.*d.*e", "more than 4 endless repeats"),
        (r"(a)\1", "a back reference can run away"),
        ("(?=a)b", r"has \(\?="),
        ("(?<!a)b", r"has \(\?<"),
        ("(?i)shoes", r"\[Aa\] for either case"),
        ("(?P<x>a)", r"use \(\?:…\)"),
        (r"\bshoes", "engines differ"),
        (r"a\sb", "write the characters themselves"),
        ("a*?", "two quantifiers in a row"),
        ("a++", "two quantifiers in a row"),
        ("a{500}", "from 1 to 200"),
        ("a{3,2}", "from fewer to more"),
        ("a{x}", r"write \\{"),
        (f"({'abcdefgh' * 20}){{100}}", "repeats a long group"),
        ("a" * 501, "split it into several rules"),
        ("(" * 11 + "a" + ")" * 11, "nests more than 10 groups"),
        ("a|b$", r"write \^\(\?:a\|b\)\$"),
        ("a^b", r"write \\\^"),
        ("a$b", r"write \\\$"),
        ("[a", "never closed"),
        ("[[:alpha:]]", "within a class"),
        ("[z-a]", "from a letter or digit to a later one"),
        ("(a", "never closed"),
        ("a)", "never opened"),
        ("*a", "nothing to repeat"),
        ("^$", "matches everything"),
        ("a\\", "engines differ"),
    ],
)
def test_what_could_run_away_or_means_different_things_is_refused(expression: str, instead: str) -> None:
    with pytest.raises(PatternRefused, match=instead):
        regular_expression(expression)


@pytest.mark.parametrize(
    "expression",
    [r"^/[a-z]+/\d+-\d+$", r"^/(?:shoes|hats)/[^/]+/?$", r"(?:foo|bar)+$", r"\.(?:html?|php)$", "(?:[a-z]+-)?[0-9]+"],
)
def test_what_people_write_is_taken(expression: str) -> None:
    assert regular_expression(expression).regex
