"""Runs are asked for by range, once for one input, at most three times after failures, and never beside one another."""

from collections.abc import Iterator, Mapping

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from platform_assets.automation.partition_requests import ask_for
from platform_assets_tests.automation.self_running import asked

EVENTS = dg.AssetKey("events")
KEYS = [f"2026-01-{day:02}" for day in range(1, 11)]
FAILED, STARTED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def days(*numbers: int, digest: str = "x") -> dict[str, str]:
    return {KEYS[number - 1]: digest for number in numbers}


def asks(
    instance: dg.DagsterInstance, wanted: Mapping[str, str], status: dg.DagsterRunStatus | None = None
) -> list[str]:
    """What is asked for, as `events 2026-01-01...2026-01-03`; with a status, these runs are started and get it."""
    requests = ask_for(instance, "watch", EVENTS, wanted, KEYS).requests
    for request in requests if status else ():
        create_run_for_test(instance, tags=dict(request.tags), asset_selection=frozenset({EVENTS}), status=status)
    return [asked(request).removeprefix("events 2026-01-") for request in requests]


def test_neighbouring_days_are_one_range(instance: dg.DagsterInstance) -> None:
    assert asks(instance, days(1, 2, 3, 5, 7, 8)) == ["01...2026-01-03", "05", "07...2026-01-08"]


def test_a_failed_range_is_asked_for_again_then_day_by_day_then_never(instance: dg.DagsterInstance) -> None:
    found = [asks(instance, days(1, 2), FAILED) for _ in range(4)]
    assert found == [["01...2026-01-02"], ["01...2026-01-02"], ["01", "02"], []]
    (sentence,) = ask_for(instance, "watch", EVENTS, days(1, 2), KEYS).withheld
    assert sentence.startswith("events 2026-01-01, 2026-01-02: asked for 3 times in vain")


def test_other_input_is_asked_for_anew(instance: dg.DagsterInstance) -> None:
    for _ in range(3):
        asks(instance, days(1, 2), FAILED)
    assert asks(instance, days(1) | days(2, digest="y")) == ["02"]


def test_input_that_comes_back_is_asked_for_as_if_it_were_new(instance: dg.DagsterInstance) -> None:
    for digest in "xyxyxyxy":
        assert asks(instance, days(1, digest=digest), FAILED) == ["01"]
    assert asks(instance, days(1, digest="y")) == ["01"]


def test_new_days_do_not_wait_for_their_failed_neighbour(instance: dg.DagsterInstance) -> None:
    asks(instance, days(1), FAILED)
    assert asks(instance, days(1, 2)) == ["01", "02"]


def test_a_request_has_one_run_key_until_its_run_is_there_and_another_one_afterwards(
    instance: dg.DagsterInstance,
) -> None:
    run_keys = []
    for wanted in (days(1), days(1), days(1, digest="y"), days(1)):
        first, again = (ask_for(instance, "watch", EVENTS, wanted, KEYS).requests[0].run_key for _ in range(2))
        assert first == again
        run_keys.append(first)
        asks(instance, wanted, FAILED)
    assert len(set(run_keys)) == 4


@pytest.mark.parametrize("selection", [frozenset({EVENTS}), frozenset({EVENTS, dg.AssetKey("raw")}), None])
def test_days_that_a_run_is_computing_are_left_to_it(
    selection: frozenset[dg.AssetKey] | None, instance: dg.DagsterInstance
) -> None:
    span = {"dagster/asset_partition_range_start": KEYS[1], "dagster/asset_partition_range_end": KEYS[2]}
    create_run_for_test(instance, tags=span, asset_selection=selection, status=STARTED)
    create_run_for_test(instance, tags={"dagster/partition": KEYS[4]}, asset_selection=selection, status=STARTED)
    assert asks(instance, days(1, 2, 3, 4, 5)) == ["01", "04"]
    assert ask_for(instance, "watch", EVENTS, days(2, 5), KEYS).withheld == [
        "events 2026-01-02, 2026-01-05: a run is under way"
    ]


def test_runs_of_other_assets_are_no_reason_to_wait(instance: dg.DagsterInstance) -> None:
    other = frozenset({dg.AssetKey("raw")})
    create_run_for_test(instance, tags={"dagster/partition": KEYS[0]}, asset_selection=other, status=STARTED)
    assert asks(instance, days(1)) == ["01"]
