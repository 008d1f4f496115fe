"""What a training was made from and by, as tags of its run and version: one unit, by which it can be made again.

Tables and their schemas, code and lock file, packages. What Dagster knows of the run is added by the asset.
"""

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version as installed_version

from resources.code_revision import CHECKOUT, UNCOMMITTED, code_revision
from resources.lakehouse.publication_history import publication_history
from resources.lakehouse.tables import Lakehouse, TableNotPublished

_PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy", "joblib", "skops", "mlflow")
LOCK_FILE = CHECKOUT / "requirements.lock"


def provenance_tags(lakehouse: Lakehouse, versions: Mapping[str, int]) -> dict[str, str]:
    """Tags of a training on these Delta versions of its input tables.

    `delta_version.<table>` for each of them; `upstream_version.<table>` for every table that they were made from,
    directly or not, maps of domains and clusters among them; `input_schemas`, a digest of the inputs' columns and
    types; `code_revision` and `mlflow.source.git.commit`, `lock_file` (SHA-256), `python` and `package.<name>`.
    """
    revision = code_revision()
    return {
        **{f"delta_version.{table}": str(version) for table, version in versions.items()},
        **{f"upstream_version.{table}": str(version) for table, version in _upstream(lakehouse, versions).items()},
        "input_schemas": _schemas_digest(lakehouse, versions),
        "code_revision": revision,
        "mlflow.source.git.commit": revision.removesuffix(UNCOMMITTED),
        **_environment(),
    }


def _upstream(lakehouse: Lakehouse, versions: Mapping[str, int]) -> dict[str, int]:
    """Tables that were read for these versions, and for those in turn, each at the newest version that was."""
    found: dict[str, int] = {}
    open_questions = dict(versions)
    while open_questions:
        table, version = open_questions.popitem()
        for above, read in _read_for(lakehouse, table, version).items():
            if above not in versions and found.get(above, -1) < read:
                found[above] = open_questions[above] = read
    return dict(sorted(found.items()))


def _read_for(lakehouse: Lakehouse, table: str, version: int) -> Mapping[str, int]:
    """What the publications of a table up to a version have read of each input at most."""
    try:
        history = publication_history(lakehouse, table)
    except TableNotPublished:  # a table that was removed since: nobody knows any more
        return {}
    read: dict[str, int] = {}
    for notes in history:
        if notes.version <= version:
            read |= {name: max(number, read.get(name, number)) for name, number in (notes.input_versions or {}).items()}
    return read


def _schemas_digest(lakehouse: Lakehouse, versions: Mapping[str, int]) -> str:
    schemas = {table: _schema(lakehouse, table, version) for table, version in versions.items()}
    return hashlib.sha256(json.dumps(schemas, sort_keys=True).encode()).hexdigest()


def _schema(lakehouse: Lakehouse, table: str, version: int) -> list[tuple[str, str]] | str:
    try:
        fields = lakehouse.snapshot(table, version).delta.schema().fields
    except TableNotPublished:  # its log was cleaned since it was read
        return "unknown"
    return [(field.name, str(field.type)) for field in fields]


@functools.cache
def _environment() -> dict[str, str]:
    lock = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest() if LOCK_FILE.is_file() else "none"
    packages = {f"package.{name}": installed_version(name) for name in _PACKAGES}
    return {"lock_file": lock, "python": platform.python_version(), **packages}
