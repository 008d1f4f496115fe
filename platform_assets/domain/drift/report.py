"""The drift of a day as one HTML page that people read: no scripts, nothing fetched from anywhere."""

from collections.abc import Iterable, Mapping
from html import escape
from math import isnan
from typing import Any

import pandas as pd

from platform_assets.domain.drift.comparison import FEATURE, LABEL, LAST_WEEK, SCORE, TRAINING, VOLUME
from platform_assets.domain.drift.day import DriftOfDay
from platform_assets.domain.drift.report_pictures import histogram, rows_a_day
from platform_assets.domain.drift.report_style import STYLE
from platform_assets.domain.model_spec import ModelSpec

REFERENCES = {TRAINING: "training", LAST_WEEK: "last week"}
Row = Mapping[str, Any]


def drift_report(found: DriftOfDay, spec: ModelSpec) -> str:
    """The page of a day: the verdict, what has drifted and why, and every column with its distribution."""
    rows = found.rows.to_dict("records")
    of_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in (FEATURE, SCORE, LABEL, VOLUME)}
    title = f"Drift of {spec.name} on {found.day:%A, %d %B %Y}"
    table = f"{spec.table('drift')}, partition {found.day}"
    told = {"Version": found.version, **_references(found), "Thresholds": _thresholds(spec), "Rows in": table}
    kind = "drifted" if len(found.drifted) else "quiet"
    sections = [
        _section("What has drifted", _reasons(found.drifted)),
        _section("Features", _columns(found, of_kind[FEATURE]), "Grey: the training. Line: the day."),
        _section("Scores", _columns(found, of_kind[SCORE]), "Of the training: what the version says of held-out days."),
        _section(
            "Labels", _columns(found, of_kind[LABEL]), "Of the last day with final labels: the share of positives."
        ),
        _section("Volume", _volume(found, of_kind[VOLUME])),
        _section("Not compared", "".join(f"<p>{escape(each)}</p>" for each in found.absent)),
        _section("How to read this", _HOW),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f'<h1>{escape(title)}</h1><p class="verdict {kind}">{escape(found.verdict)}</p>'
        f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in told.items())}</dl>"
        f"{''.join(sections)}</body></html>\n"
    )


_HOW = """<p>A column has drifted where an effect passes its threshold and chance doesn't explain it. PSI is the
population stability index over the deciles of the reference, or over its values where they are few; of labels and
volume it is (r − 1) · ln r of the ratio r to the reference. Moved is the Wasserstein distance in standard deviations
of the reference. p is the least chance of a column's tests, adjusted by Holm's procedure over all columns of the day:
a day on which nothing changed is called drifted with no more than the probability among the thresholds. A day is
compared with days of its own weekday, and a person counts once.</p>"""


def _section(title: str, content: str, note: str = "") -> str:
    if not content:
        return ""
    return f"<section><h2>{title}</h2>{f'<p class=note>{note}</p>' if note else ''}{content}</section>"


def _references(found: DriftOfDay) -> dict[str, str]:
    """Which days each reference holds, by its name."""
    told = {}
    for reference, name in REFERENCES.items():
        days = [pair.before for pair in found.pairs if pair.reference == reference and pair.kind == FEATURE]
        for before in days:
            span = f"{before.days[0]}" if len(before.days) == 1 else f"{len(before.days)} days, {before.days[0]} to "
            span += "" if len(before.days) == 1 else f"{before.days[-1]}"
            told[name.capitalize()] = f"{span}: {before.rows:,} rows of {before.entities:,} entities"
    return told


def _thresholds(spec: ModelSpec) -> str:
    policy = spec.drift
    return (
        f"PSI {policy.psi:g}, missing ± {policy.missing_change:.0%}, unseen values {policy.new_categories:.0%}, "
        f"p {policy.significance:g} over all columns"
    )


def _reasons(drifted: pd.DataFrame) -> str:
    lines = [
        f"<tr><td>{escape(row['kind'])}</td><td><b>{escape(row['subject'])}</b></td>"
        f"<td>{REFERENCES[row['reference']]}</td><td class=wide>{escape(row['reason'])}</td></tr>"
        for row in drifted.to_dict("records")
    ]
    return _table(("", "column", "against", "why"), lines)


def _columns(found: DriftOfDay, rows: list[dict[str, Any]]) -> str:
    """One line a column, the furthest from its training first."""
    by_subject: dict[str, dict[str, Row]] = {}
    for each in rows:
        by_subject.setdefault(each["subject"], {})[each["reference"]] = each
    sides = {(pair.reference, pair.kind): pair for pair in found.pairs}
    lines = []
    for subject, own in sorted(by_subject.items(), key=_furthest_first):
        row = own.get(TRAINING) or own[LAST_WEEK]
        pair = sides[row["reference"], row["kind"]]
        picture = histogram(pair.today.columns[subject], pair.before.columns[subject])
        drifted = any(each["drifted"] for each in own.values())
        cells = (
            f"<b>{escape(subject)}</b>",
            picture,
            *(_index(own.get(reference), found.policy.psi) for reference in REFERENCES),
            _number(row["wasserstein"]),
            _change(row["reference_mean"], row["mean"], "{:.4g}"),
            _change(row["reference_missing_share"], row["missing_share"], "{:.1%}"),
            _number(row["new_category_share"], "{:.1%}"),
            _number(min(each["adjusted_p_value"] for each in own.values()), "{:.1g}"),
        )
        lines.append(f'<tr class="{"moved" if drifted else ""}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
    heads = ("column", "distribution", "PSI training", "PSI last week", "moved", "mean", "missing", "unseen", "p")
    return _table(heads, lines)


def _furthest_first(item: tuple[str, dict[str, Row]]) -> tuple[bool, float, str]:
    subject, own = item
    indices = [row["psi"] for row in own.values() if not isnan(row["psi"])]
    return not any(row["drifted"] for row in own.values()), -max(indices, default=-1), subject


def _volume(found: DriftOfDay, rows: list[dict[str, Any]]) -> str:
    lines = [
        f'<tr class="{"moved" if row["drifted"] else ""}"><td><b>{escape(row["subject"])}</b></td>'
        f"<td>{REFERENCES[row['reference']]}</td><td>{row['reference_rows']:,} → {row['rows']:,}</td>"
        f"<td>{_index(row, found.policy.psi)}</td><td>{_number(row['adjusted_p_value'], '{:.1g}')}</td></tr>"
        for row in rows
    ]
    return rows_a_day(found.rows_by_day, found.day) + _table(("table", "against", "rows", "index", "p"), lines)


def _table(heads: Iterable[str], lines: list[str]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>" if lines else ""


def _index(row: Row | None, threshold: float) -> str:
    """A stability index with a bar as long as it is, marked where it made the column drift."""
    if row is None or isnan(row["psi"]):
        return '<span class="none">–</span>'
    mark = " over" if row["drifted"] and row["psi"] >= threshold else ""
    return f'<span class="index{mark}" style="--size:{min(row["psi"], 1):.3f}">{row["psi"]:.2f}</span>'


def _number(value: float, form: str = "{:.2f}") -> str:
    return '<span class="none">–</span>' if isnan(value) else form.format(value)


def _change(before: float, now: float, form: str) -> str:
    """Both figures, or one where they read the same."""
    shown = [_number(before, form), _number(now, form)]
    return shown[0] if shown[0] == shown[1] else " → ".join(shown)
