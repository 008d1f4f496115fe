"""Reads YAML so that every mistake can be told with its file, line and key, all of them at once.

It knows types and key names only; what the keys mean stands with those who declare them (`sources`).
"""

import difflib
from collections.abc import Collection
from datetime import date
from pathlib import Path

import yaml

from platform_assets.domain.errors import ConfigurationError

_TYPES = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "a whole number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:null": "empty",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:seq": "a list",
    "tag:yaml.org,2002:map": "a mapping",
}


class YamlFile:
    """One YAML file and the problems found in it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[tuple[int, str]] = []
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except FileNotFoundError:
            raise ConfigurationError(
                "there is no such file", where=str(path), todo="run this from the project's folder, or create the file"
            ) from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"is not UTF-8: {error}", where=str(path), todo="save it as UTF-8") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise ConfigurationError(
                f"is not YAML: {error.problem}",
                where=f"{path}:{line}",
                todo="mend the indentation there, or put quotes around text that begins with a sign such as *",
            ) from None
        except yaml.YAMLError as error:
            raise ConfigurationError(f"is not YAML: {error}", where=str(path), todo="mend it") from None
        self.top = Entry(self, node or yaml.MappingNode("tag:yaml.org,2002:map", []), "the file")

    def raise_problems(self, todo: str) -> None:
        """Raise what was found, first line first; do nothing if nothing was."""
        if not self.problems:
            return
        found = sorted(set(self.problems))
        more = "".join(f"\n  {self.path}:{line}: {text}" for line, text in found[1:])
        where = f"{self.path}:{found[0][0]}"
        raise ConfigurationError(f"{found[0][1]}{more}{chr(10) if more else ''}", where=where, todo=todo)


class Entry:
    """One value of the file, with its key and place. A wrong type is noted as a problem and read as None or empty."""

    def __init__(self, file: YamlFile, node: yaml.Node, key: str) -> None:
        self.file, self.node, self.key = file, node, key

    @property
    def line(self) -> int:
        """The line where the value begins, from 1."""
        mark = self.node.start_mark
        return mark.line + 1 if mark else 1

    def problem(self, text: str) -> None:
        """Note what is wrong with this value."""
        self.file.problems.append((self.line, f"{self.key}: {text}"))

    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def text(self) -> str | None:
        """The value as non-empty text."""
        if self._is("str") and self.node.value:
            return str(self.node.value)
        self._wrong(
            "text; put quotes around it if it looks like something else" if not self._is("str") else "not empty"
        )
        return None

    def choice(self, known: Collection[str]) -> str | None:
        """The value as one of the known texts."""
        text = self.text()
        if text is None or text in known:
            return text
        self.problem(f"{text} is not known{nearest(text, known)}; known are {', '.join(known)}")
        return None

    def integer(self, *, at_least: int) -> int | None:
        """The value as a whole number."""
        value = None
        if isinstance(self.node, yaml.ScalarNode) and self._is("int"):
            value = yaml.SafeLoader("").construct_yaml_int(self.node)
        if value is None or value < at_least:
            self._wrong(f"a whole number from {at_least}")
            return None
        return int(value)

    def day(self) -> date | None:
        """The value as a day, written 2026-01-31."""
        if isinstance(self.node, yaml.ScalarNode) and (self._is("timestamp") or self._is("str")):
            try:
                return date.fromisoformat(self.node.value)
            except ValueError:
                self.problem(f"{self.node.value} is no day; write it like 2026-01-31")
                return None
        self._wrong("a day, written like 2026-01-31")
        return None

    def share(self) -> float | None:
        """The value as a number from 0 to 1."""
        if isinstance(self.node, yaml.ScalarNode) and (self._is("float") or self._is("int")):
            value = float(yaml.SafeLoader("").construct_yaml_float(self.node))
            if 0 <= value <= 1:
                return value
        self._wrong("a number from 0 to 1")
        return None

    def boolean(self) -> bool | None:
        """The value as true or false."""
        if self._is("bool"):
            return str(self.node.value).lower() in ("true", "yes", "on")
        self._wrong("true or false")
        return None

    def items(self) -> list["Entry"]:
        """The values of a list."""
        if isinstance(self.node, yaml.SequenceNode):
            return [Entry(self.file, node, self.key) for node in self.node.value]
        self._wrong("a list")
        return []

    def entries(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, "Entry"]:
        """The values of a mapping by key; unknown, double and missing keys are noted as problems."""
        if not isinstance(self.node, yaml.MappingNode):
            self._wrong("a mapping")
            return {}
        found: dict[str, Entry] = {}
        for key_node, node in self.node.value:
            name, entry = str(key_node.value), Entry(self.file, node, str(key_node.value))
            mark = Entry(self.file, key_node, name)
            if name in found:
                mark.problem(f"this key is given twice, first in line {found[name].line}")
            elif name not in known:
                mark.problem(f"unknown key{nearest(name, known)}; known are {', '.join(known)}")
            else:
                found[name] = entry
        for name in required:
            if name not in found:
                Entry(self.file, self.node, name).problem("this key is missing")
        return found

    def keys(self) -> list[str]:
        """The keys of a mapping, as text; none of anything else."""
        pairs = self.node.value if isinstance(self.node, yaml.MappingNode) else []
        return [str(key.value) for key, _ in pairs]

    def _is(self, kind: str) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == f"tag:yaml.org,2002:{kind}"

    def _wrong(self, wanted: str) -> None:
        self.problem(f"must be {wanted}, but is {_TYPES.get(self.node.tag, self.node.tag)}")


def nearest(name: str, known: Collection[str]) -> str:
    """A suggestion to append to `unknown ...`, or nothing if no known name resembles it."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]}?" if close else ""
