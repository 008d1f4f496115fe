"""The closed loop over 120 simulated days, drift planted on day 60, and over a world where nothing changes.

`make loop` runs it and draws docs/pictures/closed_loop.png. What must hold is tested in its short form by
`platform_assets_tests/test_closed_loop.py`.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from benchmarks.closed_loop_leg import BAD_DAY, DAYS, DRIFT_DAY, EVENTS, FIRST_TRAINED, HISTORY
from benchmarks.closed_loop_picture import picture
from benchmarks.fresh_process import run
from benchmarks.report import Section
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets_tests.closed_loop import Story

PICTURE = Path("docs/pictures/closed_loop.png")
HORIZON_DAYS = CONVERSION.label.horizon_days


def measure(scratch: Path) -> Section:
    """Live through both worlds side by side."""
    folders = {kind: scratch / "closed_loop" / kind for kind in ("drift", "quiet")}
    legs = [["-m", "benchmarks.closed_loop_leg", str(folder), kind] for kind, folder in folders.items()]
    with ThreadPoolExecutor(len(legs)) as both:
        list(both.map(run, legs))
    told = {kind: json.loads((folder / "told.json").read_text(encoding="utf-8")) for kind, folder in folders.items()}
    story, quiet = (_story(folder) for folder in folders.values())
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(picture(story, told["drift"]["bad_version"]))
    return _section(story, quiet, told)


def _story(folder: Path) -> Story:
    return Story(*(pd.read_parquet(folder / f"{name}.parquet") for name in ("validation", "decisions", "promotions")))


def _section(story: Story, quiet: Story, told: dict[str, dict]) -> Section:
    noticed = int(story.decisions["noticed"].dropna().loc[lambda days: days >= DRIFT_DAY].iloc[0])
    after = [day for day in story.trainings if day >= noticed]
    learned = [day for day in story.promoted if day >= noticed]
    auc = story.validation.set_index("day")["auc"]
    (verdict,) = story.promotions[story.promotions["version"] == told["drift"]["bad_version"]].to_dict("records")
    quiet_days = quiet.decisions["day"] > FIRST_TRAINED
    needless = [day for day in quiet.trainings if day > FIRST_TRAINED]
    rows = [
        (
            "noticed",
            f"day {noticed}; the labels allow day {_allowed(story)}",
            f"within a day; drift on day {DRIFT_DAY}",
        ),
        ("trained after the drift", f"{len(after)} time(s): day {', '.join(map(str, after))}", "once"),
        ("promoted by the gate", f"day {', '.join(map(str, learned)) or '–'}", "the training above"),
        ("AUC before, while suffering, after", _three(auc, learned), "recovers"),
        ("planted bad challenger, day " + str(BAD_DAY), str(verdict["decision"]), "refused"),
        ("needless trainings in a quiet world", f"{len(needless)} in {int(quiet_days.sum())} days", "at most 1 in 60"),
        ("failed runs, both worlds", str(sum(len(each["failed"]) for each in told.values())), "0"),
    ]
    return Section(
        title="The closed loop, 120 simulated days",
        command="make loop",
        method=f"{EVENTS:,} events; 28 days before day 0 and those until {HISTORY} are a backfill, then every day "
        "lands, sensors and conditions are ticked until they ask for nothing, and what they ask for is run. "
        "`conversion` as it is shipped.",
        header=("what", "measured", "required"),
        rows=rows,
        notes=[
            *(
                f"day {int(row['day'])}: {row['reason']}"
                for row in story.decisions[story.decisions["retrain"]].to_dict("records")
            ),
            f"gate on the planted bad challenger: {verdict['reason']}",
            *(
                f"quiet world, day {int(row['day'])}: {row['reason']}"
                for row in quiet.decisions[quiet.decisions["retrain"]].to_dict("records")
            ),
        ],
        figures={"noticed": noticed, "trained": after, "promoted": learned, "needless": needless, "told": told},
    )


def _allowed(story: Story) -> int:
    """The day on which labels are final of so many bad days as are needed to notice."""
    policy, days = CONVERSION.retraining, story.validation[story.validation["day"] >= DRIFT_DAY - HORIZON_DAYS]
    bad = days.loc[days["auc_high"] < days["expected_auc"] - (policy.metric_fall or 0), "day"]
    return int(bad.iloc[policy.violated_days - 1]) + CONVERSION.label.maturity_days


def _three(auc: pd.Series, learned: list[int]) -> str:
    new = min(learned, default=DAYS)
    parts = (
        auc[auc.index < DRIFT_DAY - HORIZON_DAYS],
        auc[(auc.index >= DRIFT_DAY) & (auc.index <= new)],
        auc[auc.index > new],
    )
    return ", ".join(f"{part.mean():.3f}" if len(part) else "–" for part in parts)
