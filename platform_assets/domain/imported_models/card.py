"""The card of an imported model: where it comes from, what it takes, what was proved, and what nobody here knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from platform_assets.domain.imported_models.comparison import Comparison
from platform_assets.domain.imported_models.comparison_text import verdict_of

FLOAT32_NOTE = (
    "The graph computes in float32, which holds about seven digits: two systems that don't run this very graph differ "
    "by about 1e-7 relative, and scores printed with fewer digits by as much. At a tolerance of 1e-9 such differences "
    "are told; --rtol 1e-6 asks for what the format can hold."
)


@dataclass(frozen=True)
class ImportedFacts:
    """What is known of an imported model on the day it comes in."""

    name: str
    description: str
    owner: str
    origin: str
    trained_until: date
    until_is_said: bool
    table: str
    delta_version: int
    day: date
    rows: int
    format: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: Mapping[str, str]
    """Its functions as `file.py:function` by what they do, empty where there is none."""
    digests: Mapping[str, str]
    """SHA-256 of the files as they came, by name."""
    packages: Mapping[str, str]
    isolation: str
    notes: tuple[str, ...]


def import_card(facts: ImportedFacts, comparison: Comparison | None) -> str:
    """The card as markdown, with the comparison's verdict where there was one."""
    return "\n\n".join(
        [
            f"# {facts.name}, imported",
            facts.description.strip(),
            f"**Trained elsewhere:** {facts.origin}. **Owner:** {facts.owner}",
            _what(facts),
            _proof(facts, comparison),
            _limits(facts),
        ]
    )


def _what(facts: ImportedFacts) -> str:
    code = [f"- Its own code: {purpose} by `{address}`" for purpose, address in facts.code.items() if address]
    packages = ", ".join(f"{name} {version}" for name, version in facts.packages.items())
    taken = ", ".join(f"`{name}`" for name in facts.inputs)
    return "\n".join(
        [
            "## What came in",
            f"- Format {facts.format}{f', scored with {packages}' if packages else ''}",
            *(f"- `{name}` SHA-256 `{digest}`" for name, digest in sorted(facts.digests.items())),
            *code,
            f"- Reads `{facts.table}`; the model takes {taken or 'all of it'}",
            f"- Gives {', '.join(f'`{name}`' for name in facts.outputs)}",
            *([f"- Its code ran without network: {facts.isolation}"] if facts.isolation else []),
            *(f"- {note}" for note in facts.notes),
        ]
    )


def _proof(facts: ImportedFacts, comparison: Comparison | None) -> str:
    scored = f"{facts.rows:,} rows of {facts.day} were scored, of `{facts.table}` version {facts.delta_version}."
    compared = "They were compared with nothing." if comparison is None else verdict_of(comparison)
    return f"## What was proved\n{scored} {compared}"


def _limits(facts: ImportedFacts) -> str:
    said = "It has" if facts.until_is_said else "Nobody said which days it has seen; it is taken to have"
    return "\n".join(
        [
            "## Limits",
            "- How it was trained, on whom and with which label, is not known here: ask its owner.",
            f"- {said} seen events until {facts.trained_until}; scores of days until then are in sample.",
            "- Equal scores on one day are evidence for that day's rows, not for rows unlike them.",
        ]
    )
