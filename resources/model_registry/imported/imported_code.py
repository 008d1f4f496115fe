"""Imported code, run unchanged in a process of its own: feature functions, loaders, pickled models.

The process sees the rows, the code and the model file, no environment and no network (`code_process`). Rows of each day
are handed over by themselves, in the order of their key, so that a range gives what its days give.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_assets.domain.errors import PlatformError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    # One thread each, so that sums come out the same on every machine.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class ImportedCodeFailed(PlatformError):
    """The code of an imported model raised an error, ended its process, or took too long."""


@dataclass(frozen=True)
class Hooks:
    """The functions of an imported model as `file.py:function`, empty where there is none.

    `features(rows) -> frame` takes the table's rows, `load(path) -> model` reads the model file,
    `predict(model, features) -> scores` asks the model. `takes` is what the rows are: "pandas" or "arrow".
    """

    features: str = ""
    load: str = ""
    predict: str = ""
    takes: str = "pandas"

    @property
    def files(self) -> tuple[str, ...]:
        """The files in which the functions stand."""
        named = (self.features, self.load, self.predict)
        return tuple(sorted({each.partition(":")[0] for each in named if each}))


@dataclass(frozen=True)
class CodeTask:
    """One call of imported code."""

    hooks: Hooks
    code: Mapping[str, bytes]
    """The files by their path within the code folder."""
    model: bytes | None = None
    model_file: str = ""
    pickle: bool = False
    """Read the model file by joblib, where no hook loads it."""
    convert: bool = False
    """Only write the model in skops format."""
    inputs: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    day_column: str | None = None
    timeout_seconds: float = 900


@dataclass(frozen=True)
class CodeResult:
    """What the code made of the rows, with the place of each row in `_row`; None where it was not asked for."""

    features: "pd.DataFrame | None"
    scores: "pd.DataFrame | None"
    skops: bytes | None
    inputs: tuple[str, ...] | None
    """The columns that the model says it was fitted on."""
    count: int | None
    warnings: tuple[str, ...]
    isolation: str
    """How the network was cut off."""


def run_code(task: CodeTask, rows: "pa.Table | None" = None) -> CodeResult:
    """Run the code on `rows`. Raises ImportedCodeFailed with the error and the line of the code that raised it."""
    import pyarrow.feather as feather

    with tempfile.TemporaryDirectory(prefix="imported-") as name:
        folder = Path(name)
        for path, content in task.code.items():
            place = folder / "code" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        if task.model is not None:
            (folder / task.model_file).write_bytes(task.model)
        if rows is not None:
            feather.write_feather(rows, folder / "rows.arrow")
        (folder / "task.json").write_text(json.dumps(_told(task)))
        said = _run(folder, task)
        read = {each: folder / f"{each}.arrow" for each in ("features", "scores")}
        frames = {each: feather.read_table(path).to_pandas() if path.exists() else None for each, path in read.items()}
        converted = folder / "model.skops"
        return CodeResult(
            features=frames["features"],
            scores=frames["scores"],
            skops=converted.read_bytes() if task.convert else None,
            inputs=tuple(said["inputs"]) if said.get("inputs") else None,
            count=said.get("count"),
            warnings=tuple(said["warnings"]),
            isolation=said["isolation"],
        )


def _told(task: CodeTask) -> dict[str, Any]:
    model = task.model_file if task.model is not None else ""
    settings = {"pickle": task.pickle, "convert": task.convert, "inputs": task.inputs, "key": task.key}
    return {**asdict(task.hooks), **settings, "day_column": task.day_column, "model": model}


def _run(folder: Path, task: CodeTask) -> dict[str, Any]:
    script = Path(__file__).with_name("code_process.py")
    where = ", ".join(task.hooks.files) or task.model_file
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(script), str(folder)],
            env={**_ENVIRONMENT, "HOME": str(folder), "TMPDIR": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=task.timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ImportedCodeFailed(
            f"it ran for {task.timeout_seconds:g} s without an end", where=where, todo="run it by itself on fewer rows"
        ) from error
    told = folder / "said.json"
    if done.returncode != 0 or not told.exists():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ImportedCodeFailed(
            f"its process ended with code {done.returncode}: {last[0]}",
            where=where,
            todo="run it by itself and mend it",
        )
    said = json.loads(told.read_text())
    if "error" in said:
        raised = said["error"]
        raise ImportedCodeFailed(
            f"{raised['type']}: {raised['what']}",
            where=raised["place"] or where,
            todo="mend the code or what it is given; packages that it needs must be installed beside the platform",
        )
    return said
