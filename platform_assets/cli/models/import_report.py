"""What an import says of itself: lines for the terminal, and one file as HTML, JSON or text."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_assets.cli.models.import_options import ImportOptionWrong
from platform_assets.domain.imported_models.comparison_page import comparison_page
from platform_assets.domain.imported_models.comparison_text import as_text, where_it_clusters

if TYPE_CHECKING:
    from platform_assets.domain.imported_models.comparison import Comparison
    from resources.model_registry.imported.importing import Prepared
    from resources.model_registry.model_version import ModelVersion

SUFFIXES = (".html", ".json", ".txt")


def require_known_suffix(report: Path | None) -> None:
    """Raise ImportOptionWrong unless the report is a file that can be written, of a format that is."""
    if report is not None and report.suffix not in SUFFIXES:
        raise ImportOptionWrong(f"{report} is none of {', '.join(SUFFIXES)}", where="--report", todo="name it so")
    if report is not None and not report.absolute().parent.is_dir():
        raise ImportOptionWrong(f"there is no folder {report.parent}", where="--report", todo="make it first")


def told(version: "ModelVersion", prepared: "Prepared", comparison: "Comparison | None") -> str:
    """The version, notes and comparison in lines."""
    kept = "" if comparison is not None and not comparison.equal else ", as challenger"
    lines = [
        f"registered {version}, digest {version.digest[:12]}…{kept}",
        *(f"note: {each}" for each in prepared.notes),
    ]
    lines += ["", as_text(comparison) if comparison else f"{_scores(prepared)} Compared with nothing (--compare)."]
    return "\n".join(lines)


def write_report(path: Path, version: "ModelVersion", prepared: "Prepared", comparison: "Comparison | None") -> None:
    """Write the report; its format follows from the file's suffix."""
    if path.suffix == ".json":
        path.write_text(json.dumps(_as_json(version, prepared, comparison), indent=2, allow_nan=False) + "\n")
    elif path.suffix == ".txt" or comparison is None:
        path.write_text(told(version, prepared, comparison) + "\n")
    else:
        path.write_text(comparison_page(comparison, f"{version}, compared", prepared.notes))


def _as_json(version: "ModelVersion", prepared: "Prepared", comparison: "Comparison | None") -> dict[str, Any]:
    about = {"model": version.name, "version": version.version, "digest": version.digest, "notes": prepared.notes}
    if comparison is None:
        return about | {"rows": len(prepared.scored.outputs), "comparison": None}
    clusters = {column.name: where_it_clusters(column) for column in comparison.columns}
    return about | {"equal": comparison.equal, "comparison": asdict(comparison), "where": clusters}


def _scores(prepared: "Prepared") -> str:
    outputs = prepared.scored.outputs
    ranges = (
        f"{name} from {outputs[name].min():.6g} to {outputs[name].max():.6g}, median {outputs[name].median():.6g}"
        for name in outputs.select_dtypes("number")
    )
    return f"{len(outputs):,} rows scored: {'; '.join(ranges)}."
