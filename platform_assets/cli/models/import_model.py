"""`platform models import`: a model from elsewhere, its code unchanged, checked, scored, compared and registered."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platform_assets.cli.models.import_options import hooks_and_code, listed, mapped, require_name
from platform_assets.cli.models.import_report import require_known_suffix, told, write_report
from platform_assets.cli.models.legacy_output import read_legacy_output
from platform_assets.domain.errors import PlatformError

if TYPE_CHECKING:
    from platform_assets.domain.imported_models.comparison import Comparison
    from resources.model_registry.imported.importing import Prepared
    from resources.model_registry.imported.record import ImportRequest
    from resources.model_registry.model_version import ModelVersion
    from resources.settings import Settings


class ScoresDiffer(PlatformError):
    """The imported model and the system it comes from don't give the same. The version is no challenger."""


def import_model(
    name: Annotated[str, typer.Argument(help="The model's name in the registry, e.g. churn.")],
    model: Annotated[
        Path, typer.Option(help="model.skops, model.onnx, model.joblib, a folder by MLflow, or any file with --load.")
    ],
    table: Annotated[str, typer.Option(help="The table whose rows the model, or its code, takes.")],
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day that is scored (UTC).")],
    code: Annotated[str, typer.Option(help="Feature code, file.py:function: takes the rows, returns a frame.")] = "",
    load: Annotated[str, typer.Option(help="Loader, file.py:function: takes a path, returns the model.")] = "",
    predict: Annotated[str, typer.Option(help="file.py:function: takes model and features, returns scores.")] = "",
    include: Annotated[
        list[Path] | None, typer.Option(help="File or folder that the code imports. Repeatable.")
    ] = None,
    takes: Annotated[str, typer.Option(help="What the feature code takes: pandas or arrow.")] = "pandas",
    features: Annotated[str, typer.Option(help="The model's inputs in order, if it doesn't name them: a,b,c.")] = "",
    columns: Annotated[str, typer.Option(help="Columns of the table that the code is given; default: all.")] = "",
    output: Annotated[str, typer.Option(help="The output of an ONNX graph that holds the scores.")] = "",
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Let a pickle's code run, to convert it.")
    ] = False,
    compare: Annotated[Path | None, typer.Option(help="The other system's scores of the day: CSV or Parquet.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="Key of a row; default: the table's. Repeatable.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="theirs=ours: a column's name there. Repeatable.")
    ] = None,
    rtol: Annotated[float, typer.Option(min=0, help="Relative difference that still counts as equal.")] = 1e-9,
    atol: Annotated[float, typer.Option(min=0, help="Absolute difference that still counts as equal.")] = 0.0,
    report: Annotated[Path | None, typer.Option(help="Write the comparison here: .html, .json or .txt.")] = None,
    trained_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day the model has seen; default: --day.")
    ] = None,
    owner: Annotated[
        str, typer.Option(help="Who answers for it: team:<name> or an e-mail address.")
    ] = "team:data-platform",
    description: Annotated[str, typer.Option(help="What the model is for, in a sentence.")] = "",
    origin: Annotated[str, typer.Option(help="Where it comes from, for its card.")] = "",
) -> None:
    """Take in a model that was trained elsewhere, unchanged, and prove that it gives the same scores.

    It is checked against the table, scores the day, is compared with the other system's file and registered. Equal, or
    compared with nothing, it becomes challenger, never champion. Exit code 1 if anything differs or doesn't fit.

    Example: platform models import churn --model churn.skops --code features.py:build --table user_features
    --day 2026-02-01 --compare legacy.csv --map probability=score --report churn.html
    """
    from platform_assets.cli.models.table_rows import table_rows
    from platform_assets.domain.imported_models.column_pair import Tolerance
    from resources.model_registry.imported.importing import compare_with, prepare_import
    from resources.model_registry.imported.opening import open_model
    from resources.model_registry.imported.record import ImportRequest
    from resources.settings import load_settings

    require_name(name)
    require_known_suffix(report)
    settings, names, day_ = load_settings(), mapped(map_ or []), day.date()
    hooks, files = hooks_and_code(code, load, predict, include or [], takes)
    _say(f"reading {table} of {day_}")
    rows, version = table_rows(settings, table, day_, tuple(key or ()))
    _say(f"opening {model}")
    opened = open_model(model, hooks, files, names=listed(features), output=output, trust_pickle=trust_pickle)
    _say(f"checking the signature and scoring {rows.rows.num_rows:,} rows")
    prepared = prepare_import(opened, rows, columns=listed(columns), where=f"{model} on {table}")
    comparison = None
    if compare is not None:
        _say(f"comparing with {compare}")
        theirs = read_legacy_output(compare, names, rows.key, day_column=rows.day_column, day=day_)
        comparison = compare_with(theirs, prepared, rows, Tolerance(rtol, atol))
    until = trained_until.date() if trained_until else day_
    purpose, came_from = description or f"Imported model {name}.", origin or model.name
    request = ImportRequest(
        name, purpose, owner, came_from, until, day_, version, until_is_said=trained_until is not None
    )
    registered = _registered(settings, request, prepared, comparison)
    typer.echo(told(registered, prepared, comparison))
    if report is not None:
        write_report(report, registered, prepared, comparison)
        _say(f"wrote {report}")
    if comparison is not None and not comparison.equal:
        raise ScoresDiffer(
            f"{registered} doesn't give what {compare} holds, so it is no challenger",
            where=name,
            todo="read which columns differ, how much and where; mend the cause and import again",
        )


def _registered(
    settings: "Settings", request: "ImportRequest", prepared: "Prepared", comparison: "Comparison | None"
) -> "ModelVersion":
    """The registered version; only one that differs from nothing it was compared with becomes challenger."""
    from resources.model_registry.imported.record import import_record, import_tags
    from resources.model_registry.registry import ModelRegistry

    _say("registering")
    verdict = "none" if comparison is None else "equal" if comparison.equal else "different"
    return ModelRegistry(settings.tracking_uri, settings.model_files_root).register_import(
        import_record(request, prepared, comparison),
        tags=import_tags(request, prepared),
        comparison=verdict,
        as_challenger=verdict != "different",
    )


def _say(text: str) -> None:
    """Progress, apart from the result, so that the result can be piped."""
    typer.secho(text, fg=typer.colors.BRIGHT_BLACK, err=True)
