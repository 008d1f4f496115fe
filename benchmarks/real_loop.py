"""The closed loop on real data: a bank's calls over two years."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bank_picture import life_picture
from benchmarks.bank_policies import ENGINE, NEVER, SENSITIVITY, figures, noticed, replays
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


def _interval(estimate: Sequence[float] | None) -> str:
    return "–" if estimate is None else f"{estimate[0]:.3f} [{estimate[1]:.3f}, {estimate[2]:.3f}]"


def _needed(shared_data: Path | None) -> Path:
    if shared_data is None:
        raise SystemExit("the environment variable SHARED_DATA must name the folder of real data sets")
    return shared_data
