"""The section `work`: runs, checks, freshness, sensors and schedules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from platform_assets.domain.status.line import Line, Mark, how_long, some

SECTION = "work"
DAEMON_LATE = timedelta(minutes=5)
"""A daemon tells every half minute that it lives."""


@dataclass(frozen=True)
class EndedRun:
    """A run that failed: what it was to make, when it ended, whether a later run made the same, what it died of."""

    run_id: str
    assets: str
    ended_at: datetime
    made_later: bool
    error: str = ""


@dataclass(frozen=True)
class Runs:
    """Runs that have not ended, those whose process is gone, and those that failed in the last 24 hours."""

    in_flight: Sequence[str] = ()
    queued: int = 0
    dead: Sequence[str] = ()
    failed: Sequence[EndedRun] = ()
    last_ended_at: datetime | None = None


@dataclass(frozen=True)
class CheckVerdict:
    """The latest verdict of a check: `succeeded`, `warning`, `failed`, `did not run` or `never run`."""

    asset: str
    check: str
    verdict: str
    said: str = ""


@dataclass(frozen=True)
class Freshness:
    """What the daemon last said of a table's freshness: PASS, WARN, FAIL or UNKNOWN."""

    asset: str
    state: str
    since: datetime | None = None


@dataclass(frozen=True)
class Ticker:
    """A sensor or schedule: its last tick, and the error of it where it failed."""

    name: str
    ticked_at: datetime | None = None
    error: str = ""
    is_stopped: bool = False


def run_lines(runs: Runs, now: datetime) -> list[Line]:
    """Runs that died, that failed and were not made up for, and that are under way."""
    open_failures = [run for run in runs.failed if not run.made_later]
    figures = {
        "in_flight": list(runs.in_flight),
        "queued": runs.queued,
        "dead": list(runs.dead),
        "failed_24h": [
            {"run_id": run.run_id, "assets": run.assets, "made_later": run.made_later, "error": run.error}
            for run in runs.failed
        ],
        "last_ended_at": runs.last_ended_at,
    }
    said = f"{len(runs.in_flight)} under way, {runs.queued} queued, {len(runs.failed)} failed in 24 hours"
    if runs.failed and not open_failures:
        said += " (all made up for)"
    if runs.last_ended_at:
        said += f"; the last ended {how_long(now - runs.last_ended_at)} ago"
    if runs.dead:
        said = f"{len(runs.dead)} died with their process: {some(runs.dead, 2)}; {said}"
        return [Line(SECTION, "runs", Mark.ACT, said, "`platform recover` closes them", figures)]
    if open_failures:
        last = max(open_failures, key=lambda run: (run.ended_at, run.run_id))
        what, _, step = last.error.partition(" What to do: ")
        said = f"{len(open_failures)} failed in 24 hours and nothing made up for it; the latest: {last.assets}"
        todo = f"{step or 'mend what it died of'}; run {last.run_id[:8]} in the UI (Runs) tells all"
        return [Line(SECTION, "runs", Mark.ACT, f"{said}: {what}" if what else said, todo, figures)]
    return [Line(SECTION, "runs", Mark.OK, said, figures=figures)]


def check_lines(checks: Sequence[CheckVerdict]) -> list[Line]:
    """One line on all checks, and what the gravest says."""
    by_verdict: dict[str, list[CheckVerdict]] = {}
    for check in checks:
        by_verdict.setdefault(check.verdict, []).append(check)
    failed = [check for verdict, each in by_verdict.items() if verdict not in FINE for check in each]
    warned = by_verdict.get("warning", [])
    figures = {verdict: [f"{check.asset}: {check.check}" for check in each] for verdict, each in by_verdict.items()}
    counts = ", ".join(f"{len(each)} {verdict}" for verdict, each in sorted(by_verdict.items()))
    if failed or warned:
        first = (failed or warned)[0]
        said = f"{counts}: {some([f'{each.asset} {each.check}' for each in failed or warned], 2)}. {first.said}"
        mark = Mark.ACT if failed else Mark.WATCH
        return [Line(SECTION, "checks", mark, said.strip(), "`platform checks` lists what each says", figures)]
    return [Line(SECTION, "checks", Mark.OK, counts or "none are declared", figures=figures)]


FINE = frozenset({"succeeded", "never run", "warning"})
"""Verdicts that are no failure."""


def freshness_lines(freshness: Sequence[Freshness]) -> list[Line]:
    """Tables that are later than they promise; nothing is said where no table promises anything."""
    if not freshness:
        return []
    late = [each for each in freshness if each.state == "FAIL"]
    near = [each for each in freshness if each.state == "WARN"]
    unknown = [each for each in freshness if each.state == "UNKNOWN"]
    figures = {"late": [each.asset for each in late], "soon": [each.asset for each in near], "unknown": len(unknown)}
    if late:
        said = f"{len(late)} of {len(freshness)} tables are later than promised: {some(each.asset for each in late)}"
        return [Line(SECTION, "freshness", Mark.ACT, said, _WHY_LATE, figures)]
    if near:
        said = f"{some(each.asset for each in near)} will soon be late"
        return [Line(SECTION, "freshness", Mark.WATCH, said, _WHY_LATE, figures)]
    if unknown:
        said = f"of {len(unknown)} of {len(freshness)} tables nobody has said yet whether they are fresh"
        return [Line(SECTION, "freshness", Mark.WATCH, said, "the daemon tells; start it: `make dev`", figures)]
    return [
        Line(SECTION, "freshness", Mark.OK, f"all {len(freshness)} tables are as fresh as promised", figures=figures)
    ]


def ticker_lines(tickers: Sequence[Ticker], heartbeat: datetime | None, now: datetime, *, expected: bool) -> list[Line]:
    """Whether the daemon lives and what its sensors and schedules said; `expected`: it is meant to run."""
    failing = [each for each in tickers if each.error]
    ticked = [each.ticked_at for each in tickers if each.ticked_at]
    figures = {
        "heartbeat_at": heartbeat,
        "failing": {each.name: each.error for each in failing},
        "stopped": [each.name for each in tickers if each.is_stopped],
        "ticked_at": {each.name: each.ticked_at for each in tickers},
    }
    last = f"; last tick {how_long(now - max(ticked))} ago" if ticked else ""
    if heartbeat is None or now - heartbeat > DAEMON_LATE:
        seen = "never ran" if heartbeat is None else f"was last seen {how_long(now - heartbeat)} ago"
        said = f"the daemon {seen}: nothing happens by itself{last}"
        return [
            Line(SECTION, "automation", Mark.ACT if expected else Mark.WATCH, said, "`make dev` starts it", figures)
        ]
    if failing:
        said = f"{some(each.name for each in failing)} failed: {failing[0].error}{last}"
        return [Line(SECTION, "automation", Mark.ACT, said, "see the ticks in the UI (Automation), mend it", figures)]
    if stopped := [each.name for each in tickers if each.is_stopped]:
        said = f"{some(stopped)} stopped by hand{last}"
        return [Line(SECTION, "automation", Mark.WATCH, said, "start it again in the UI (Automation)", figures)]
    said = f"the daemon lives, {len(tickers)} sensors and schedules are well{last}"
    return [Line(SECTION, "automation", Mark.OK, said, figures=figures)]


_WHY_LATE = "look at its last run in the UI; what holds it up stands in data and runs above"
