"""`platform replay`: is what was published what its recorded inputs and code give?

The comparison stands in `recompute`. Where the code has changed since, it is run by the revision that published: git
checks it out into a temporary folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from platform_assets.domain.errors import PlatformError
from resources.code_revision import CHECKOUT, UNCOMMITTED
from resources.settings import Settings, load_settings

if TYPE_CHECKING:
    from platform_assets.cli.recompute import Difference, Published

SHOWN_CHARACTERS = 40


class ReplayDiffers(PlatformError):
    """What was computed again is not what was published."""


class CodeNotKept(PlatformError):
    """The code that published a result can't be brought back."""


def replay(
    asset: Annotated[str, typer.Argument(help="The table, e.g. events.")],
    partition: Annotated[str | None, typer.Option(help="One partition; without it every published one.")] = None,
    version: Annotated[int | None, typer.Option(help="What made this Delta version, instead of the latest.")] = None,
    current_code: Annotated[
        bool, typer.Option("--current-code", help="Run the code of now, not the recorded.")
    ] = False,
    rows: Annotated[int, typer.Option(min=0, help="Differing rows that are shown of each side.")] = 5,
) -> None:
    """Compute a table again from its recorded input versions and code, and compare it row by row.

    Nothing is changed. Exit code 1 if a row differs, or if it can't be computed again.
    """
    from platform_assets.cli.recompute import Recomputation

    settings, console = load_settings(), Console(soft_wrap=True, highlight=False)
    different = 0
    with Recomputation(settings) as recomputation:
        now = recomputation.code_version(asset)
        for published, keys in recomputation.plan(asset, partition, version):
            console.print(f"[dim]{_told(published, keys)}[/]")
            if current_code or published.notes.get("code_version") == now:
                found = recomputation.difference(published, keys, shown=rows)
                _print(console, found)
                different += bool(found.missing or found.surplus)
            else:
                different += not _equal_by_its_revision(settings, console, published, keys, rows)
    if different:
        raise ReplayDiffers(
            "recomputed rows are not those that were published",
            where=f"table {asset}",
            todo="materialise it again if landed files were changed by hand; else its code is not repeatable",
        )


def _told(published: "Published", keys: Sequence[str] | None) -> str:
    inputs = [f"{table}@{version}" for table, version in sorted(published.note("input_versions").items())]
    inputs += [f"model {name} version {version}" for name, version in sorted(published.note("input_models").items())]
    span = "" if not keys else f" {keys[0]}" if len(keys) == 1 else f" {keys[0]}...{keys[-1]}"
    return f"{published.table}{span}, version {published.version}, made from {', '.join(inputs) or 'landed files'}"


def _print(console: Console, found: "Difference") -> None:
    if not found.missing and not found.surplus:
        console.print(f"[green]equal[/]: {found.published:,} rows")
        return
    console.print(
        f"[red]different[/]: of {found.published:,} published rows {found.missing:,} were not made again, "
        f"{found.surplus:,} rows are new"
    )
    for row in found.rows:
        told = {name: str(value)[:SHOWN_CHARACTERS] for name, value in row.items() if name != "only"}
        console.print(f"  only {row['only']}: {json.dumps(told, ensure_ascii=False)}", markup=False)


def _equal_by_its_revision(
    settings: Settings, console: Console, published: "Published", keys: Sequence[str] | None, rows: int
) -> bool:
    """Run this command by the code that published; whether its rows are equal."""
    revision = published.notes.get("code_revision") or ""
    console.print(f"[dim]the code has changed since; running it by revision {revision[:12] or 'unknown'}[/]")
    with _checked_out(revision) as folder:
        command = [sys.executable, "-c", "from platform_assets.cli import main; main()", "replay", published.table]
        command += ["--current-code", "--version", str(published.version), "--rows", str(rows)]
        command += ["--partition", keys[0]] if keys and len(keys) == 1 else []
        places = {
            "PLATFORM_HOME": str(settings.home_folder),
            "PLATFORM_LAKE": settings.lake_root,
            "PLATFORM_LANDING_ZONE": settings.landing_root,
            "PYTHONPATH": str(folder),
        }
        return subprocess.run(command, cwd=folder, env={**os.environ, **places}).returncode == 0


@contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    """A temporary work tree of a revision."""
    if not revision or revision.endswith(UNCOMMITTED):
        reason = "was not committed" if revision else "was not under git"
        raise CodeNotKept(
            f"the code that published this {reason}",
            where=str(CHECKOUT),
            todo="commit before you publish; --current-code compares with what the code of now gives",
        )
    with tempfile.TemporaryDirectory(prefix="replay-code-") as parent:
        folder = Path(parent) / revision[:12]
        git = ["git", "-C", str(CHECKOUT), "worktree"]
        added = subprocess.run([*git, "add", "--detach", str(folder), revision], capture_output=True, text=True)
        if added.returncode != 0:
            raise CodeNotKept(added.stderr.strip(), where=str(CHECKOUT), todo="fetch the revision into this checkout")
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], capture_output=True)
