"""Finds JSON records that are nested too deep, before any parser has to climb down into them."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.raw_events.line_records import RecordBlock

_OPENING, _CLOSING = (ord("{"), ord("[")), (ord("}"), ord("]"))
_QUOTE, _BACKSLASH = ord('"'), ord("\\")


def mark_too_deep(block: RecordBlock, max_nesting: int) -> RecordBlock:
    """The block with `nested_too_deep` as the problem of records with more than `max_nesting` brackets open at once.

    Records with fewer opening brackets than that can't be too deep; only a block with others is looked at closely.
    """
    _, offset_buffer, data = block.records.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[block.records.offset :][: len(block.records) + 1].astype(np.int64)
    text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    opened = np.flatnonzero((text == _OPENING[0]) | (text == _OPENING[1]))
    if not np.any(np.diff(np.searchsorted(opened, offsets)) > max_nesting):
        return block
    deep = pa.array(_depths(text, offsets) > max_nesting)
    reason = f"nested_too_deep: more than {max_nesting} levels"
    known = block.problems if block.problems is not None else pa.nulls(len(block.records), pa.string())
    return replace(block, problems=pc.coalesce(known, pc.if_else(deep, reason, pa.scalar(None, pa.string()))))


def _depths(text: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many brackets of each record are open at once, at most; brackets in strings don't count."""
    signs = np.flatnonzero(np.isin(text, (*_OPENING, *_CLOSING, _QUOTE)))
    kinds = text[signs]
    first_sign = np.searchsorted(signs, offsets)
    record = np.repeat(np.arange(len(offsets) - 1), np.diff(first_sign))
    quotes = (kinds == _QUOTE) & ~_escaped(text, signs, offsets[record])
    in_string = _running(quotes, first_sign, record) % 2 == 1
    steps = np.isin(kinds, _OPENING).astype(np.int64) - np.isin(kinds, _CLOSING)
    open_brackets = _running(np.where(in_string, 0, steps), first_sign, record)
    depths = np.zeros(len(offsets) - 1, np.int64)
    np.maximum.at(depths, record, open_brackets)
    return depths


def _running(
    values: npt.NDArray, first_sign: npt.NDArray[np.intp], record: npt.NDArray[np.intp]
) -> npt.NDArray[np.int64]:
    """The sum so far within each record."""
    total = np.concatenate(([0], np.cumsum(values)))
    return total[1:] - total[first_sign[record]]


def _escaped(
    text: npt.NDArray[np.uint8], signs: npt.NDArray[np.intp], starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which signs stand behind an odd run of backslashes of the same record."""
    plain = np.flatnonzero(text != _BACKSLASH)
    rank = np.searchsorted(plain, signs)
    previous = np.where(rank > 0, plain[np.maximum(rank - 1, 0)], -1)
    return (signs - np.maximum(previous, starts - 1) - 1) % 2 == 1
