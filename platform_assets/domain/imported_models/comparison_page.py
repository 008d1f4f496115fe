"""A comparison as one HTML page that needs nothing else: no script, no font, no address."""

from collections.abc import Iterable, Sequence
from html import escape

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING
from platform_assets.domain.imported_models.clusters import Cluster
from platform_assets.domain.imported_models.column_pair import ColumnComparison
from platform_assets.domain.imported_models.comparison import Comparison
from platform_assets.domain.imported_models.comparison_text import verdict_of, where_it_clusters

_STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; max-width: 60rem; margin: 2.5rem auto; padding: 0 1.5rem }}
h1 {{ font-size: 1.5rem; margin: 0 0 .75rem }} h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .5rem }}
h3 {{ font-size: .85rem; color: #52606d; font-weight: 600; margin: 1.4rem 0 .35rem }}
.verdict {{ border-left: 5px solid {ACCENT}; background: #f4f7fe; padding: .8rem 1rem; border-radius: 0 6px 6px 0 }}
.verdict.different {{ border-color: {WARNING}; background: #fff8ee }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }}
th {{ text-align: left; font-weight: 600; color: #52606d; font-size: .85rem }}
th, td {{ padding: .3rem .75rem .3rem 0; border-bottom: 1px solid {GRID}; overflow-wrap: anywhere }}
.n {{ text-align: right }} ul {{ margin: .3rem 0; padding-left: 1.2rem }}
.bar {{ background: {GRID}; border-radius: 3px; height: .7rem; width: 100% }}
.bar i {{ display: block; background: {WARNING}; border-radius: 3px; height: 100% }}
footer {{ margin-top: 2.5rem; color: {FAINT}; font-size: .85rem }}
"""


def comparison_page(comparison: Comparison, title: str, notes: Sequence[str] = ()) -> str:
    """The page: verdict, columns at a glance, then of each column that differs where, how much and which rows."""
    kind = "" if comparison.equal else " different"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict{kind}">{escape(verdict_of(comparison))}</p>',
        _list(notes),
        "<h2>Rows</h2>",
        *_rows(comparison),
        "<h2>Columns</h2>",
        _glance(comparison.columns),
    ]
    for column in comparison.columns:
        if column.differing:
            body += _column(column, comparison)
    unread = [("only there", comparison.only_there), ("only here", comparison.only_here)]
    told = "; ".join(f"{side}: {', '.join(names)}" for side, names in unread if names)
    body.append(f"<footer>Not compared, because {escape(told)}.</footer>" if told else "")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    page = f'<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{"".join(body)}\n</body></html>'
    return f"<!doctype html>\n{page}\n"


def _rows(comparison: Comparison) -> Iterable[str]:
    yield _table(
        ("here", "there", "compared", "missing here", "missing there"),
        [
            (
                f"{comparison.rows_here:,}",
                f"{comparison.rows_there:,}",
                f"{comparison.rows_compared:,}",
                f"{comparison.missing_here:,}",
                f"{comparison.missing_there:,}",
            )
        ],
        numbers_from=0,
    )
    for side, keys in (("here", comparison.keys_missing_here), ("there", comparison.keys_missing_there)):
        if keys:
            yield f"<p>Missing {side}, the first: {escape(', '.join(keys))}</p>"


def _glance(columns: Sequence[ColumnComparison]) -> str:
    names = (
        "column",
        "rows",
        "differing",
        "largest absolute",
        "median absolute",
        "largest relative",
        "median relative",
    )
    return _table(
        names,
        [
            (
                each.name,
                f"{each.rows:,}",
                f"{each.differing:,}",
                *(
                    f"{number:.3g}"
                    for number in (each.max_absolute, each.median_absolute, each.max_relative, each.median_relative)
                ),
            )
            for each in columns
        ],
    )


def _column(column: ColumnComparison, comparison: Comparison) -> Iterable[str]:
    yield f"<h2>{escape(column.name)}: {column.differing:,} of {column.rows:,} rows differ</h2>"
    yield f"<h3>Where</h3>{_list(where_it_clusters(column))}"
    deciles = [each for each in column.clusters if each.by == "decile"]
    if deciles:
        yield "<h3>Share that differs, by tenth of the values there</h3>" + _bars(deciles)
    missing = [each for each in column.clusters if each.by == "missing"]
    if missing:
        yield "<h3>Share that differs, by input without a value</h3>" + _bars(missing)
    yield "<h3>Rows that differ most</h3>"
    yield _table(
        (" | ".join(comparison.key), "here", "there", "absolute", "relative"),
        [
            (row["key"], _exact(row["ours"]), _exact(row["theirs"]), _short(row["absolute"]), _short(row["relative"]))
            for row in column.worst
        ],
    )


def _bars(clusters: Sequence[Cluster]) -> str:
    return f"<table>{''.join(map(_bar, clusters))}</table>"


def _bar(cluster: Cluster) -> str:
    bar = f'<div class="bar"><i style="width:{cluster.share:.2%}"></i></div>'
    count = f"{cluster.differing:,} of {cluster.rows:,}"
    part = f'<td style="width:17rem">{escape(cluster.part)}</td>'
    return f'<tr>{part}<td>{bar}</td><td class="n" style="width:9rem">{count}</td></tr>'


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    def cells(tag: str, values: Sequence[str]) -> str:
        kinds = (' class="n"' if place >= numbers_from else "" for place in range(len(values)))
        pairs = zip(kinds, values, strict=True)
        return "<tr>" + "".join(f"<{tag}{kind}>{escape(value)}</{tag}>" for kind, value in pairs) + "</tr>"

    return f"<table>{cells('th', names)}{''.join(cells('td', row) for row in rows)}</table>"


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in sentences)}</ul>" if sentences else ""


def _exact(value: object) -> str:
    return "none" if value is None else str(value)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else _exact(value)
