"""What runs in the process of imported code: `python -I code_process.py <folder>`, started by `imported_code`.

The folder holds `task.json`, the code and the rows; features, scores and `said.json` are left there. The process has no
network: a network namespace of its own where the kernel grants one, and in any case no Python sockets. It inherits no
environment. Files that the user of the process can read, it can read too.
"""

import ctypes
import importlib
import importlib.util
import json
import sys
import traceback
import warnings
from pathlib import Path

NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER | CLONE_NEWNET


def _isolate():
    """Cut the network off; returns how."""
    granted = False
    if sys.platform == "linux":
        granted = ctypes.CDLL(None, use_errno=True).unshare(NEW_USER_AND_NETWORK) == 0

    def refuse(event, arguments):
        if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
            raise PermissionError(f"imported code has no network ({event})")

    sys.addaudithook(refuse)
    return "network namespace" if granted else "Python sockets refused"


def _function(code, address):
    """The function of `file.py:function`; a file in a folder is imported as a part of that package."""
    file, name = address.split(":")
    module_name = file.removesuffix(".py").replace("/", ".")
    if "." in module_name:
        return getattr(importlib.import_module(module_name), name)
    module = sys.modules.get(module_name)
    if getattr(module, "__file__", "") != str(code / file):
        module = _module(module_name, code / file)
    return getattr(module, name)


def _module(name, path):
    """The module in a file, under a name of its own: also where an installed module has the same name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a path of a Python file has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _features(task, code, rows):
    """What the feature function makes of one day's rows, with the place of every row in `_row`."""
    import numpy as np
    import pandas as pd

    given = rows if task["takes"] == "arrow" else rows.to_pandas()
    made = _function(code, task["features"])(given)
    made = made.to_pandas() if hasattr(made, "to_pandas") else made
    made = pd.DataFrame(made, columns=task["inputs"]) if isinstance(made, np.ndarray) else made
    if not isinstance(made, pd.DataFrame):
        raise TypeError(f"{task['features']} returned {type(made).__name__}, not a frame of features")
    key = task["key"]
    if any(name in made.index.names for name in key):
        made = made.reset_index()
    if key and all(name in made.columns for name in key):
        places = rows.select(key).to_pandas()
        places["_row"] = np.arange(len(places))
        if made.duplicated(key).any():
            raise ValueError(f"{task['features']} returned several rows for one {key}")
        joined = made.drop(columns="_row", errors="ignore").merge(places, on=key, how="left", validate="one_to_one")
        if joined["_row"].isna().any():
            raise ValueError(f"{task['features']} returned rows whose {key} it was not given")
        return joined.astype({"_row": "int64"}).drop(columns=key)
    if len(made) != rows.num_rows or not made.index.equals(pd.RangeIndex(rows.num_rows)):
        raise ValueError(
            f"{task['features']} returned {len(made)} rows for {rows.num_rows} without {key}: nobody knows which is "
            "whose. Let it keep the key columns, or the rows in their order with their index"
        )
    return made.assign(_row=np.arange(len(made)))


def _scores(task, code, model, features, estimator):
    names = task["inputs"] or estimator.input_names(model) or [name for name in features.columns if name != "_row"]
    missing = [name for name in names if name not in features.columns]
    if missing:
        raise KeyError(f"the model takes columns that nothing gives: {', '.join(missing)}")
    inputs = features[list(names)]
    if task["predict"]:
        outputs = estimator.as_outputs(_function(code, task["predict"])(model, inputs))
    else:
        outputs = estimator.predicted(model, inputs)
    if len(outputs) != len(features):
        raise ValueError(f"the model returned {len(outputs)} scores for {len(features)} rows")
    return outputs.assign(_row=features["_row"].to_numpy())


def _by_day(rows, column):
    """The rows of each day by themselves, so that no feature can look at another day of the same call."""
    import numpy as np

    if column is None or rows.num_rows == 0:
        return [(np.arange(rows.num_rows), rows)]
    days = rows[column].to_pandas().astype("str").to_numpy()
    return [(places, rows.take(places)) for day in np.unique(days) for places in [np.flatnonzero(days == day)]]


def _model(task, code, folder):
    if task["load"]:
        return _function(code, task["load"])(str(folder / task["model"]))
    if task["pickle"]:
        import joblib

        return joblib.load(folder / task["model"])
    return None


def _run(folder, task):
    import pandas as pd
    import pyarrow.feather

    estimator = _module("_platform_estimator", Path(__file__).with_name("estimator.py"))
    code = folder / "code"
    sys.path.insert(0, str(code))
    model = _model(task, code, folder)
    said = {"inputs": model and estimator.input_names(model), "count": model and estimator.input_count(model)}
    if task["convert"]:
        import skops.io

        (folder / "model.skops").write_bytes(skops.io.dumps(model))
        return said
    if not (folder / "rows.arrow").exists():
        return said
    rows = pyarrow.feather.read_table(folder / "rows.arrow")
    features, scores = [], []
    for places, part in _by_day(rows, task["day_column"]):
        made = _features(task, code, part) if task["features"] else part.to_pandas().assign(_row=range(part.num_rows))
        if model is not None:
            scored = _scores(task, code, model, made, estimator)
            scores.append(scored.assign(_row=places[scored["_row"].to_numpy()]))
        features.append(made.assign(_row=places[made["_row"].to_numpy()]))
    for name, frames in (("features", features), ("scores", scores)):
        if frames:
            pyarrow.feather.write_feather(pd.concat(frames, ignore_index=True), folder / f"{name}.arrow")
    return said


def main():
    """Do the task in the folder; what became of it stands in `said.json`."""
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    said = {"isolation": _isolate()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said |= _run(folder, task)
        except BaseException as error:
            own = [each for each in traceback.extract_tb(error.__traceback__) if str(folder) in each.filename]
            place = f"{Path(own[-1].filename).relative_to(folder / 'code')}:{own[-1].lineno}" if own else ""
            said["error"] = {"type": type(error).__name__, "what": str(error), "place": place}
    told = [each for each in caught if not issubclass(each.category, DeprecationWarning)]
    said["warnings"] = sorted({f"{each.category.__name__}: {each.message}" for each in told})
    (folder / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
