"""Connected components of a graph of texts: which nodes hang together.

Two ways with equal results: on one node by scipy, and by joins alone where the graph lies with a distributed engine.
A component is named for the smallest of its nodes.
"""

from collections.abc import Callable

import ibis

from platform_assets.domain.identity.iterating_engine import IteratingEngine

Connect = Callable[[ibis.Table], ibis.Table]
"""From edges (`left`, `right`) to one row a node: `node`, `component`. An edge of a node to itself is allowed."""


def components_on_one_node(edges: ibis.Table) -> ibis.Table:
    """Components by scipy's graph search; the edges are collected into this process."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = edges.select("left", "right").to_pyarrow()
    ends = pa.chunked_array([*found["left"].chunks, *found["right"].chunks], pa.string())
    encoded = ends.combine_chunks().dictionary_encode()
    nodes, codes = encoded.dictionary, encoded.indices.to_numpy()
    left, right = codes[: len(found)], codes[len(found) :]
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(nodes), len(nodes)))
    count, component = connected_components(graph, directed=False)
    # Nodes by name: the first of a component in this order is its smallest.
    by_name = pc.array_sort_indices(nodes).to_numpy()
    smallest = np.empty(count, dtype=np.int64)
    smallest[component[by_name][::-1]] = by_name[::-1]
    return ibis.memtable(pa.table({"node": nodes, "component": nodes.take(pa.array(smallest[component]))}))


def components_in_the_engine(edges: ibis.Table, engine: IteratingEngine) -> ibis.Table:
    """Components by alternating large and small stars (Kiveris et al., Connected Components in MapReduce and Beyond,
    SoCC 2014): every round is two groupings and joins in the engine, and the rounds grow with the logarithm of the
    longest chain. Nothing is collected but one flag a round.
    """
    edges = engine.computed(edges.select("left", "right"))
    links = engine.computed(_downwards(edges.filter(edges.left != edges.right)))
    any_links = ibis.table(links.schema(), name="links")
    next_round, untidy = engine.prepared(_small_star(_large_star(any_links))), engine.prepared(_untidy(any_links))
    while untidy(links=links).count().to_pyarrow().as_py():
        links = next_round(links=links)
    nodes = ibis.union(edges.select(node="left"), edges.select(node="right"), distinct=True)
    named = nodes.left_join(links, nodes.node == links.larger)
    return named.select("node", component=named.smaller.coalesce(named.node))


def _downwards(edges: ibis.Table) -> ibis.Table:
    """Every edge once, from the larger to the smaller of its ends."""
    return edges.select(
        larger=ibis.greatest(edges.left, edges.right), smaller=ibis.least(edges.left, edges.right)
    ).distinct()


def _large_star(links: ibis.Table) -> ibis.Table:
    """Every larger neighbour of a node is tied to the smallest of the node and its neighbours."""
    neighbours = ibis.union(
        links.select(node="larger", neighbour="smaller"), links.select(node="smaller", neighbour="larger")
    )
    smallest = neighbours.group_by("node").aggregate(least=ibis.least(ibis._.node.min(), ibis._.neighbour.min()))
    larger = neighbours.filter(neighbours.neighbour > neighbours.node).join(smallest, "node")
    return larger.select(larger="neighbour", smaller="least").distinct()


def _small_star(links: ibis.Table) -> ibis.Table:
    """A node and its smaller neighbours are tied to the smallest of them."""
    smallest = links.group_by("larger").aggregate(least=links.smaller.min())
    others = links.join(smallest, "larger").filter(ibis._.smaller != ibis._.least)
    return ibis.union(
        smallest.select(larger="larger", smaller="least"), others.select(larger="smaller", smaller="least")
    ).distinct()


def _untidy(links: ibis.Table) -> ibis.Table:
    """A node that is tied to two others, or to one that is tied on: there is none when every component is a star."""
    tied_twice = links.group_by("larger").aggregate(ties=links.count()).filter(ibis._.ties > 1).select("larger")
    tied_on = links.semi_join(links.select(smaller="larger"), "smaller").select("larger")
    return ibis.union(tied_twice, tied_on).limit(1)
