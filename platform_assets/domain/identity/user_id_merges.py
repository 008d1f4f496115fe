"""Which persons turned out to be others on a day, read off `user_ids` and the day's pairs."""

import ibis

from platform_assets.domain.contracts.user_id_merges import MERGED, PARTED, USER_ID_MERGES


def user_id_merges(user_ids: ibis.Table, pairs: ibis.Table) -> ibis.Table:
    """One row for each person from whom identifiers went over to another, with the pair that showed it.

    Both tables hold the same days. Of several pairs that lead out of a person, the first in order is named; without
    one the person was parted.
    """
    people = user_ids.filter(~user_ids.is_hub)
    moved = people.filter(people.previous_user_id.notnull())
    keys = {"from_user_id": moved.previous_user_id, "into_user_id": moved.user_id}
    merges = moved.group_by("event_date", **keys).aggregate(identifiers=moved.count())
    way_out = _ways_out(people, pairs)
    told = merges.left_join(way_out, ["event_date", "from_user_id"])
    reason = told.identifier.notnull().ifelse(ibis.literal(MERGED), ibis.literal(PARTED))
    return told.mutate(reason=reason).select(*USER_ID_MERGES.column_names)


def _ways_out(people: ibis.Table, pairs: ibis.Table) -> ibis.Table:
    """For every person and day, the first of the pairs that tie one of its identifiers to somebody else's."""
    before = people.select("event_date", "identifier", person=people.previous_user_id.coalesce(people.user_id))
    others = before.select("event_date", other_identifier="identifier", other_person="person")
    ends = pairs.filter(pairs.other_identifier.notnull()).select("event_date", "identifier", "other_identifier")
    ends = ends.join(before, ["event_date", "identifier"]).join(others, ["event_date", "other_identifier"])
    leading = ends.filter(ends.person != ends.other_person)
    pair = ["event_date", "identifier", "other_identifier"]
    both = ibis.union(leading.select(*pair, from_user_id="person"), leading.select(*pair, from_user_id="other_person"))
    in_order = ibis.window(group_by=["event_date", "from_user_id"], order_by=["identifier", "other_identifier"])
    return both.filter(ibis.row_number().over(in_order) == 0)
