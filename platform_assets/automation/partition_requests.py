"""Asks for runs over partitions of an asset: a range at a time, none twice, and none for ever.

What a partition would be computed from now is told by a digest. It is asked for at most `MOST_ASKS` times in a row with
the same digest, whatever became of the runs; nothing is remembered but the runs themselves. Which partitions are wanted
is decided by the sensors.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

ASKED_BY_TAG = "platform/asked_by"
"""Tag of a run that says which sensor asked for which asset."""
ASKED_FOR_TAG = "platform/asked_for"
"""Tag of a run that says, as JSON, which partitions were asked for and what each would be computed from."""

MOST_ASKS = 3
"""Once, and twice again after failures. The last time every partition is asked for by itself, so that one that can't be
computed doesn't hold back the others of its range."""

RECENT_RUNS = 200
"""So many runs of a sensor for an asset are looked through for what was asked for already."""

UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
PARTITION_TAG = "dagster/partition"
FIRST_TAG, LAST_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Asked:
    """Run requests, and a sentence for everything that is wanted and not asked for now."""

    requests: Sequence[dg.RunRequest]
    withheld: Sequence[str]


def ask_for(
    instance: dg.DagsterInstance, sensor: str, asset: dg.AssetKey, wanted: Mapping[str, str], among: Sequence[str]
) -> Asked:
    """Requests for the wanted partitions of an asset.

    `wanted` gives the digest of what a partition would be computed from; `among` are all partition keys in their
    order. Partitions that an unfinished run computes are left to it.
    """
    if not wanted:
        return Asked([], [])
    running = partitions_in_flight(instance, asset, among)
    runs = instance.get_runs(dg.RunsFilter(tags={ASKED_BY_TAG: _asked_by(sensor, asset)}), limit=RECENT_RUNS)
    asks = _asks_in_a_row([json.loads(run.tags[ASKED_FOR_TAG]) for run in runs], wanted)
    given_up = [key for key in wanted if asks[key] >= MOST_ASKS and key not in running]
    open_asks = {key: asks[key] for key in wanted if key not in running and key not in given_up}
    # A request is the same until its run is there, whatever tick makes it: Dagster runs a run key once.
    after = runs[0].run_id if runs else "none"
    requests = [
        _request(sensor, asset, {key: wanted[key] for key in keys}, after) for keys in _ranges(open_asks, among)
    ]
    name, withheld = asset.to_user_string(), []
    if waiting := sorted(running & wanted.keys()):
        withheld.append(f"{name} {_shown(waiting)}: a run is under way")
    if given_up:
        withheld.append(
            f"{name} {_shown(sorted(given_up))}: asked for {MOST_ASKS} times in vain and not again until the input "
            "changes; see why the runs failed, mend it and materialise it"
        )
    return Asked(requests, withheld)


def tick_result(context: dg.SensorEvaluationContext, asked: Sequence[Asked], idle: str) -> dg.SensorResult:
    """The answer of a sensor: all requests; what was withheld goes to the log, or is the reason if there is nothing."""
    requests = [request for each in asked for request in each.requests]
    withheld = [sentence for each in asked for sentence in each.withheld]
    if requests:
        for sentence in withheld:
            context.log.info(sentence)
        return dg.SensorResult(run_requests=requests)
    return dg.SensorResult(skip_reason=dg.SkipReason("; ".join(withheld) or idle))


def partitions_in_flight(instance: dg.DagsterInstance, asset: dg.AssetKey, among: Sequence[str]) -> set[str]:
    """The partitions of an asset that unfinished runs compute, whoever started them."""
    place = {key: number for number, key in enumerate(among)}
    running: set[str] = set()
    for run in instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED))):
        if run.asset_selection is not None and asset not in run.asset_selection:
            continue
        first = run.tags.get(FIRST_TAG) or run.tags.get(PARTITION_TAG)
        last = run.tags.get(LAST_TAG) or run.tags.get(PARTITION_TAG)
        if first in place and last in place:
            running.update(among[place[first] : place[last] + 1])
    return running


def _asks_in_a_row(asked_for: Sequence[Mapping[str, str]], wanted: Mapping[str, str]) -> Counter[str]:
    """How often each wanted partition was asked for, newest first, since its digest was another one."""
    asks: Counter[str] = Counter()
    settled: set[str] = set()
    for digests in asked_for:
        settled.update(key for key, digest in digests.items() if wanted.get(key) != digest)
        asks.update(digests.keys() - settled)
    return asks


def _asked_by(sensor: str, asset: dg.AssetKey) -> str:
    return f"{sensor} for {asset.to_user_string()}"


def _ranges(asks: Mapping[str, int], among: Sequence[str]) -> list[list[str]]:
    """Neighbours that were asked for equally often make a range; before the last time everyone stands alone."""
    ranges: list[list[str]] = []
    before = None
    for key in among:
        joins = before is not None and key in asks and asks[key] == asks.get(before) and asks[key] < MOST_ASKS - 1
        if joins:
            ranges[-1].append(key)
        elif key in asks:
            ranges.append([key])
        before = key
    return ranges


def _request(sensor: str, asset: dg.AssetKey, digests: Mapping[str, str], after: str) -> dg.RunRequest:
    keys, asked_for = list(digests), json.dumps(digests)
    span = {PARTITION_TAG: keys[0]} if len(keys) == 1 else {FIRST_TAG: keys[0], LAST_TAG: keys[-1]}
    inputs = hashlib.sha256(asked_for.encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=f"{asset.to_user_string()} {keys[0]} {keys[-1]} {inputs} after {after}",
        asset_selection=[asset],
        tags={**span, ASKED_BY_TAG: _asked_by(sensor, asset), ASKED_FOR_TAG: asked_for},
    )


def _shown(keys: Collection[str]) -> str:
    ordered = sorted(keys)
    return ", ".join(ordered) if len(ordered) <= 3 else f"{ordered[0]} … {ordered[-1]} ({len(ordered)} partitions)"
