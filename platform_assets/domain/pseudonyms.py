"""How raw identifiers become pseudonyms: the same person the same pseudonym, and no way back without the key."""

import hashlib
import hmac

import ibis.expr.types as ir

from platform_assets.domain.engine_functions import keyed_hash

PSEUDONYM_DIGITS = 32
"""128 of HMAC-SHA256's 256 bits: among 10^12 identifiers two meet with a probability of about 10^-15."""


def key_id(key: bytes) -> str:
    """A name for a pseudonym key that tells keys apart and gives none away."""
    return hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:12]


def pseudonym(kind: str, identifier: ir.StringValue) -> ir.StringValue:
    """The keyed pseudonym of an identifier, null where there is none.

    `kind` (login, cookie, …) is hashed with it, so that equal texts of different kinds stay apart. Surrounding blanks
    don't count, nor does upper or lower case of a login (e-mail addresses are written both ways by one person).
    """
    text = identifier.strip()
    if kind == "login":
        text = text.lower()
    return keyed_hash(kind + ":" + text.nullif("")).substr(0, PSEUDONYM_DIGITS)
