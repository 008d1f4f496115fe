"""What an imported model takes, and whether a table gives it: everything that doesn't fit is told at once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import ibis.expr.datatypes as dt

from platform_assets.domain.errors import PlatformError


class TableDoesNotFit(PlatformError):
    """A table doesn't give what the model takes. Nothing was registered."""


class Kind(StrEnum):
    """What values an input takes."""

    NUMBER = "numbers"
    INTEGER = "whole numbers"
    BOOLEAN = "booleans"
    TEXT = "texts"
    CATEGORY = "numbers or texts"
    ANY = "values of any type"


@dataclass(frozen=True)
class ModelInput:
    """One column that a model, or the feature code before it, takes."""

    name: str
    kind: Kind = Kind.NUMBER
    takes_missing: bool = True


@dataclass(frozen=True)
class SignatureCheck:
    """What keeps a table from being scored (`problems`), and what a reader should know besides (`notes`)."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def require(self, where: str) -> None:
        """Raise TableDoesNotFit with every problem, where there is one."""
        if self.problems:
            listed = "".join(f"\n  - {each}" for each in self.problems)
            raise TableDoesNotFit(
                f"{len(self.problems)} thing(s) don't fit:{listed}",
                where=where,
                todo="name another table, give the feature code by --code, or name the inputs in order by --features",
            )


def check_signature(
    inputs: Sequence[ModelInput], columns: Mapping[str, dt.DataType], missing_values: Mapping[str, int], rows: int
) -> SignatureCheck:
    """Compare what a model takes with a table's columns, and with how many of `rows` rows lack a value of each."""
    problems, notes = [], []
    for each in inputs:
        if each.name not in columns:
            near = difflib.get_close_matches(each.name, columns, n=1)
            hint = f" (is it {near[0]}?)" if near else ""
            problems.append(f"column {each.name} is missing{hint}")
        elif not _fits(each.kind, columns[each.name]):
            problems.append(f"column {each.name} is {columns[each.name]}, the model takes {each.kind.value}")
        elif missing_values.get(each.name, 0) and not each.takes_missing:
            lacking = missing_values[each.name]
            problems.append(f"column {each.name} has no value in {lacking:,} of {rows:,} rows, the model needs one")
    names = [each.name for each in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"input {name} is named more than once" for name in twice]
    if extra := [name for name in columns if name not in names]:
        notes.append(f"{len(extra)} columns are not read: {', '.join(extra)}")
    found = [name for name in columns if name in names]
    if not problems and found != names:
        notes.append("the model takes its columns in another order than the table has them: they are given by name")
    return SignatureCheck(tuple(problems), tuple(notes))


def _fits(kind: Kind, dtype: dt.DataType) -> bool:
    takes = {
        Kind.NUMBER: dtype.is_numeric() or dtype.is_boolean(),
        Kind.INTEGER: dtype.is_integer() or dtype.is_boolean(),
        Kind.BOOLEAN: dtype.is_boolean(),
        Kind.TEXT: dtype.is_string(),
        Kind.CATEGORY: dtype.is_numeric() or dtype.is_boolean() or dtype.is_string(),
        Kind.ANY: True,
    }
    return takes[kind]
