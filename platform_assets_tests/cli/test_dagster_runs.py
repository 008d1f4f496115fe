"""What the command line says of a run that failed."""

from pathlib import Path

import pytest

from platform_assets.cli.dagster_runs import _error_in

END = "dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred\nError: Materialization failed.\n"
OWN = "platform_assets.domain.modelling.time_split.TrainingSetUnusable: too few days. What to do: train on more"
LIBRARY = "_duckdb.duckdb.OutOfMemoryException: Out of Memory Error: failed to allocate"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (f"starting\n{LIBRARY}\n{OWN}\n{END}", "too few days. What to do: train on more"),
        (f"starting\n{OWN}\n{LIBRARY}\n{END}", "too few days. What to do: train on more"),
        (f"starting\n{LIBRARY}\n{END}", "Out of Memory Error: failed to allocate"),
        ("starting\nKilled\n", "Killed"),
        ("", "no output"),
    ],
)
def test_the_platforms_own_error_is_told_before_a_librarys_and_that_before_dagsters(
    tmp_path: Path, log: str, told: str
) -> None:
    path = tmp_path / "run.log"
    path.write_text(log)
    assert _error_in(path) == told
