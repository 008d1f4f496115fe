"""`platform erase`: removes a person from every table and its history, and proves it.

What happens in which order stands in `session`, what was made of the person's rows in `survey`.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.erasure import KINDS
from platform_assets.domain.errors import ConfigurationError, PlatformError
from resources.settings import load_settings

if TYPE_CHECKING:
    from platform_assets.cli.erasure.survey import Survey

SHOWN = 20


class TracesLeft(PlatformError):
    """A person was erased, and traces of them were found afterwards."""


def _given(kind: str) -> Any:
    return typer.Option(
        f"--{kind}", help=f"{kind.capitalize()} of the person, as received; `-` asks for it. Repeatable."
    )


def erase(
    login: Annotated[list[str] | None, _given("login")] = None,
    cookie: Annotated[list[str] | None, _given("cookie")] = None,
    device: Annotated[list[str] | None, _given("device")] = None,
    ip: Annotated[list[str] | None, _given("ip")] = None,
    linked: Annotated[
        bool, typer.Option("--linked", help="Also cookies and devices seen with this login only.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be erased, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove a person from every table, its history, log and checkpoints, and prove it by scanning every byte.

    Before, it lists every model and prediction that was made with the person's rows, and the landed files that held
    them: those stay yours to purge. Exit code 1 if a trace is left.
    """
    from platform_assets.cli.erasure.session import ErasureSession

    given = {kind: _values(kind, values) for kind, values in zip(KINDS, (login, cookie, device, ip), strict=True)}
    if not any(given.values()):
        raise ConfigurationError("nobody is named", where="platform erase", todo="give --login, --cookie or another")
    session = ErasureSession.opened(load_settings(), Console(stderr=True))
    try:
        survey = session.survey(given, linked=linked)
        _print_survey(survey, linked=linked)
        if dry_run:
            typer.echo("Nothing was changed.")
            return
        if not yes:
            typer.confirm("Erase? It can't be undone", abort=True)
        scan = session.erase(survey)
    finally:
        session.close()
    typer.echo(f"Scanned {scan.files:,} files, {scan.bytes:,} bytes: {len(scan.traces)} traces found.")
    typer.echo(f"Report: {session.report_file}")
    for trace in scan.traces[:SHOWN]:
        typer.echo(f"  {trace}")
    if scan.traces:
        raise TracesLeft(
            f"{len(scan.traces)} trace(s) were found, the first in {scan.traces[0]}",
            where=f"erasure {session.id}",
            todo="see docs/runbooks/erase-a-person.md for each place, then erase again",
        )


def _values(kind: str, values: Sequence[str] | None) -> list[str]:
    """Identifiers as given; `-` is asked for, or read from standard input, so that no shell keeps it."""
    read = [_asked(kind) if value == "-" else value for value in values or ()]
    if any(not value.strip() for value in read):
        raise ConfigurationError(f"the {kind} is empty", where=f"--{kind}", todo="give the identifier as received")
    return read


def _asked(kind: str) -> str:
    if sys.stdin.isatty():
        return typer.prompt(f"{kind} of the person", hide_input=True, err=True)
    return sys.stdin.readline().rstrip("\n")


def _print_survey(survey: "Survey", *, linked: bool) -> None:
    shown = Table("table", header_style="bold")
    for name in ("rows", "files", "files of older versions and orphans"):
        shown.add_column(name, justify="right")
    for found in survey.tables:
        shown.add_row(found.table, f"{found.rows:,}", str(found.files), str(found.older_files))
    if survey.tables:
        print_table(shown)
    else:
        typer.echo("No table holds anything of the person.")
    _print_linked(survey, linked=linked)
    for model in survey.models:
        learnt = "learnt from" if model.certain else "may have learnt from"
        days = f"{len(model.scored_days)} scored day(s)" if model.scored_days else "no scored day"
        typer.echo(f"Model {model.model} version {model.version} {learnt} the person's rows ({days})")
    for scores in survey.predictions:
        kept = "" if scores.live else ", an older version of the table"
        typer.echo(f"Prediction in {scores.table}, {scores.day}: {scores.rows} by version {scores.version}{kept}")
    files = [(table, name) for table, names in survey.landed_files.items() for name in names]
    if files:
        typer.echo(f"{len(files)} landed file(s) hold the person and are left as they are; purge them yourself:")
    for table, name in files:
        typer.echo(f"  {name} (read into {table})")


def _print_linked(survey: "Survey", *, linked: bool) -> None:
    if survey.person.user_ids:
        typer.echo(
            f"user_ids that the person has or had, erased in every table: {', '.join(sorted(survey.person.user_ids))}"
        )
    for kind, pseudonyms in survey.linked.own.items():
        done = "erased as well" if linked else "left; --linked erases them"
        if pseudonyms:
            typer.echo(f"{kind}s seen with this login only, {done}: {', '.join(sorted(pseudonyms))}")
    for kind, pseudonyms in survey.linked.shared.items():
        if pseudonyms:
            typer.echo(f"{kind}s seen with other logins, too, and left: {', '.join(sorted(pseudonyms))}")
