"""What is told of `user_ids` beside its rows: figures of every day, and how many identifiers persons have."""

import ibis

DayFigures = dict[str, dict[str, int]]


def summary_by_day(rows: ibis.Table) -> DayFigures:
    """Figures by day (ISO text) for the UI: persons, identifiers, changes, hubs seen, found today, and the largest.

    `moved` counts identifiers that belong to another person than the day before; `largest_hub` with how many others of
    one kind the most shared identifier of the day was seen.
    """
    found = rows.group_by("event_date").aggregate(
        identifiers=rows.count(),
        persons=rows.user_id.nunique(),
        moved=rows.count(where=rows.previous_user_id.notnull()),
        hubs=rows.count(where=rows.is_hub),
        largest_hub=rows.shared_by.max().fill_null(0),
    )
    return {row.pop("event_date").isoformat(): row for row in found.to_pyarrow().to_pylist()}
