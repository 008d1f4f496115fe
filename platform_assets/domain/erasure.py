"""What counts as a trace of a person: their pseudonyms, their identifiers as received, and mentions in free text.

Pure expressions and patterns; finding files, rewriting and deleting them stands in `resources.lakehouse.erasure`.

A pseudonym can't be anybody else's, so it counts wherever it stands. An identifier as received counts in free text,
and if it is unmistakable (an e-mail address, not a number of four digits) in every text. It counts as a whole only:
`bob` is not in `bobby`, and `bob@x.de` not in `jim.bob@x.de`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from urllib.parse import quote, quote_plus

import ibis
import ibis.expr.types as ir

from platform_assets.domain.contracts.contract import REJECT_REASON
from platform_assets.domain.contracts.erased_persons import ERASED
from platform_assets.domain.engine_functions import keyed_hash, try_url_decode
from platform_assets.domain.events import identifiers
from platform_assets.domain.pseudonyms import PSEUDONYM_DIGITS
from platform_assets.domain.source import Source

KINDS = ("login", "cookie", "device", "ip")
"""Kinds of identifiers that a person can be erased by."""

FREE_TEXT = frozenset({"record", "reason", "extra_fields", "url", "path", "referrer", "request", "user_agent"})
"""Columns of any table whose text is not one identifier but may mention one."""

_FREE_TEXT_FIELDS = ("url", "referrer", "user_agent")
_UNMISTAKABLE_LENGTH = 8
_BEFORE, _AFTER = r"(?:^|[^{word}.+@\-])[.+\-]*", r"[.+\-]*(?:$|[^{word}.+@\-])"


@dataclass(frozen=True)
class Person:
    """Who is to be erased: pseudonyms by kind, identifiers as received, and every user_id that they ever had."""

    pseudonyms: Mapping[str, frozenset[str]]
    values: frozenset[str] = field(default_factory=frozenset, repr=False)
    user_ids: frozenset[str] = frozenset()

    @property
    def all_pseudonyms(self) -> tuple[str, ...]:
        """The pseudonyms of all kinds and the user_ids, sorted."""
        return tuple(sorted(self.user_ids.union(*self.pseudonyms.values())))

    @property
    def unmistakable(self) -> tuple[str, ...]:
        """Identifiers that are nobody else's words, sorted."""
        return tuple(sorted(filter(is_unmistakable, self.values)))

    def with_more(
        self, pseudonyms: Mapping[str, Iterable[str]], values: Iterable[str], user_ids: Iterable[str] = ()
    ) -> "Person":
        """The same person, known by more."""
        kinds = {kind: frozenset(self.pseudonyms.get(kind, ())) | frozenset(pseudonyms.get(kind, ())) for kind in KINDS}
        return Person(kinds, self.values | frozenset(values), self.user_ids | frozenset(user_ids))


def is_unmistakable(value: str) -> bool:
    """Whether a text is long and mixed enough to be an identifier wherever it stands."""
    kinds = (any(map(str.isalpha, value)), any(map(str.isdigit, value)), not value.isalnum())
    return len(value) >= _UNMISTAKABLE_LENGTH and sum(kinds) >= 2


def mention_pattern(values: Iterable[str], *, escaped: bool = False, word: str = r"\p{L}\p{N}_") -> str:
    """A regular expression that finds any of the values as a whole, whatever their case.

    `escaped` finds them percent-encoded as well. `word` are the characters that words are made of: the default is for
    RE2 (DuckDB, Arrow), `\\w` for Python.
    """
    forms = {form for value in values for form in (value, json.dumps(value)[1:-1])}
    if escaped:
        forms |= {form for value in values for form in (quote(value), quote(value, safe=""), quote_plus(value))}
    alternatives = "|".join(re.escape(form) for form in sorted(forms))
    return f"(?i){_BEFORE.format(word=word)}(?:{alternatives}){_AFTER.format(word=word)}"


def holds(
    table: ibis.Table, person: Person, source: Source | None = None, *, besides: Sequence[str] = ()
) -> ir.BooleanValue:
    """Whether a row is the person's or tells of them.

    `source` is the source of a raw table; the columns `besides` don't count.
    """
    texts = [name for name, dtype in table.schema().items() if dtype.is_string() and name not in besides]
    found: list[ir.BooleanValue] = []
    if person.all_pseudonyms:
        found += [table[name].re_search("|".join(person.all_pseudonyms)) for name in texts]
    if person.values:
        free = free_text_columns(texts, source)
        found += [_mentions(table[name], person.values) for name in free]
        if person.unmistakable:
            found += [_mentions(table[name], person.unmistakable) for name in texts if name not in free]
    if source is not None:
        found += [is_of(table, source, person.pseudonyms)]
    return reduce(lambda either, other: either | other, [each.fill_null(False) for each in found], ibis.literal(False))


def free_text_columns(columns: Sequence[str], source: Source | None = None) -> list[str]:
    """Those of the text columns in which a mention counts."""
    free = set(FREE_TEXT)
    if source is not None:
        mapped = [source.fields[name] for name in _FREE_TEXT_FIELDS if name in source.fields]
        free |= {source.raw_column(each) for mapping in mapped for each in mapping.fields}
    return [name for name in columns if name in free]


def _mentions(text: ir.StringValue, values: Iterable[str]) -> ir.BooleanValue:
    decoded = ibis.cases((text.contains("%"), try_url_decode(text).fill_null(text)), else_=text)
    return decoded.re_search(mention_pattern(values))


def is_of(raw: ibis.Table, source: Source, pseudonyms: Mapping[str, Iterable[str]]) -> ir.BooleanValue:
    """Whether a raw row carries one of the identifiers, in whatever way the source writes it."""
    own = identifiers(raw, source)
    found = [own[kind].isin(sorted(wanted)) for kind, wanted in pseudonyms.items() if wanted and kind in own]
    return reduce(lambda either, other: either | other, [each.fill_null(False) for each in found], ibis.literal(False))


def erasure_mark(pseudonym: ir.StringValue) -> ir.StringValue:
    """What is kept of an erased pseudonym: a further keyed hash, which stands in no other table."""
    return keyed_hash("erased:" + pseudonym).substr(0, PSEUDONYM_DIGITS)


def without_erased(parsed: ibis.Table, source: Source, marks: Mapping[str, Sequence[str]]) -> ibis.Table:
    """Raw records in which those of erased persons have the reason of the declared drop; `marks` are by kind."""
    own = identifiers(parsed, source)
    erased = [
        erasure_mark(own[kind]).isin(sorted(known)).fill_null(False)
        for kind, known in marks.items()
        if known and kind in own
    ]
    if not erased:
        return parsed
    is_erased = reduce(lambda either, other: either | other, erased)
    return parsed.mutate(**{REJECT_REASON: is_erased.ifelse(ibis.literal(ERASED), parsed[REJECT_REASON])})
