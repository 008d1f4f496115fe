"""Two systems' outputs: what differs is told exactly, and nothing else is."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.imported_models.column_pair import Tolerance
from platform_assets.domain.imported_models.comparison import (
    Comparison,
    KeysNotComparable,
    NothingToCompare,
    compare_outputs,
)
from platform_assets.domain.imported_models.comparison_page import comparison_page
from platform_assets.domain.imported_models.comparison_text import as_text, verdict_of, where_it_clusters


def outputs(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "user_id": [f"u{number:03d}" for number in range(rows)],
            "visits": random.poisson(4, rows).astype(float),
            "score": random.random(rows),
        }
    )


def compared(ours: pd.DataFrame, theirs: pd.DataFrame, **options: Any) -> Comparison:
    return compare_outputs(ours, theirs, key=["user_id"], **options)


def test_the_same_rows_in_any_order_are_equal() -> None:
    ours = outputs()
    found = compared(ours, ours.sample(frac=1, random_state=3))
    assert found.equal
    assert [(column.name, column.rows, column.differing) for column in found.columns] == [
        ("visits", 200, 0),
        ("score", 200, 0),
    ]
    assert verdict_of(found).startswith("Equal: 200 rows, columns visits, score, relative tolerance 1e-09")


def test_a_shift_a_missing_row_and_an_additional_row_are_told_exactly() -> None:
    ours = outputs()
    theirs = ours.assign(score=ours["score"] * (1 + 1e-8)).drop(index=[3, 7])
    theirs = pd.concat([theirs, pd.DataFrame({"user_id": ["stranger"], "visits": [1.0], "score": [0.5]})])
    found = compared(ours, theirs)
    visits, score = found.columns
    assert not found.equal
    assert (found.rows_here, found.rows_there, found.rows_compared) == (200, 199, 198)
    assert (found.missing_here, found.keys_missing_here) == (1, ("stranger",))
    assert (found.missing_there, found.keys_missing_there) == (2, ("u003", "u007"))
    assert visits.differing == 0
    assert score.differing == 198
    assert score.max_relative == pytest.approx(1e-8, rel=1e-6)
    assert score.median_relative == pytest.approx(1e-8, rel=1e-6)
    assert score.max_absolute == pytest.approx(1e-8 * ours["score"].drop(index=[3, 7]).max(), rel=1e-6)
    assert len(score.worst) == 10
    assert compared(ours, theirs, tolerance=Tolerance(rtol=1e-7)).columns[1].differing == 0


def test_the_rows_that_differ_most_come_first_with_both_values() -> None:
    ours = outputs(3)
    theirs = ours.assign(score=[ours["score"][0], ours["score"][1] * 2, ours["score"][2] * 1.5])
    worst = compared(ours, theirs).columns[1].worst
    assert [row["key"] for row in worst] == ["u001", "u002"]
    assert (worst[0]["ours"], worst[0]["theirs"]) == (ours["score"][1], theirs["score"][1])
    assert worst[0]["relative"] == pytest.approx(0.5)


def test_missing_values_equal_one_another_and_nothing_else() -> None:
    ours = outputs(4).assign(score=[np.nan, np.nan, 0.3, np.inf])
    theirs = outputs(4).assign(score=[np.nan, 0.2, np.nan, np.inf])
    (score,) = compared(ours.drop(columns="visits"), theirs).columns
    assert (score.differing, score.missing_here, score.missing_there) == (2, 1, 1)
    assert [row["key"] for row in score.worst] == ["u001", "u002"]


def test_numbers_near_zero_are_equal_within_the_absolute_tolerance_only() -> None:
    ours, theirs = outputs(2).assign(score=[0.0, 0.5]), outputs(2).assign(score=[1e-15, 0.5])
    assert compared(ours, theirs).columns[1].differing == 1
    assert compared(ours, theirs, tolerance=Tolerance(atol=1e-12)).equal


def test_the_tolerance_is_relative_to_the_larger_of_the_two_values() -> None:
    larger, smaller = outputs(1).assign(score=1.0), outputs(1).assign(score=0.9)
    tolerance = Tolerance(rtol=0.1)
    assert compared(larger, smaller, tolerance=tolerance).columns[1].differing == 0
    assert compared(smaller, larger, tolerance=tolerance).columns[1].differing == 0


def test_a_text_where_a_number_should_be_differs_and_is_counted() -> None:
    theirs = outputs(3).astype({"score": object})
    theirs.loc[1, "score"] = "n/a?"
    (score,) = [column for column in compared(outputs(3), theirs).columns if column.name == "score"]
    assert (score.differing, score.no_number) == (1, 1)


def test_texts_are_compared_as_they_are() -> None:
    ours = outputs(3).assign(segment=["a", "b", None])
    theirs = outputs(3).assign(segment=["a", "B", None])
    (segment,) = [column for column in compared(ours, theirs).columns if column.name == "segment"]
    assert segment.differing == 1
    assert segment.worst[0] == {"key": "u001", "ours": "b", "theirs": "B", "absolute": None, "relative": None}


def test_a_key_in_two_rows_is_an_error_that_names_it() -> None:
    ours = outputs(4)
    with pytest.raises(KeysNotComparable, match=r"there: 1 key\(s\) in more than one row: u002 \(2 rows\)"):
        compared(ours, pd.concat([ours, ours[2:3]]))


def test_a_row_without_key_is_an_error() -> None:
    ours = outputs(4)
    with pytest.raises(KeysNotComparable, match=r"1 row\(s\) without key"):
        compared(ours, ours.assign(user_id=["u000", None, "u002", "u003"]))


def test_outputs_without_a_common_key_or_column_are_no_equal_ones() -> None:
    ours = outputs(4)
    with pytest.raises(NothingToCompare, match="no key is in both"):
        compared(ours, ours.assign(user_id=["a", "b", "c", "d"]))
    with pytest.raises(NothingToCompare, match="no column is in both"):
        compared(ours, ours[["user_id"]].assign(chance=1.0))


def test_differences_are_told_to_lie_in_the_decile_where_they_lie() -> None:
    ours = outputs()
    low = ours["score"] <= ours["score"].quantile(0.1)
    theirs = ours.assign(score=ours["score"].where(~low, ours["score"] * 1.001))
    score = compared(ours, theirs).columns[1]
    deciles = [each for each in score.clusters if each.by == "decile"]
    assert len(deciles) == 10
    assert (deciles[0].rows, deciles[0].differing) == (20, 20)
    assert sum(each.differing for each in deciles[1:]) == 0
    assert len(where_it_clusters(score)) == 1
    assert "20 of 20 rows differ (100.0%)" in where_it_clusters(score)[0]


def test_differences_are_told_to_lie_where_an_input_is_missing() -> None:
    ours = outputs()
    inputs = ours[["user_id"]].assign(age=np.where(ours.index < 30, np.nan, 40.0), visits=ours["visits"])
    theirs = ours.assign(score=ours["score"].where(ours.index >= 30, 0.5))
    score = compared(ours, theirs, inputs=inputs).columns[1]
    missing = {each.part: (each.rows, each.differing) for each in score.clusters if each.by == "missing"}
    assert missing == {"any input": (30, 30), "no input": (170, 0), "age": (30, 30)}


def test_a_score_that_differs_where_a_feature_differs_says_so() -> None:
    ours = outputs()
    theirs = ours.copy()
    theirs.loc[[4, 9], "visits"] += 1
    theirs.loc[[4, 9], "score"] /= 2
    score = compared(ours, theirs).columns[1]
    assert where_it_clusters(score)[-1] == "2 of its 2 differing rows also differ in visits (2 rows do)"


def test_the_report_names_every_figure_and_runs_nothing_that_a_value_holds() -> None:
    ours = outputs(3).assign(segment=["a", "b", "c"])
    theirs = ours.assign(segment=["a", "<script>alert(1)</script>", "c"])
    found = compared(ours, theirs)
    page, text = comparison_page(found, "A & B"), as_text(found)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "A &amp; B" in page
    assert "segment: 1 of 3 rows differ (33.33%)" in text
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["columns"][2]["differing"] == 1


VALUES = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1e-300, 1.0, 1.0 + 1e-9, 1.0 + 3e-9, -1.0, math.inf, -math.inf]),
    st.floats(allow_nan=False, width=64),
)
SIDE = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), VALUES, min_size=1)


def as_frame(side: dict[str, float | None]) -> pd.DataFrame:
    return pd.DataFrame({"user_id": list(side), "score": pd.Series(list(side.values()), dtype="float64")})


@settings(deadline=None, max_examples=150)
@given(ours=SIDE, theirs=SIDE, rtol=st.sampled_from([0.0, 1e-9, 1e-6]), atol=st.sampled_from([0.0, 1e-12]))
def test_what_differs_is_what_plain_python_says(
    ours: dict[str, float | None], theirs: dict[str, float | None], rtol: float, atol: float
) -> None:
    shared = ours.keys() & theirs.keys()
    if not shared:
        with pytest.raises(NothingToCompare):
            compared(as_frame(ours), as_frame(theirs))
        return
    found = compared(as_frame(ours), as_frame(theirs), tolerance=Tolerance(rtol, atol))
    pairs = {key: (ours[key], theirs[key]) for key in shared}
    unequal = {
        key
        for key, (a, b) in pairs.items()
        if (a is None) != (b is None)
        or (a is not None and b is not None and not math.isclose(a, b, rel_tol=rtol, abs_tol=atol))
    }
    (score,) = found.columns
    assert score.differing == len(unequal)
    assert {row["key"] for row in score.worst} == unequal
    assert (found.missing_here, found.missing_there) == (len(theirs.keys() - shared), len(ours.keys() - shared))
    finite = [abs(a - b) for a, b in pairs.values() if a is not None and b is not None and math.isfinite(a - b)]
    assert score.max_absolute == max(finite, default=0.0)
    assert score.rows == len(shared)
