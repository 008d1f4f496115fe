"""A comparison in words: one sentence of verdict, and lines for a terminal."""

from collections.abc import Iterable

from platform_assets.domain.imported_models.clusters import Cluster
from platform_assets.domain.imported_models.column_pair import ColumnComparison
from platform_assets.domain.imported_models.comparison import Comparison


def verdict_of(comparison: Comparison) -> str:
    """Whether anything differs, and what, in a sentence or two."""
    told = f"relative tolerance {comparison.tolerance.rtol:g}, absolute {comparison.tolerance.atol:g}"
    names = ", ".join(column.name for column in comparison.columns)
    if comparison.equal:
        return f"Equal: {comparison.rows_compared:,} rows, columns {names}, {told}."
    parts = [f"{column.differing:,} value(s) of {column.name}" for column in comparison.columns if column.differing]
    if comparison.missing_here:
        parts.append(f"{comparison.missing_here:,} row(s) missing here")
    if comparison.missing_there:
        parts.append(f"{comparison.missing_there:,} row(s) missing there")
    return f"Different: {'; '.join(parts)}, of {comparison.rows_compared:,} compared rows ({told})."


def as_text(comparison: Comparison) -> str:
    """The comparison in lines: rows, then every column with its figures, worst rows and clusters."""
    lines = [verdict_of(comparison), *_rows(comparison)]
    for column in comparison.columns:
        lines += ["", *_column(column)]
    if comparison.only_there:
        lines += ["", f"not compared, only there: {', '.join(comparison.only_there)}"]
    if comparison.only_here:
        lines += ["", f"not compared, only here: {', '.join(comparison.only_here)}"]
    return "\n".join(lines)


def where_it_clusters(column: ColumnComparison) -> tuple[str, ...]:
    """The sentences that a reader needs of a column's clusters: where much more than the average share differs."""
    if not column.differing:
        return ()
    share = column.differing / column.rows
    parts, others = [], []
    for cluster in column.clusters:
        if cluster.by == "differs" and cluster.differing:
            whose = f"{cluster.differing:,} of its {column.differing:,} differing rows also differ in {cluster.part}"
            others.append(f"{whose} ({cluster.rows:,} rows do)")
        elif cluster.by != "differs" and cluster.differing and cluster.share >= max(2 * share, 0.01):
            counts = f"{cluster.differing:,} of {cluster.rows:,} rows differ ({cluster.share:.1%})"
            parts.append(f"{_named(cluster)}: {counts}")
    return (*(parts or [f"evenly: {share:.1%} of all rows, and in no part twice as many"]), *others)


def _named(cluster: Cluster) -> str:
    if cluster.by == "decile":
        return f"values there from {cluster.part}"
    return f"rows without a value of {cluster.part}" if cluster.part != "no input" else "rows with every input"


def _rows(comparison: Comparison) -> Iterable[str]:
    key = " and ".join(comparison.key)
    here, there = f"{comparison.rows_here:,} here", f"{comparison.rows_there:,} there"
    yield f"rows: {here}, {there}, {comparison.rows_compared:,} compared by {key}"
    for side, count, keys in (
        ("here", comparison.missing_here, comparison.keys_missing_here),
        ("there", comparison.missing_there, comparison.keys_missing_there),
    ):
        if count:
            yield f"missing {side}: {count:,} row(s): {', '.join(keys)}{', …' if count > len(keys) else ''}"


def _column(column: ColumnComparison) -> Iterable[str]:
    if not column.differing:
        yield f"{column.name}: equal in {column.rows:,} rows"
        return
    yield f"{column.name}: {column.differing:,} of {column.rows:,} rows differ ({column.differing / column.rows:.2%})"
    counts = (
        ("no value here", column.missing_here),
        ("no value there", column.missing_there),
        ("not a number", column.no_number),
    )
    if told := ", ".join(f"{name}: {count:,}" for name, count in counts if count):
        yield f"  {told}"
    yield f"  absolute difference: largest {column.max_absolute:.3g}, median {column.median_absolute:.3g}"
    yield f"  relative difference: largest {column.max_relative:.3g}, median {column.median_relative:.3g}"
    yield "  where:"
    yield from (f"    {each}" for each in where_it_clusters(column))
    yield "  worst rows (key: here / there, relative difference):"
    for row in column.worst:
        apart = "" if row["relative"] is None else f", {row['relative']:.3g}"
        yield f"    {row['key']}: {row['ours']!r} / {row['theirs']!r}{apart}"
