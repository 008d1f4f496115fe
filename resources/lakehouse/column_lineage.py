"""Which source columns every output column is computed from, read off the compiled expression.

The expression says it exactly, so nobody declares lineage by hand. How lineage is shown stays in `io_manager`.
"""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

ColumnSources = dict[str, set[tuple[str, str]]]


def column_lineage(sql: str, source_tables: Mapping[str, str], columns: list[str]) -> ColumnSources:
    """For every output column the set of (table, column) that its value is computed from.

    `sql` is a DuckDB query as Ibis compiles it (every column qualified or unambiguous); `source_tables` maps the
    names that stand in it to table names. Columns that decide which rows there are (filters, join keys) don't count.
    """
    scope = build_scope(sqlglot.parse_one(sql, dialect="duckdb"))
    if scope is None:
        return {name: set() for name in columns}
    known: dict[tuple[int, str], set[tuple[str, str]]] = {}
    found = {}
    for name in columns:
        found[name] = {
            (source_tables[table], column)
            for table, column in _sources_of(scope, name, known)
            if table in source_tables
        }
    return found


def _sources_of(scope: Scope, column: str, known: dict[tuple[int, str], set[tuple[str, str]]]) -> set[tuple[str, str]]:
    key = (id(scope), column)
    if key in known:
        return known[key]
    known[key] = set()
    found: set[tuple[str, str]] = set()
    if scope.set_operation_scopes:
        # Ibis unites tables with the same column names only, so a name means the same in every part.
        for part in scope.set_operation_scopes:
            found |= _sources_of(part, column, known)
    else:
        for select in _selects(scope):
            if select.is_star:
                for alias, (_, source) in scope.selected_sources.items():
                    if not isinstance(select, exp.Column) or select.table == alias:
                        found |= _from_source(scope, alias, column, source, known)
            elif select.alias_or_name == column:
                found |= _columns_in(scope, select, known)
    known[key] = found
    return found


def _selects(scope: Scope) -> list[exp.Expr]:
    query = scope.expression
    return list(query.selects) if isinstance(query, exp.Query) else []


def _columns_in(scope: Scope, select: exp.Expr, known: dict) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for column in select.find_all(exp.Column):
        sources = scope.selected_sources
        aliases = [column.table] if column.table in sources else list(sources)
        for alias in aliases:
            found |= _from_source(scope, alias, column.name, sources[alias][1], known)
    return found


def _from_source(scope: Scope, alias: str, column: str, source: object, known: dict) -> set[tuple[str, str]]:
    if isinstance(source, Scope):
        return _sources_of(source, column, known)
    if isinstance(source, exp.Table):
        return {(source.name, column)}
    return set()
