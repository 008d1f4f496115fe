"""Both ways to find connected components give what a plain search gives."""

from collections.abc import Iterable
from itertools import pairwise

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.identity.connected_components import components_in_the_engine, components_on_one_node
from resources.compute.duckdb_engine import DuckDBEngine

Edge = tuple[str, str]

nodes = st.integers(0, 25).map(lambda number: f"n{number:02d}")
graphs = st.lists(st.tuples(nodes, nodes), max_size=40)


def expected(edges: Iterable[Edge]) -> dict[str, str]:
    """The smallest node that can be reached from every node."""
    neighbours: dict[str, set[str]] = {}
    for left, right in edges:
        neighbours.setdefault(left, set()).add(right)
        neighbours.setdefault(right, set()).add(left)
    found: dict[str, str] = {}
    for start in sorted(neighbours):
        reached = [start] if start not in found else []
        while reached:
            node = reached.pop()
            if node not in found:
                found[node] = start
                reached += neighbours[node]
    return found


def components(engine: DuckDBEngine, edges: list[Edge], way: str) -> dict[str, str]:
    ends = {"left": [edge[0] for edge in edges], "right": [edge[1] for edge in edges]}
    table = ibis.memtable(pa.table(ends, schema=pa.schema({"left": pa.string(), "right": pa.string()})))
    found = components_on_one_node(table) if way == "one node" else components_in_the_engine(table, engine)
    rows = engine.backend.to_pyarrow(found).to_pylist()
    assert len({row["node"] for row in rows}) == len(rows)
    return {row["node"]: row["component"] for row in rows}


@settings(max_examples=40, deadline=None)
@given(edges=graphs)
def test_both_ways_give_what_a_plain_search_gives(edges: list[Edge], one_engine: DuckDBEngine) -> None:
    wanted = expected(edges)
    assert components(one_engine, edges, "one node") == wanted
    assert components(one_engine, edges, "joins") == wanted


def chain(length: int) -> list[Edge]:
    """A chain whose names jump: 7919 is prime, so that neighbours are never next in order."""
    names = [f"n{number * 7919 % length:05d}" for number in range(length)]
    return list(pairwise(names))


SHAPES = {
    "a long chain": chain(3_000),
    "a chain in order": [(f"n{number:05d}", f"n{number + 1:05d}") for number in range(3_000)],
    "a star": [("n50000", f"n{number:05d}") for number in range(3_000)],
    "two stars tied by a chain": [
        *(("a", f"x{number}") for number in range(500)),
        *(("b", f"y{number}") for number in range(500)),
        *(("x1", "m1"), ("m1", "m2"), ("m2", "y1")),
    ],
    "loops and double edges": [("a", "a"), ("b", "c"), ("c", "b"), ("b", "c"), ("d", "d")],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", ["one node", "joins"])
def test_chains_and_stars_are_found_whole(shape: str, way: str, one_engine: DuckDBEngine) -> None:
    assert components(one_engine, SHAPES[shape], way) == expected(SHAPES[shape])
