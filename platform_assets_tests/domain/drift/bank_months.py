"""The calls of a real bank's campaign, 2008 and 2009, month by month: a series whose world is known to have changed.

S. Moro, P. Cortez and P. Rita, "A data-driven approach to predict the success of bank telemarketing", Decision Support
Systems 62, 2014. Rows are in the order of dates and name their month only.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from platform_assets.domain.drift.distribution import Sample

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ECONOMY = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
"""What is told of the economy, the same for every call of a month or a day; all else is told of the person called."""
PERSON = ("age", "job", "marital", "education", "default", "housing", "loan")
CALL = ("contact", "campaign", "pdays", "previous", "poutcome")


def months(shared_data: Path) -> dict[date, pd.DataFrame]:
    """The calls of every month with numbers for categories, by its first day; unknown is missing."""
    calls = pd.read_csv(shared_data / "bank_marketing" / "bank_2008_2009.csv.gz", sep=";")
    number = calls["month"].map({name: place for place, name in enumerate(MONTHS, start=1)})
    year = 2008 + (number.diff() < 0).cumsum()
    columns = calls[[*ECONOMY, *PERSON, *CALL]].replace("unknown", np.nan).replace({"pdays": {999: np.nan}})
    for name in columns.select_dtypes(object).columns:
        codes = pd.Categorical(columns[name], categories=sorted(columns[name].dropna().unique())).codes
        columns[name] = pd.Series(codes, index=columns.index).astype("float64").where(codes >= 0)
    begins = [date(*each) for each in zip(year, number, [1] * len(calls), strict=True)]
    return dict(iter(columns.astype("float64").groupby(pd.Series(begins, index=columns.index))))


def sample(calls: pd.DataFrame, *begins: date) -> Sample:
    """The sample of the calls of some months; nobody tells who was called twice."""
    return Sample.of(pa.Table.from_pandas(calls, preserve_index=False), begins, len(calls))
