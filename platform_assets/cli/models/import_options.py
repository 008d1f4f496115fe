"""What the options of `platform models import` mean, and what is wrong with them where something is."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.errors import PlatformError

if TYPE_CHECKING:
    from resources.model_registry.imported.imported_code import Hooks


class ImportOptionWrong(PlatformError):
    """An option of the import can't be read. Nothing was opened."""


def listed(text: str) -> tuple[str, ...]:
    """The names of `a,b,c`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def mapped(pairs: Sequence[str]) -> dict[str, str]:
    """Columns there → columns here of `theirs=ours`; the last `=` parts them."""
    split = [pair.rpartition("=") for pair in pairs]
    if wrong := [pair for pair, (theirs, _, ours) in zip(pairs, split, strict=True) if not theirs or not ours]:
        raise ImportOptionWrong(f"{wrong[0]!r} is no pair", where="--map", todo="write theirs=ours")
    return {theirs: ours for theirs, _, ours in split}


def require_name(name: str) -> None:
    """Raise ImportOptionWrong unless assets and tables could carry the name."""
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise ImportOptionWrong(
            f"{name!r} is no model name",
            where="the model's name",
            todo="use lower-case letters, digits and underscores, starting with a letter",
        )


def hooks_and_code(
    features: str, load: str, predict: str, include: Sequence[Path], takes: str
) -> tuple["Hooks", dict[str, bytes]]:
    """The functions of the model by their place among its code files, and these files."""
    from resources.model_registry.imported.imported_code import Hooks
    from resources.model_registry.imported.opening import code_files

    if takes not in ("pandas", "arrow"):
        raise ImportOptionWrong(f"{takes!r} is no kind of rows", where="--takes", todo="say pandas or arrow")
    files: list[Path] = []
    named: dict[str, str] = {}
    for option, text in (("features", features), ("load", load), ("predict", predict)):
        named[option], file = _placed(text, "--code" if option == "features" else f"--{option}", include)
        files += [file] if file is not None else []
    return Hooks(**named, takes=takes), code_files(dict.fromkeys([*include, *files]))


def _placed(text: str, option: str, include: Sequence[Path]) -> tuple[str, Path | None]:
    """A function's address among the code files, and its file where no included folder holds it."""
    if not text:
        return "", None
    path, _, function = text.rpartition(":")
    file = Path(path)
    if not function.isidentifier() or file.suffix != ".py" or not file.is_file():
        raise ImportOptionWrong(
            f"{text!r} is no function in a Python file that exists", where=option, todo="write file.py:function"
        )
    folder = next((each for each in include if each.is_dir() and file.resolve().is_relative_to(each.resolve())), None)
    if folder is None:
        return f"{file.name}:{function}", file
    return f"{file.resolve().relative_to(folder.resolve().parent).as_posix()}:{function}", None
