"""What each section of the status says of facts: what is well, what to watch, what needs a person."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from platform_assets.domain.alerts.deliveries import OutboxHealth
from platform_assets.domain.status.alerts import alert_lines
from platform_assets.domain.status.data import DailyTable, Data, Quarantined, data_lines
from platform_assets.domain.status.line import Line, Mark, is_healthy, unreadable
from platform_assets.domain.status.models import (
    GIVEN_UP,
    Model,
    Registered,
    Scored,
    achieved,
    model_lines,
    registry_lines,
)
from platform_assets.domain.status.places import Places, SinceThen, cost_lines, place_lines
from platform_assets.domain.status.work import (
    CheckVerdict,
    EndedRun,
    Freshness,
    Runs,
    Ticker,
    check_lines,
    freshness_lines,
    run_lines,
    ticker_lines,
)
from platform_assets_tests.model_worlds import small_spec

NOW = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)
DAY = date(2026, 3, 19)


def days(*numbers: int) -> frozenset[date]:
    return frozenset(date(2026, 3, number) for number in numbers)


FULL = frozenset(date(2026, 3, number) for number in range(1, 20))
WELL = Data(
    raws=[DailyTable("raw_shop", FULL)],
    events=DailyTable("events", FULL),
    products=[DailyTable("user_features", FULL)],
    quarantined=[Quarantined("events", 1000, 10)],
    calendar_end=DAY,
)


def marks(lines: list[Line]) -> dict[str, Mark]:
    return {line.subject: line.mark for line in lines}


def test_what_cannot_be_read_is_never_healthy() -> None:
    well = Line("data", "events", Mark.WATCH, "fine")
    assert is_healthy([well])
    assert not is_healthy([well, unreadable("data", OSError("gone"))])
    assert not is_healthy([well, Line("data", "events", Mark.ACT, "late")])


def test_every_line_is_json() -> None:
    line = Line("data", "x", Mark.OK, "said", figures={"day": DAY, "each": {DAY: [NOW]}, "none": None})
    assert json.loads(json.dumps(line.as_json()))["figures"]["each"] == {"2026-03-19": [NOW.isoformat()]}


def test_complete_data_is_well() -> None:
    assert set(marks(data_lines(WELL)).values()) == {Mark.OK}


@pytest.mark.parametrize(
    ("data", "subject", "mark", "says"),
    [
        (replace(WELL, calendar_end=date(2026, 3, 20)), "landed", Mark.OK, "2026-03-19"),
        (replace(WELL, calendar_end=date(2026, 3, 21)), "landed", Mark.ACT, "2 days behind"),
        (replace(WELL, calendar_end=None), "landed", Mark.OK, "simulated world ends"),
        (replace(WELL, raws=[DailyTable("raw_shop", FULL - days(5))]), "landed", Mark.ACT, "2026-03-05"),
        (replace(WELL, events=DailyTable("events", FULL - days(7))), "events", Mark.ACT, "2026-03-07"),
        (replace(WELL, events=DailyTable("events", FULL - days(18, 19))), "events", Mark.ACT, "2 days behind"),
        (replace(WELL, reopened=[date(2026, 3, 3)]), "events", Mark.WATCH, "2026-03-03"),
        (replace(WELL, quarantined=[Quarantined("events", 100, 2)]), "quarantine", Mark.WATCH, "events 2.0%"),
        (
            replace(WELL, products=[DailyTable("user_features", FULL - days(19))]),
            "products",
            Mark.WATCH,
            "user_features ends 2026-03-18",
        ),
        (
            replace(WELL, products=[DailyTable("user_features", FULL - days(2))]),
            "products",
            Mark.WATCH,
            "user_features lacks 2026-03-02",
        ),
    ],
)
def test_data_that_is_late_missing_or_quarantined_is_told(data: Data, subject: str, mark: Mark, says: str) -> None:
    (line,) = [line for line in data_lines(data) if line.subject == subject]
    assert line.mark is mark
    assert says in line.says
    assert bool(line.todo) == (mark is not Mark.OK)


def test_an_empty_lake_says_where_to_begin() -> None:
    (line,) = data_lines(replace(WELL, raws=[DailyTable("raw_shop", frozenset())]))
    assert line.mark is Mark.ACT and "platform demo" in line.todo


SPEC = small_spec()


def validated(day: int, auc: float, version: int = 2, **more: Any) -> dict[str, Any]:
    figures = {"auc": auc, "auc_low": auc - 0.02, "auc_high": auc + 0.02, "rows": 100, "positives": 9}
    return {"event_date": date(2026, 3, day), "model_version": version, "in_sample": False, **figures, **more}


SERVING = Model(
    SPEC,
    champion=Registered(2, date(2026, 3, 1), {"holdout_auc": 0.8, "holdout_auc_low": 0.78, "holdout_auc_high": 0.82}),
    challenger=Registered(3, date(2026, 3, 10)),
    scored=Scored(DAY, 120, 18),
    validated=[validated(day, 0.8) for day in range(5, 10)],
    until=DAY,
)


def test_a_champion_tells_its_age_and_what_it_reached_then_and_now() -> None:
    champion, scores = model_lines(SERVING)
    assert champion.mark is scores.mark is Mark.OK
    assert "version 2, 18 days old; auc 0.800 [0.780, 0.820] held out" in champion.says
    assert "0.800 [0.780, 0.820] on 2026-03-09" in champion.says
    assert scores.says == "120 on 2026-03-19; 18 days, none missing"


def test_a_champion_that_got_worse_is_watched_and_other_versions_and_seen_days_do_not_count() -> None:
    worse = [validated(8, 0.6), validated(9, 0.6)]
    (line, _) = model_lines(replace(SERVING, validated=[validated(7, 0.8), *worse]))
    assert line.mark is Mark.WATCH and "worse on 2 of 3 days" in line.says
    seen = [validated(day, 0.6, in_sample=True) for day in (8, 9)]
    others = [*seen, *(validated(day, 0.6, version=1) for day in (8, 9))]
    assert model_lines(replace(SERVING, validated=[validated(7, 0.8), *others]))[0].mark is Mark.OK


@pytest.mark.parametrize(
    ("change", "subject", "mark", "says"),
    [
        ({"champion": None}, "conversion", Mark.WATCH, "version 3 of 2026-03-10 waits"),
        ({"scored": None}, "scores", Mark.ACT, "no day was ever scored"),
        ({"scored": Scored(date(2026, 3, 17), 120, 16)}, "scores", Mark.ACT, "2 days behind"),
        ({"scored": Scored(DAY, 120, 16, [date(2026, 3, 9)])}, "scores", Mark.ACT, "2026-03-09"),
        ({"until": date(2026, 5, 19)}, "conversion", Mark.WATCH, "older than 60"),
        ({"champion": None, "registry_error": "down"}, "conversion", Mark.UNKNOWN, "not known"),
        ({"champion": None, "challenger": None, "scored": None}, "conversion", Mark.WATCH, "never trained"),
    ],
)
def test_what_is_wrong_with_a_model_is_told(change: dict[str, Any], subject: str, mark: Mark, says: str) -> None:
    lines = {line.subject: line for line in model_lines(replace(SERVING, **change))}
    assert lines[subject].mark is mark
    assert says in lines[subject].says


def test_a_registry_that_is_away_is_said_once_and_the_rest_is_there() -> None:
    away = replace(SERVING, champion=None, challenger=None, registry_error="no answer")
    (line,) = registry_lines(away.registry_error)
    assert line.mark is Mark.UNKNOWN and "no answer" in line.says
    assert marks(model_lines(away)) == {"conversion": Mark.UNKNOWN, "scores": Mark.OK}
    assert registry_lines("") == []


@pytest.mark.parametrize(("objections", "mark"), [("not_better", Mark.OK), ("not_better, digest", Mark.ACT)])
def test_a_refusal_is_routine_unless_the_version_can_not_be_trusted(objections: str, mark: Mark) -> None:
    row = {"version": 3, "decision": "refused", "reason": "refused: it is so", "decided_at": NOW}
    lines = model_lines(replace(SERVING, promotion={**row, "objections": objections}))
    (line,) = [line for line in lines if line.subject == "gate"]
    assert (line.mark, line.says) == (mark, "version 3 refused on 2026-03-20: it is so")


def test_decisions_to_retrain_and_drift_are_told() -> None:
    decision = {"decision_date": DAY, "retrain": False, "reason": "waits until 2026-03-25", "model_name": "conversion"}
    moved = [
        {"event_date": DAY, "kind": "feature", "subject": name, "psi": psi, "drifted": psi > 0.2}
        for name, psi in (("visits", 0.1), ("carts", 0.4))
    ]
    found = {line.subject: line for line in model_lines(replace(SERVING, decision=decision, drift=moved))}
    assert found["retrain"].says == "no on 2026-03-19: waits until 2026-03-25"
    assert found["drift"].mark is Mark.WATCH
    assert found["drift"].says == "1 of 2 columns moved on 2026-03-19: carts (PSI 0.40)"


@pytest.mark.parametrize(
    ("row", "mark"),
    [
        ({"retrain": True, "training_date": DAY, "reason": "yes: the metric fell"}, Mark.WATCH),
        ({"retrain": False, "training_date": DAY, "reason": "no: the training as of x is not finished"}, Mark.WATCH),
        ({"retrain": False, "training_date": None, "reason": f"no: {GIVEN_UP} 3 failed runs"}, Mark.ACT),
        ({"retrain": False, "training_date": None, "reason": "no: nothing calls for it"}, Mark.OK),
    ],
)
def test_a_training_that_is_decided_and_not_done_is_watched_and_one_given_up_needs_a_person(
    row: dict[str, Any], mark: Mark
) -> None:
    lines = model_lines(replace(SERVING, decision={"decision_date": DAY, **row}))
    (line,) = [line for line in lines if line.subject == "retrain"]
    assert line.mark is mark
    assert not line.says.split(": ", 1)[1].startswith(("yes", "no: "))


def test_what_versions_achieved_is_weighed_by_rows() -> None:
    rows = [validated(1, 0.6, version=1), validated(2, 0.8, version=1, rows=300), validated(3, 0.9, in_sample=True)]
    (version,) = achieved(replace(SERVING, validated=rows))
    assert (version["version"], version["days"], version["rows"]) == (1, 2, 400)
    assert version["mean"] == pytest.approx(0.75)


def failed_run(made_later: bool) -> EndedRun:
    return EndedRun("0123456789", "events", NOW - timedelta(hours=1), made_later)


@pytest.mark.parametrize(
    ("runs", "mark"),
    [
        (Runs(in_flight=["events"], queued=2), Mark.OK),
        (Runs(failed=[failed_run(True)]), Mark.OK),
        (Runs(failed=[failed_run(True), failed_run(False)]), Mark.ACT),
        (Runs(dead=["events"]), Mark.ACT),
    ],
)
def test_runs_that_died_or_were_not_made_up_for_need_a_person(runs: Runs, mark: Mark) -> None:
    (line,) = run_lines(runs, NOW)
    assert line.mark is mark


@pytest.mark.parametrize(
    ("verdicts", "mark"),
    [
        (["succeeded", "never run"], Mark.OK),
        (["succeeded", "warning"], Mark.WATCH),
        (["warning", "failed"], Mark.ACT),
        (["did not run"], Mark.ACT),
    ],
)
def test_checks_are_as_grave_as_the_gravest(verdicts: list[str], mark: Mark) -> None:
    (line,) = check_lines([CheckVerdict("events", f"check_{verdict}", verdict) for verdict in verdicts])
    assert line.mark is mark


@pytest.mark.parametrize(
    ("states", "mark"),
    [(["PASS"], Mark.OK), (["PASS", "UNKNOWN"], Mark.WATCH), (["WARN"], Mark.WATCH), (["FAIL", "WARN"], Mark.ACT)],
)
def test_tables_later_than_promised_need_a_person(states: list[str], mark: Mark) -> None:
    (line,) = freshness_lines([Freshness(f"t{number}", state) for number, state in enumerate(states)])
    assert line.mark is mark


@pytest.mark.parametrize(
    ("ticker", "beat", "expected", "mark"),
    [
        (Ticker("late_events", NOW), NOW, True, Mark.OK),
        (Ticker("late_events", NOW), NOW - timedelta(hours=1), True, Mark.ACT),
        (Ticker("late_events", NOW), None, False, Mark.WATCH),
        (Ticker("late_events", NOW, error="boom"), NOW, True, Mark.ACT),
        (Ticker("late_events", NOW, is_stopped=True), NOW, True, Mark.WATCH),
    ],
)
def test_a_daemon_that_is_gone_and_sensors_that_fail_are_told(
    ticker: Ticker, beat: datetime | None, expected: bool, mark: Mark
) -> None:
    (line,) = ticker_lines([ticker], beat, NOW, expected=expected)
    assert line.mark is mark


@pytest.mark.parametrize(
    ("health", "mark"),
    [
        (None, Mark.OK),
        (OutboxHealth(pending=1, dead=0, oldest=datetime(2026, 3, 20, 2, 55), unaddressed=0), Mark.OK),
        (OutboxHealth(pending=1, dead=0, oldest=datetime(2026, 3, 20, 1, 0), unaddressed=0), Mark.ACT),
        (OutboxHealth(pending=0, dead=1, oldest=None, unaddressed=0), Mark.ACT),
        (OutboxHealth(pending=0, dead=0, oldest=None, unaddressed=3), Mark.WATCH),
    ],
)
def test_alerts_that_do_not_arrive_need_a_person(health: OutboxHealth | None, mark: Mark) -> None:
    (line,) = alert_lines(health, NOW)
    assert line.mark is mark


@pytest.mark.parametrize(("free", "mark"), [(50e9, Mark.OK), (8e9, Mark.WATCH), (0.5e9, Mark.ACT)])
def test_a_disk_that_fills_up_is_told_before_it_is_full(free: float, mark: Mark) -> None:
    (line,) = place_lines(Places("/home", int(100e9), int(free), "/home/lake", 1, 1))
    assert line.mark is mark


def test_costs_are_told_by_model_with_what_is_shared_last() -> None:
    rows = [{"model": name, "seconds": 3600.0 * hours, "cost": 2.0 * hours} for name, hours in COSTS]
    (line,) = cost_lines(rows, None, 30, cost_per_hour=2.0)
    assert line.says == "12.00 (6.0 h) in the last 30 days: b 4.00 (2.0 h), a 2.00 (1.0 h), shared 6.00 (3.0 h)"
    (line,) = cost_lines(rows[:1], SinceThen(DAY, 3, 12.0), 30, cost_per_hour=0.0)
    assert line.says == (
        "1.0 h in the last 30 days: a 1.0 h; 12 s in 3 runs since 2026-03-19, booked by model in the night"
    )


COSTS = (("a", 1), ("shared", 3), ("b", 2))
