"""How many persons two audiences have in common, for the largest audiences of every day."""

from datetime import date

import ibis

from platform_assets.domain.audience_reports.members import known_when_days_begin
from platform_assets.domain.contracts.audience_overlap import AUDIENCE_OVERLAP, MOST_AUDIENCES


def audience_overlap(members: ibis.Table, first: date, last: date, most_audiences: int = MOST_AUDIENCES) -> ibis.Table:
    """The overlaps on the days `first` … `last`, from the members (see `members_of`) at the end of the day before each.

    One join of the members with themselves; where more than `most_audiences` have members, those with the most take
    part, of equals those first by name. Pairs without a common member have no row.
    """
    known, sizes = known_when_days_begin(members, first, last), audience_sizes(members, first, last)
    largest_first = ibis.window(group_by="event_date", order_by=[ibis.desc("members"), "audience"])
    largest = sizes.filter(ibis.row_number().over(largest_first) < most_audiences)
    among = known.select("event_date", "audience", "user_id").semi_join(largest, ["event_date", "audience"])
    other = among.view()
    pairs = among.join(
        other,
        [
            among.event_date == other.event_date,
            among.user_id == other.user_id,
            among.audience < other.audience,
        ],
    ).select("event_date", "audience", other_audience=other.audience)
    both = pairs.group_by("event_date", "audience", "other_audience").aggregate(members_in_both=pairs.count())
    return _measured(both, largest)


def audience_sizes(members: ibis.Table, first: date, last: date) -> ibis.Table:
    """How many members every audience has when a day begins: `event_date`, `audience`, `members`."""
    known = known_when_days_begin(members, first, last)
    return known.group_by("event_date", "audience").aggregate(members=known.count())


def _measured(both: ibis.Table, sizes: ibis.Table) -> ibis.Table:
    """Every pair from both sides, with the members of each and what they share."""
    swapped = both.select("event_date", "members_in_both", audience="other_audience", other_audience="audience")
    pairs = ibis.union(both, swapped.select(*both.columns))
    sized = pairs.join(sizes, ["event_date", "audience"])
    others = sizes.select("event_date", other_audience="audience", other_members="members")
    sized = sized.join(others, ["event_date", "other_audience"])
    common = sized.members_in_both.cast("float64")
    return sized.mutate(
        members_share=common / sized.members,
        smaller_share=common / ibis.least(sized.members, sized.other_members),
        jaccard=common / (sized.members + sized.other_members - sized.members_in_both),
    ).select(*AUDIENCE_OVERLAP.column_names)
