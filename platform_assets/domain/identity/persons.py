"""Which person an event belongs to: joins `user_ids` to whatever carries identifiers.

How identifiers become persons stands where `user_ids` is made; every later table asks here.
"""

from datetime import date

import ibis

from platform_assets.domain.contracts.user_ids import COOKIE, DEVICE, IDENTIFIER_COLUMNS, LOGIN

NAMING_KINDS = (LOGIN, COOKIE, DEVICE)
"""The kinds of identifiers that name a person, the strongest first; an address only helps to link them."""

NAMING_COLUMNS = tuple(IDENTIFIER_COLUMNS[kind] for kind in NAMING_KINDS)
"""The columns of `events` that hold them."""

_NEVER = date(9999, 12, 31)


def with_user_ids(rows: ibis.Table, user_ids: ibis.Table, as_of: str) -> ibis.Table:
    """`rows` with the column `user_id`: the person as known when the day in the column `as_of` ends.

    `rows` have login_hash, cookie_id and device_id; the first of them that is known and shared by few decides, and
    user_id is null where none is. `user_ids` holds every day on which one of the identifiers was seen, up to `as_of`:
    the latest row of an identifier counts. Rows are neither lost nor doubled.
    """
    stretches = user_id_stretches(user_ids)
    found = rows
    for kind in NAMING_KINDS:
        named = stretches.select(
            **{
                f"_{kind}": "identifier",
                f"_{kind}_user": "user_id",
                f"_{kind}_from": "from_day",
                f"_{kind}_to": "to_day",
            }
        )
        found = found.left_join(
            named,
            [
                found[IDENTIFIER_COLUMNS[kind]] == named[f"_{kind}"],
                found[as_of] >= named[f"_{kind}_from"],
                found[as_of] < named[f"_{kind}_to"],
            ],
        )
    person = ibis.coalesce(*(found[f"_{kind}_user"] for kind in NAMING_KINDS))
    kept = [name for name in rows.columns if name != "user_id"]
    return found.select(*kept, user_id=person)


def with_stretches(rows: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    """`rows` with `user_id`, `from_day` and `to_day`: one row for every person that its identifiers have ever meant.

    The person is known as that at the end of the days `from_day` up to before `to_day`. For whoever asks of many days
    at once: it costs one look-up for each combination of identifiers, not for each day. Rows of nobody are left out.
    """
    together = rows.select(*NAMING_COLUMNS).distinct()
    stretches = user_id_stretches(user_ids)
    changes = [
        together.join(stretches, together[column] == stretches.identifier).select(*NAMING_COLUMNS, from_day=day)
        for column in NAMING_COLUMNS
        for day in (stretches.from_day, stretches.to_day)
    ]
    known = with_user_ids(ibis.union(*changes, distinct=True), user_ids, as_of="from_day")
    to_day = known.from_day.lead().over(ibis.window(group_by=NAMING_COLUMNS, order_by="from_day"))
    known = known.mutate(to_day=to_day)
    known = known.filter(known.user_id.notnull(), known.to_day.notnull())
    joined = rows.join(known, [rows[column].identical_to(known[column]) for column in NAMING_COLUMNS])
    kept = [name for name in rows.columns if name not in ("user_id", "from_day", "to_day")]
    return joined.select(*(rows[name] for name in kept), known.user_id, known.from_day, known.to_day)


def user_id_stretches(user_ids: ibis.Table) -> ibis.Table:
    """For how long each identifier belonged to one person: identifier, user_id, `from_day` up to before `to_day`.

    Hubs are left out: they belong to nobody. The last stretch of an identifier has no end.
    """
    in_order = ibis.window(group_by="identifier", order_by="event_date")
    numbered = user_ids.mutate(before=user_ids.user_id.lag().over(in_order), place=ibis.row_number().over(in_order))
    starts = numbered.filter((numbered.place == 0) | ~numbered.user_id.identical_to(numbered.before))
    ends = starts.event_date.lead().over(in_order).fill_null(ibis.literal(_NEVER))
    stretches = starts.select("identifier", "user_id", from_day=starts.event_date, to_day=ends)
    return stretches.filter(stretches.user_id.notnull())


def followed(rows: ibis.Table, user_ids: ibis.Table, known_on: str, until: str) -> ibis.Table:
    """`rows` with the column `current_user_id`: who the person of `user_id` has become.

    `user_id` is as of the end of the day in the column `known_on`; `until` names the column of the later day, and
    `user_ids` holds the days between. A row comes once for every id that one of the person's identifiers has moved to,
    and once with its own id, which may be nobody's any more: compare with ids of that later day, and it finds nobody.
    """
    moves = user_ids.filter(user_ids.previous_user_id.notnull()).select(
        _identifier="identifier", _left="previous_user_id", _moved_on="event_date"
    )
    ids = rows.select(_user="user_id", _known=known_on, _until=until).distinct()
    left = ids.join(
        moves, [ids._user == moves._left, moves._moved_on > ids._known, moves._moved_on <= ids._until]
    ).select("_user", "_known", "_until", "_identifier")
    stretches = user_id_stretches(user_ids)
    arrived = left.join(
        stretches,
        [left._identifier == stretches.identifier, left._until >= stretches.from_day, left._until < stretches.to_day],
    ).select("_user", "_known", "_until", current_user_id="user_id")
    became = ibis.union(arrived, ids.mutate(current_user_id=ids._user), distinct=True)
    same = [rows.user_id == became._user, rows[known_on] == became._known, rows[until] == became._until]
    return rows.join(became, same).select(*rows.columns, "current_user_id")
