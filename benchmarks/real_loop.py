"""The closed loop on real data: a bank's calls over two years, a week of clicks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bank_picture import life_picture
from benchmarks.bank_policies import ENGINE, NEVER, SENSITIVITY, figures, noticed, replays
from benchmarks.click_loop import LEARNED, RANDOM, better_than, click_loop, pooled
from benchmarks.report import Section

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def bank(shared_data: Path | None) -> Section:
    """AUC by month of a bank's model under policies of training again, and what each did."""
    found = replays(_needed(shared_data))
    PICTURES.mkdir(exist_ok=True)
    main = {name: each for name, each in found.items() if name not in SENSITIVITY}
    (PICTURES / "bank_policies.png").write_bytes(life_picture(main))
    told = {name: figures(each, found[NEVER]) for name, each in found.items()}
    return bank_section(told, noticed(found[ENGINE]))


def bank_section(told: Mapping[str, Any], seen: Mapping[str, Any]) -> Section:
    """The figures of all policies as a table; sums are told only of policies that scored all calls."""
    months = list(told[NEVER]["months"])
    rows = [(month, *(_interval(each["months"].get(month)) for each in told.values())) for month in months]
    totals: Sequence[tuple[str, str, str]] = (
        ("mean of the months", "mean_auc", "{:.3f}"),
        ("log loss of all calls", "log_loss", "{:.3f}"),
        ("trained", "trainings", "{}"),
        ("of these used", "used", "{}"),
        ("not enough to train on", "untrainable", "{}"),
    )
    whole = {name: each for name, each in told.items() if len(each["months"]) == len(months)}
    rows += [
        (name, *(form.format(each[key]) if which in whole or form == "{}" else "–" for which, each in told.items()))
        for name, key, form in totals
    ]
    rows += [
        (f"months shown to be {how} than never", *(str(len(each[f"{how}_months"])) for each in told.values()))
        for how in ("better", "worse")
    ]
    return Section(
        title="A bank's model under policies of training again",
        command="SHARED_DATA=… python -m benchmarks bank_loop",
        method=(
            "UCI Bank Marketing, 39,130 calls of 2008 and 2009 without `duration`, day by day through the platform's "
            "training, gate, scores, validation, drift and retrain decisions as pure functions; first training at the "
            "end of July 2008; a call is scored by the model of its day; AUC by month with 95 % intervals, months "
            "with 30 of each outcome. Slow: 180 days, 28 held out, 28 waited. No drift: only age and metric trigger. "
            "By log loss: searched, judged and watched by it. Engine, slow had no champion before September 2009."
        ),
        header=("month", *told),
        rows=rows,
        notes=_notes(told, seen),
        figures={"policies": told, "noticed": seen},
    )


def _notes(told: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    shares = sorted(seen["drifted_share"].items(), key=lambda item: -item[1])
    often = [f"{name} {share:.0%}" for name, share in shares if share >= 0.1]
    refused = ", ".join(f"{rule} {count}" for rule, count in told[ENGINE]["refused_for"].items())
    return [
        f"{told[ENGINE]['trainings'] - told[ENGINE]['used']} of the engine's models were refused, "
        f"for one rule or several: {refused}.",
        f"Half of the {seen['days']} days have at most {seen['median_rows']:.0f} calls. The interval of a day's AUC is "
        f"{seen['median_width']:.2f} wide (median), at most 0.1 on {seen['narrow_days']} days; {seen['violated_days']} "
        f"days were violated. Columns had drifted on {seen['drift_days']} days.",
        f"Share of days on which a column had drifted against the champion's training: {', '.join(often)}.",
    ]


def clicks(shared_data: Path | None) -> Section:
    """A click model validated by day, beside position and propensity alone, and the leak that a day gives away."""
    loop, leaky = (click_loop(_needed(shared_data), affinities=each) for each in (False, True))
    names = {RANDOM: "random policy, later days", LEARNED: "learned policy"}
    told = {
        policy: {score: pooled(loop, policy, score) for score in ("score", "position", "propensity")}
        for policy in names
    }
    better = {
        policy: {rival: better_than(loop, policy, rival) for rival in ("position", "propensity")} for policy in names
    }
    rows = []
    for policy, name in names.items():
        rows += [
            (f"{name}, {score if score != 'score' else 'the model'}", *_click_figures(each))
            for score, each in told[policy].items()
        ]
        for day in loop.report(policy).to_dict("records"):
            three = {key: [day[f"{key}{end}"] for end in ("", "_low", "_high")] for key in CLICK_METRICS}
            rows.append((f"· {day['event_date']}", *_click_figures({**day, "clicks": day["positives"], **three})))
    first = leaky.report(LEARNED).to_dict("records")[0]
    return Section(
        title="A click model validated by day",
        command="SHARED_DATA=… python -m benchmarks click_loop",
        method=(
            "Open Bandit Dataset, small version: 10,000 impressions each of a random and a learned policy, 24 to 30 "
            f"November 2019. Learnt from the random policy's first four days ({loop.learnt_clicks} clicks), scored and "
            "validated on its last two and on the learned policy's. Position alone: the click rate of each place; "
            "propensity alone: the chance by which the policy showed the item, which says nothing of the level."
        ),
        header=("days", "impressions", "clicks", "AUC", "log loss", "calibration error"),
        rows=rows,
        notes=[
            f"The gate: {loop.verdict.reason}.",
            *(
                f"{name}: the model's AUC minus that of position alone {_interval(better[policy]['position']['auc'])}, "
                f"of propensity alone {_interval(better[policy]['propensity']['auc'])}; lift by tenth, best first: "
                + " ".join(f"{lift:.1f}" for lift in told[policy]["score"]["lift_by_decile"])
                for policy, name in names.items()
            ),
            "An AUC of 0.5 has an interval of about ± 0.57 / √clicks: 0.22 for 7 clicks in a day, 0.07 for the 69 of "
            "a week; ± 0.02 takes 800 clicks, some 120,000 impressions. Violated days: "
            + ", ".join(f"{loop.violated_days(policy)} ({name})" for policy, name in names.items())
            + ".",
            f"With the file's affinities as features, the first day has an AUC of {first['auc']:.3f} "
            f"[{first['auc_low']:.3f}, {first['auc_high']:.3f}] and no other day does: every click of that day has "
            "an affinity, 7 % of the other impressions do. They seem to count the click itself, and were left out.",
        ],
        figures={"pooled": told, "differences": better},
    )


CLICK_METRICS = ("auc", "log_loss", "calibration_error")


def _click_figures(told: Mapping[str, Any]) -> tuple[str, ...]:
    level = _interval(told["calibration_error"], digits=4)
    return (
        f"{told['rows']:,}",
        str(told["clicks"]),
        _interval(told["auc"]),
        _interval(told["log_loss"], digits=4),
        level,
    )


def _interval(estimate: Sequence[float] | None, digits: int = 3) -> str:
    if estimate is None:
        return "–"
    value, low, high = (f"{each:.{digits}f}" for each in estimate)
    return f"{value} [{low}, {high}]"


def _needed(shared_data: Path | None) -> Path:
    if shared_data is None:
        raise SystemExit("the environment variable SHARED_DATA must name the folder of real data sets")
    return shared_data
