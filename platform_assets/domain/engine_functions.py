"""Functions that steps need beyond Ibis's own, under names that every engine provides.

DuckDB and Spark know `split_part`, `md5` and `url_decode` by these names; `keyed_hash` is armed by the engine with
the pseudonym key (`resources.compute`). Functions for reading records stand in `platform_assets.raw_events`.
"""

import ibis


@ibis.udf.scalar.builtin
def split_part(text: str, separator: str, index: int) -> str:  # type: ignore[empty-body]
    """The part before, between or after separators, counted from 1; empty text past the last."""


@ibis.udf.scalar.builtin
def md5(text: str) -> str:  # type: ignore[empty-body]
    """MD5 as 32 hex digits: an identifier, never a protection."""


@ibis.udf.scalar.builtin
def url_decode(text: str) -> str:  # type: ignore[empty-body]
    """Text with its percent escapes replaced."""


@ibis.udf.scalar.builtin
def keyed_hash(text: str) -> str:  # type: ignore[empty-body]
    """HMAC-SHA256 (RFC 2104) of the text's UTF-8 bytes under the pseudonym key, as 64 hex digits; null for null."""
