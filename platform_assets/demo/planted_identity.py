"""How well `user_ids` finds the planted persons: of all pairs of identifiers, which are said to be one person.

The truth is read here and in tests only; no asset knows it.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis

from platform_assets.domain.contracts.user_ids import COOKIE, DEVICE, LOGIN
from platform_assets.domain.identity.user_ids import latest_rows
from platform_assets.domain.pseudonyms import pseudonym

PLANTED_KINDS = {"login": LOGIN, "cookie_id": COOKIE, "device_id": DEVICE}
"""Kind in the truth → kind of identifier. Addresses link persons and are none, so they aren't counted."""


@dataclass(frozen=True)
class PlantedIdentity:
    """Pairs of identifiers that are one person: `found` as such, `planted` so, and `both`.

    `identifiers` were seen, of `persons`. Planted hubs are left out, or (`with_hubs`) counted as somebody each, so that
    every pair with one is wrong. What is taken for a hub pairs with nothing.
    """

    identifiers: int
    persons: int
    found: int
    planted: int
    both: int

    @property
    def precision(self) -> float:
        """Of the pairs found, the share that is planted; 1 where nothing is found."""
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs planted, the share that is found; 1 where nothing is planted."""
        return self.both / self.planted if self.planted else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def planted_identity(
    user_ids: ibis.Table, identifiers: ibis.Table, hubs: ibis.Table, last: date, *, with_hubs: bool = False
) -> PlantedIdentity:
    """Compare what is known when the day `last` ends with the truth tables `identifiers` and `hubs`."""
    known = latest_rows(user_ids.filter(user_ids.event_date <= last)).select("identifier", "user_id")
    whose = _pseudonymous(identifiers, identifiers.person_id.cast(str))
    if with_hubs:
        whose = ibis.union(whose, _pseudonymous(hubs, "hub " + hubs.identifier))
    seen = known.join(whose, "identifier")
    somebody = seen.mutate(user_id=seen.user_id.coalesce(seen.identifier))
    together = somebody.group_by("user_id", "person").aggregate(size=somebody.count())
    counts = seen.aggregate(identifiers=seen.count(), persons=seen.person.nunique()).to_pyarrow().to_pylist()[0]
    found = together.group_by("user_id").aggregate(size=together["size"].sum())
    planted = together.group_by("person").aggregate(size=together["size"].sum())
    return PlantedIdentity(**counts, found=_pairs(found), planted=_pairs(planted), both=_pairs(together))


def read_planted(backend: ibis.BaseBackend, truth_folder: Path) -> tuple[ibis.Table, ibis.Table]:
    """The truth tables `identifiers` and `hubs`."""
    found = [backend.read_parquet(str(truth_folder / f"{name}.parquet")) for name in ("identifiers", "hubs")]
    return found[0], found[1]


def _pseudonymous(truth: ibis.Table, person: ibis.expr.types.StringValue) -> ibis.Table:
    """Identifier and person, for the kinds that count."""
    hashed = [(truth.kind == planted, pseudonym(kind, truth.identifier)) for planted, kind in PLANTED_KINDS.items()]
    named = truth.select(identifier=ibis.cases(*hashed, else_=ibis.null(str)), person=person)
    return named.filter(named.identifier.notnull())


def _pairs(groups: ibis.Table) -> int:
    size = groups["size"].cast("int64")
    return int((size * (size - 1) / 2).sum().fill_null(0).to_pyarrow().as_py())
