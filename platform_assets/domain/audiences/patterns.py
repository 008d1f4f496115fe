"""What a text has to look like: a whole text, a text with wildcards, or a regular expression.

Which regular expressions are taken, and how they are written so that every engine reads them alike, stands in
`regular_expressions`.
"""

from dataclasses import dataclass

ANY_TEXT, END = "(?s:.)*", r"\z"
_SPECIAL = frozenset("\\.^$|?*+()[]{}-&~#")


@dataclass(frozen=True)
class Pattern:
    """Matches the one `exact` text, or texts that begin with `begins` and match `regex` (empty: any).

    `regex` covers the text from its first character on.
    """

    exact: str = ""
    begins: str = ""
    regex: str = ""

    @property
    def beginning(self) -> str:
        """What every matching text begins with."""
        return self.exact or self.begins


def glob(text: str, before: str = "") -> Pattern:
    """A text in which `*` stands for any characters, also none; `before` is put before it literally."""
    first, *rest = text.split("*")
    if not rest:
        return Pattern(exact=before + text)
    parts = [before + first, *(part for part in rest[:-1] if part), rest[-1]]
    if parts[1:] == [""]:
        return Pattern(begins=parts[0])
    return Pattern(begins=parts[0], regex=ANY_TEXT.join(map(literal, parts)) + END)


def literal(text: str) -> str:
    """A regular expression that matches the text, within classes too."""
    return "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in text)
