"""Files of a model from elsewhere: which format they are in, what the model takes, and the code that belongs to it.

Nothing that can run code is opened here: pickles and loaders run in the process of imported code.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.imported_models.signature import Kind, ModelInput
from resources.model_registry.imported.imported_code import CodeTask, Hooks, run_code
from resources.model_registry.imported.onnx_model import OnnxModel
from resources.model_registry.imported.skops_model import SkopsModel
from resources.model_registry.model_version import ModelTypeNotTrusted

PICKLES = (".joblib", ".pkl", ".pickle")


class PickleNotTrusted(PlatformError):
    """A pickled model is to be imported, and nobody said that its code may run. It was not opened."""


class ModelFormatUnknown(PlatformError):
    """The model file is in no format that the platform reads, or isn't there."""


@dataclass(frozen=True)
class Opened:
    """A model and its code, as they will be registered."""

    format: str
    """"skops", "onnx", or "code": a hook loads the file."""
    model_file: str
    content: bytes
    hooks: Hooks = field(default_factory=Hooks)
    code: Mapping[str, bytes] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    """Its inputs in order, None where nothing names them."""
    count: int | None = None
    """How many columns it says that it takes."""
    given: tuple[str, ...] = ()
    """The names that the caller gave."""
    output: str = ""
    precision: str = "float64"
    warnings: tuple[str, ...] = ()
    pickle: bytes | None = None
    """The pickled file that the model was converted from; it is not registered."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files as they were given, by name."""
    isolation: str = ""
    """How the network was cut off from code that ran."""

    def inputs(self, names: Sequence[str]) -> tuple[ModelInput, ...]:
        """What the model takes, where `names` are its inputs in order."""
        if self.format == "code":
            return tuple(ModelInput(name, Kind.ANY) for name in names)
        model = scoring_model(self.format, self.content, self.model_file, names, self.output)
        return model.inputs


def scoring_model(
    format_: str, content: bytes, where: str, names: Sequence[str] = (), output: str = ""
) -> SkopsModel | OnnxModel:
    """The model of a skops or ONNX file."""
    if format_ == "onnx":
        return OnnxModel.read(content, where, names, output)
    return SkopsModel.read(content, where, names)


def open_model(
    path: Path,
    hooks: Hooks,
    code: Mapping[str, bytes],
    *,
    names: Sequence[str] = (),
    output: str = "",
    trust_pickle: bool = False,
) -> Opened:
    """Open a model file, or a folder that MLflow wrote. Raises an error that says what to do where that can't be."""
    file = mlflow_model_file(path) if path.is_dir() else path
    if not file.is_file():
        raise ModelFormatUnknown("there is no such file", where=str(file), todo="name the model's file by --model")
    content = file.read_bytes()
    origin = {file.name: sha256(content), **{f"code/{name}": sha256(each) for name, each in code.items()}}
    base = Opened("skops", "model.skops", content, hooks, code, given=tuple(names), output=output, origin=origin)
    if hooks.load:
        return _by_loader(replace(base, format="code", model_file=file.name))
    if hooks.predict:
        raise ModelFormatUnknown(
            "a predict function needs a model", where=hooks.predict, todo="give the function that loads it by --load"
        )
    if file.suffix in PICKLES:
        return _by_conversion(base, file, trust_pickle)
    if file.suffix not in (".skops", ".onnx"):
        raise ModelFormatUnknown(
            f"{file.suffix or 'no suffix'} is none of .skops, .onnx and, where trusted, {', '.join(PICKLES)}",
            where=str(file),
            todo="give a function that loads the file by --load file.py:function",
        )
    return _read(replace(base, format=file.suffix[1:], model_file=f"model{file.suffix}"), str(file))


def mlflow_model_file(folder: Path) -> Path:
    """The model file in a folder that MLflow wrote, of its scikit-learn or ONNX flavor."""
    import yaml

    described = folder / "MLmodel"
    flavors = yaml.safe_load(described.read_text())["flavors"] if described.is_file() else {}
    named = flavors.get("sklearn", {}).get("pickled_model") or flavors.get("onnx", {}).get("data")
    if not named or not (folder / named).resolve().is_relative_to(folder.resolve()):
        raise ModelFormatUnknown(
            "the folder holds no scikit-learn or ONNX model as MLflow writes them",
            where=str(folder),
            todo="name the model's file itself by --model",
        )
    return folder / named


def code_files(paths: Iterable[Path]) -> dict[str, bytes]:
    """Files and folders of code by the path under which they can import one another. Raises on two of one name."""
    found: dict[str, bytes] = {}
    for path in paths:
        inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in inside:
            name = file.relative_to(path.parent).as_posix()
            if "__pycache__" in name:
                continue
            if not file.is_file():
                raise ModelFormatUnknown("there is no such file", where=str(file), todo="correct the path of the code")
            if found.setdefault(name, file.read_bytes()) != file.read_bytes():
                raise ModelFormatUnknown(
                    f"two files of code are named {name}", where=str(file), todo="give their folder by --include"
                )
    return found


def sha256(content: bytes) -> str:
    """The digest of a file as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def _by_loader(opened: Opened) -> Opened:
    said = run_code(CodeTask(opened.hooks, opened.code, opened.content, opened.model_file))
    return replace(
        opened,
        names=said.inputs or opened.given or None,
        count=said.count,
        warnings=said.warnings,
        isolation=said.isolation,
    )


def _by_conversion(opened: Opened, file: Path, trusted: bool) -> Opened:
    """A pickle, opened once in a process without network and environment, and written in skops format."""
    if not trusted:
        raise PickleNotTrusted(
            "a pickle runs whatever code it holds when it is loaded, so it is not opened. "
            f"Its SHA-256 is {opened.origin[file.name]}",
            where=str(file),
            todo="compare the digest with the one of whoever made the file, and give --trust-pickle if you trust them; "
            "or write it by skops.io.dump(model, 'model.skops') where it was trained",
        )
    task = CodeTask(Hooks(), opened.code, opened.content, file.name, pickle=True, convert=True)
    said = run_code(task)
    try:
        read = _read(replace(opened, content=said.skops or b""), str(file))
    except ModelTypeNotTrusted as error:
        raise ModelTypeNotTrusted(
            f"it can't be kept without pickle: {error.what}", where=str(file), todo=error.todo
        ) from error
    return replace(read, pickle=opened.content, warnings=said.warnings, isolation=said.isolation)


def _read(opened: Opened, where: str) -> Opened:
    model = scoring_model(opened.format, opened.content, where, opened.given, opened.output)
    return replace(
        opened,
        names=model.names,
        count=model.count,
        output=model.output if isinstance(model, OnnxModel) else "",
        precision=model.precision,
        warnings=model.warnings,
    )
