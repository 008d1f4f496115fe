"""Features of a person on a day from the categories of what they visited: from their audiences of the day before.

Point in time: the audiences of a day know the visits up to it, their categories then, and who is who when it ends.
"""

from collections.abc import Sequence

import ibis

from platform_assets.domain.contracts.user_features import CATEGORY_FEATURES


def with_category_features(
    features: ibis.Table, category_audiences: ibis.Table | None, commerce: Sequence[str]
) -> ibis.Table:
    """`features` with the columns `CATEGORY_FEATURES`: null for who visited no site of a known category, and for all
    where there are no audiences of the day before, or none at all (None). `commerce` are the categories that sell."""
    if category_audiences is None:
        return features.mutate(**{each.name: ibis.null(each.dtype) for each in CATEGORY_FEATURES})
    known = category_features(category_audiences, commerce)
    joined = features.left_join(known, ["event_date", "user_id"], rname="_known_{name}")
    return joined.select(*features.columns, *(each.name for each in CATEGORY_FEATURES))


def category_features(category_audiences: ibis.Table, commerce: Sequence[str]) -> ibis.Table:
    """One row for every person and the day after one on which they are in an audience: event_date, user_id, features.

    Everything is counted in whole events, so that no order of adding changes a last digit.
    """
    seen = category_audiences
    sells = seen.category.isin(list(commerce)) if commerce else ibis.literal(False)
    counted = seen.group_by(last_day=seen.event_date, user_id=seen.user_id).aggregate(
        categories=seen.count(),
        events=seen.events.sum(),
        most=seen.events.max(),
        squares=(seen.events * seen.events).sum(),
        commerce=seen.events.sum(where=sells).fill_null(0),
    )
    events = counted.events.cast("float64")
    return counted.select(
        "user_id",
        event_date=(counted.last_day + ibis.interval(days=1)).cast("date"),
        categories_28d=counted.categories,
        top_category_share_28d=counted.most / events,
        category_concentration_28d=counted.squares / (events * events),
        commerce_share_28d=counted.commerce / events,
    )
