"""The odds ratio's interval is the published one, and holds the true ratio as often as it says, of few as well."""

from itertools import product

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.audience_reports.odds_ratio import odds_ratio, solved
from resources.compute.duckdb_engine import DuckDBEngine

COUNTS = ["converted", "members", "converted_others", "others"]


def computed(tables: np.ndarray) -> np.ndarray:
    """Estimate, low and high by row of counts."""
    counts = np.asarray(tables, dtype=np.int64).T
    return np.column_stack([solved(np.full(len(tables), chance), *counts) for chance in (0.5, 0.025, 0.975)])


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int, int, int]:
    members, others = (draw(st.integers(1, 400)) for _ in range(2))
    converted, converted_others = draw(st.integers(0, members)), draw(st.integers(0, others))
    if 0 < converted + converted_others < members + others:
        return converted, members, converted_others, others
    return 0, members, 1, others + 1


@settings(max_examples=10, deadline=None)
@given(tables=st.lists(counts(), min_size=1, max_size=8))
def test_its_tails_are_those_of_the_noncentral_hypergeometric_distribution(tables: list[tuple]) -> None:
    from scipy.stats import nchypergeom_fisher

    for (yes, members, there, others), found in zip(tables, computed(tables), strict=True):
        together = yes + there
        least, most = max(0, together - others), min(members, together)
        for odds, chance in zip(found, (0.5, 0.025, 0.975), strict=True):
            if odds == 0:
                assert yes == least and chance <= 0.5
            elif odds == np.inf:
                assert yes == most and chance >= 0.5
            else:
                law = nchypergeom_fisher(members + others, members, together, odds)
                assert law.sf(yes) + law.pmf(yes) / 2 == pytest.approx(chance, rel=1e-5)


def test_on_large_counts_it_is_the_sample_odds_ratio_with_the_exact_conditional_interval() -> None:
    from scipy.stats.contingency import odds_ratio as exact

    table = [[189, 10_845], [104, 10_933]]
    interval = exact(table).confidence_interval(0.95)
    (found,) = computed([(189, 11_034, 104, 11_037)])
    assert found == pytest.approx([exact(table, kind="sample").statistic, interval.low, interval.high], rel=0.02)


def test_millions_of_conversions_are_solved_as_well() -> None:
    (found,) = computed([(4_000_000, 9_000_000, 3_000_000, 11_000_000)])
    deviation = np.sqrt(1 / 4e6 + 1 / 5e6 + 1 / 3e6 + 1 / 8e6)
    sample = 4e6 * 8e6 / (5e6 * 3e6)
    assert found == pytest.approx(sample * np.exp([0, -1.959964 * deviation, 1.959964 * deviation]), rel=1e-6)


def test_where_every_odds_ratio_is_small_or_large_enough_the_interval_has_no_end() -> None:
    nobody, everybody = computed([(0, 3, 5, 100), (3, 3, 5, 100)])
    assert list(nobody[:2]) == [0, 0] and 1 < nobody[2] < np.inf
    assert list(everybody[[0, 2]]) == [np.inf, np.inf] and 1 < everybody[1] < np.inf


def test_a_table_gives_the_same_whatever_stands_beside_it() -> None:
    random = np.random.default_rng(5)
    members, others = random.integers(1, 10 ** random.integers(1, 6, 400)), random.integers(1, 5_000, 400)
    converted, there = random.binomial(members, 0.03), random.binomial(others, 0.02)
    tables = np.column_stack([converted, members, there, others])
    alone = np.vstack([computed(tables[[row]]) for row in range(0, 400, 7)])
    assert np.array_equal(alone, computed(tables)[::7])


def test_in_an_expression_ends_that_are_not_there_are_null(one_engine: DuckDBEngine) -> None:
    rows = [(0, 3, 5, 100), (3, 3, 5, 100), (7, 20, 30, 300)]
    table = ibis.memtable(dict(zip(COUNTS, map(list, zip(*rows, strict=True)), strict=True)))
    found = one_engine.backend.to_pyarrow(table.mutate(**odds_ratio(table, *COUNTS))).to_pylist()
    wanted = [[None if np.isinf(value) else value for value in row] for row in computed(rows)]
    names = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")
    by_counts = {row["converted"]: [row[name] for name in names] for row in found}
    assert by_counts == {row[0]: values for row, values in zip(rows, wanted, strict=True)}


def coverage(members: int, others: int, share: float, ratio: float) -> float:
    """How often the interval holds the true ratio, exactly: over all tables with both outcomes, by their chance."""
    from scipy.stats import binom

    odds = ratio * share / (1 - share)
    most = min(others, int(others * share + 6 * np.sqrt(others * share) + 6))
    tables = np.array([(yes, members, there, others) for yes, there in product(range(members + 1), range(most + 1))])
    chance = binom.pmf(tables[:, 0], members, odds / (1 + odds)) * binom.pmf(tables[:, 2], others, share)
    together = tables[:, 0] + tables[:, 2]
    chance[(together == 0) | (together == members + others)] = 0
    likely = chance > 1e-7
    low, high = computed(tables[likely])[:, 1:].T
    return float(chance[likely][(low <= ratio) & (ratio <= high)].sum() / chance.sum())


@pytest.mark.parametrize(("members", "others"), [(1, 200), (5, 50), (20, 300), (60, 400), (300, 20)])
@pytest.mark.parametrize("share", [0.005, 0.1])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 8.0])
def test_the_interval_holds_the_true_ratio_nineteen_times_of_twenty(
    members: int, others: int, share: float, ratio: float
) -> None:
    assert coverage(members, others, share, ratio) >= 0.949
