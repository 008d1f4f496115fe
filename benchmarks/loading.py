"""How long the definitions take to load, against Dagster alone."""

from benchmarks.fresh_process import Spent, middle, run
from benchmarks.report import Section

REPETITIONS = 5
HEAVY = ("mlflow", "sklearn", "matplotlib", "pyspark")
LEGS = {
    "import dagster": "import dagster",
    "import platform_assets.definitions": "import platform_assets.definitions",
}


def measure() -> Section:
    """Import both in fresh processes, alternately."""
    runs: dict[str, list[Spent]] = {name: [] for name in LEGS}
    for _ in range(REPETITIONS):
        for name, code in LEGS.items():
            runs[name].append(run(["-c", code])[0])
    loaded = run(["-c", f"import sys, platform_assets.definitions; print([n for n in {HEAVY} if n in sys.modules])"])[1]
    middles = {name: middle(spent) for name, spent in runs.items()}
    dagster = middles["import dagster"]
    rows = [
        (
            f"`{name}`",
            f"{spent.seconds:.2f}",
            f"{spent.seconds / dagster.seconds:.2f}",
            f"{spent.cpu_seconds:.2f}",
            f"{spent.cpu_seconds / dagster.cpu_seconds:.2f}",
        )
        for name, spent in middles.items()
    ]
    return Section(
        title="Loading the definitions",
        command="python -m benchmarks loading",
        method=f"Whole processes, from start to end; median of {REPETITIONS}, alternating.",
        header=("", "seconds", "ratio", "CPU seconds", "ratio"),
        rows=rows,
        notes=[f"Of {', '.join(HEAVY)}, loading the definitions imports: {loaded.splitlines()[-1]}."],
        figures={name: vars(spent) for name, spent in middles.items()},
    )
