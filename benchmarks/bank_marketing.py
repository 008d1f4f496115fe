"""A bank's calls of 2008 and 2009 (UCI Bank Marketing), as one feature table of calls with their outcome.

The file has no dates: it is in date order and names month and weekday, from which the days are rebuilt. `duration` is
left out: it is known after the call only, and tells the outcome.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_YEAR = 2008
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBERS = ("age", "campaign", "previous", "emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
WORDS = ("job", "marital", "education", "default", "housing", "loan", "contact", "poutcome")
NEVER_CALLED = 999
"""What the file writes for days since an earlier campaign's call where there was none."""


def read_calls(folder: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """One row a call: `event_date`, `call_id`, `label` and numeric features; and the names of the features."""
    given = pd.read_csv(folder / "bank_marketing" / "bank_2008_2009.csv.gz", sep=";")
    numbers = given[list(NUMBERS)].rename(columns=lambda name: name.replace(".", "_")).astype("float64")
    words = pd.get_dummies(given[list(WORDS)]).rename(columns=lambda name: name.replace(".", "_").replace("-", "_"))
    since = given["pdays"].astype("float64").where(given["pdays"] != NEVER_CALLED)
    features = pd.concat([numbers, since.rename("days_since_call"), words.astype("float64")], axis=1)
    keys = pd.DataFrame(
        {
            "event_date": call_dates(given),
            "call_id": [f"call{number:05d}" for number in range(len(given))],
            "label": (given["y"] == "yes").astype("int8"),
        }
    )
    return pd.concat([keys, features], axis=1), tuple(features.columns)


def call_dates(calls: pd.DataFrame) -> list[date]:
    """The day of every call: within a month the weekdays go on in order; a month that has too many ends on its last."""
    months = (calls["month"] != calls["month"].shift()).cumsum()
    days = ((calls["day_of_week"] != calls["day_of_week"].shift()) | (months != months.shift())).cumsum()
    firsts = pd.DataFrame({"month": calls["month"], "weekday": calls["day_of_week"], "run": days}).drop_duplicates(
        "run"
    )
    found: list[date] = []
    year, before = FIRST_YEAR, 0
    for month, weekday in zip(firsts["month"], firsts["weekday"], strict=True):
        number = MONTHS.index(month) + 1
        if number < before:
            year += 1
        begins = date(year, number, 1)
        day = max(begins, found[-1] + timedelta(days=1)) if found and number == before else begins
        day += timedelta(days=(WEEKDAYS.index(weekday) - day.weekday()) % 7)
        before = number
        found.append(min(day, date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)))
    return list(np.array(found, dtype=object)[days.to_numpy() - 1])
