"""An imported model: its comparison with a legacy output of a million rows, and what a process for its code costs."""

import resource
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.report import Section
from platform_assets.domain.imported_models.comparison import compare_outputs
from resources.model_registry.imported.imported_code import CodeTask, Hooks, run_code

ROWS = (100_000, 1_000_000)
COLUMNS = 40
REPETITIONS = 3
CODE = b"def build(rows):\n    return rows[['user_id', 'c0', 'c1']]\n"


def measure(scratch: Path) -> Section:
    """Compare shuffled outputs of which a tenth differs, and hand rows to a feature function and back."""
    figures: dict[str, dict[str, float]] = {}
    for rows in ROWS:
        ours = _outputs(rows)
        theirs = _planted(ours)
        inputs = ours.drop(columns="score")
        seconds = [_comparison_seconds(ours, theirs, inputs) for _ in range(REPETITIONS)]
        figures[f"comparison, {rows:,} rows of 5 columns"] = {"cpu_seconds": median(seconds)}
    for rows in (1, 100_000):
        seconds = [_code_seconds(rows) for _ in range(REPETITIONS)]
        figures[f"feature code, {rows:,} rows of {COLUMNS} columns"] = {"cpu_seconds": median(seconds)}
    return Section(
        title="An imported model",
        command="python -m benchmarks imported_models",
        method="Every tenth score is moved by 2e-9 relative, keys are texts in another order; feature code gives "
        f"two columns. CPU seconds, also of the process that runs the code; median of {REPETITIONS}.",
        header=("step", "CPU seconds"),
        rows=[(told, f"{each['cpu_seconds']:.2f}") for told, each in figures.items()],
        notes=[],
        figures=figures,
    )


def _outputs(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    columns = {name: random.random(rows) for name in ("f0", "f1", "f2", "f3", "score")}
    return pd.DataFrame({"user_id": [f"u{number:09d}" for number in range(rows)], **columns})


def _planted(ours: pd.DataFrame) -> pd.DataFrame:
    moved = ours["score"].where(ours.index % 10 > 0, ours["score"] * (1 + 2e-9))
    return ours.assign(score=moved).sample(frac=1, random_state=1)


def _comparison_seconds(ours: pd.DataFrame, theirs: pd.DataFrame, inputs: pd.DataFrame) -> float:
    started = time.process_time()
    found = compare_outputs(ours, theirs, key=["user_id"], inputs=inputs)
    assert found.columns[-1].differing == len(ours) // 10
    return time.process_time() - started


def _code_seconds(rows: int) -> float:
    random = np.random.default_rng(2)
    columns = {f"c{number}": random.random(rows) for number in range(COLUMNS)}
    table = pa.table({"user_id": [f"u{number}" for number in range(rows)], **columns})
    before = _cpu()
    run_code(CodeTask(Hooks(features="features.py:build"), {"features.py": CODE}, key=("user_id",)), table)
    return _cpu() - before


def _cpu() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)
