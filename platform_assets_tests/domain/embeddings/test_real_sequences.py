"""Real data: what is of one cluster stands together on later days more often than by chance."""

from pathlib import Path

import pytest

from benchmarks.real_sequences import retail_items, webtrackr_visits


def test_domains_of_one_cluster_are_visited_together_on_later_days(shared_data: Path) -> None:
    judged = webtrackr_visits(shared_data)
    assert (judged["tokens"], judged["sequences"]) == (215, 397)
    assert judged["lift"] > 1.2


@pytest.mark.long
def test_items_of_one_cluster_are_bought_together_on_later_days(shared_data: Path) -> None:
    judged = retail_items(shared_data)
    assert (judged["tokens"], judged["stand_apart"]) == (2_458, False)
    assert judged["lift"] > 1.4
