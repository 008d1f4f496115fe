"""From events to sequences of tokens: what was visited one after the other, and the words of the pages.

Only rows here: how sequences become vectors stands in `training`.
"""

from datetime import date

import ibis

from platform_assets.domain.embeddings.spec import EmbeddingSpec

WORD_MARK = "/"
"""Begins every word in a sequence. No domain holds it, so that a word is never taken for a token."""

_ORDER = ("event_time", "event_id")


def visits(events: ibis.Table, spec: EmbeddingSpec, training_date: date) -> ibis.Table:
    """What is learnt from: sequence, token, event_time, event_id and, if asked for, the path; bots are left out."""
    seen = events.filter(
        ~events.is_bot,
        events.event_date >= ibis.literal(spec.first_day(training_date)),
        events.event_date <= ibis.literal(spec.last_day(training_date)),
        events[spec.token].notnull(),
        events[spec.sequence].notnull(),
    )
    path = {"path": seen[spec.words]} if spec.words else {}
    return seen.select(*_ORDER, sequence=seen[spec.sequence], token=seen[spec.token], **path)


def vocabulary(visited: ibis.Table, spec: EmbeddingSpec) -> ibis.Table:
    """The tokens that get a vector, with the number of `sequences` that hold each: one row a token."""
    counted = visited.group_by("token").aggregate(sequences=visited.sequence.nunique())
    kept = counted.filter(counted.sequences >= spec.fewest_sequences)
    return kept.order_by(ibis.desc("sequences"), "token").limit(spec.most_tokens)


def sequences(visited: ibis.Table, spec: EmbeddingSpec) -> ibis.Table:
    """One row a sequence, in a total order: `sequence` and its `tokens`, an array.

    A token that follows itself is told once. A word stands behind the visit that brought it first, once for every
    sequence and token. Sequences of a single token teach nothing and are left out.
    """
    known = vocabulary(visited, spec)
    parts = _steps(visited, known)
    if spec.words:
        parts = ibis.union(parts, _told_words(visited, known, spec))
    in_order = [parts[name] for name in (*_ORDER, "part")]
    told = parts.group_by("sequence").aggregate(tokens=parts.part.collect(order_by=in_order))
    return told.filter(told.tokens.length() > 1).order_by("sequence")


def _steps(visited: ibis.Table, known: ibis.Table) -> ibis.Table:
    """The visits of known tokens that go to another token than the visit before."""
    seen = visited.semi_join(known, "token")
    before = seen.token.lag().over(ibis.window(group_by="sequence", order_by=list(_ORDER)))
    marked = seen.mutate(before=before)
    steps = marked.filter(marked.before.isnull() | (marked.before != marked.token))
    # A blank is smaller than every mark: at one visit the token stands before its words.
    return steps.select("sequence", *_ORDER, part=" " + steps.token)


def _told_words(visited: ibis.Table, known: ibis.Table, spec: EmbeddingSpec) -> ibis.Table:
    """The words of the paths that several tokens share and that tell tokens apart."""
    seen = visited.semi_join(known, "token")
    split = seen.select("sequence", "token", *_ORDER, word=seen.path.lower().re_split(r"[^\p{L}]+").unnest())
    words = split.filter(split.word.length() >= spec.shortest_word)
    first = ibis.window(group_by=["sequence", "token", "word"], order_by=list(_ORDER))
    once = words.mutate(place=ibis.row_number().over(first))
    once = once.filter(once.place == 0)
    counted = once.group_by("word").aggregate(tokens=once.token.nunique(), sequences=once.sequence.nunique())
    of_all = counted.cross_join(known.aggregate(all_tokens=known.count()))
    telling = of_all.filter(
        of_all.tokens >= 2,
        of_all.tokens <= of_all.all_tokens * spec.widest_word_share,
        of_all.sequences >= spec.fewest_sequences,
    )
    kept = once.semi_join(telling, "word")
    return kept.select("sequence", *_ORDER, part=WORD_MARK + kept.word)
