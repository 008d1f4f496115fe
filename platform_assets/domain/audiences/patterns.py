"""What a text has to look like: a whole text, a text with wildcards, or a regular expression.

Which regular expressions are taken, and how they are written so that every engine reads them alike, stands in
`regular_expressions`.
"""

from dataclasses import dataclass

ANY_TEXT, END = "(?s:.)*", r"\z"
BREAK = "\x1f"
"""Stands before, between and after the parameters of an address; within one it becomes REPLACED."""
REPLACED = "\ufffd"
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


def glob(text: str) -> Pattern:
    """A text in which `*` stands for any characters, also none."""
    first, *rest = text.split("*")
    if not rest:
        return Pattern(exact=text)
    parts = [first, *(part for part in rest[:-1] if part), rest[-1]]
    if parts[1:] == [""]:
        return Pattern(begins=first)
    return Pattern(begins=first, regex=ANY_TEXT.join(map(literal, parts)) + END)


def parameter(name: str, value: str) -> Pattern:
    """A parameter of an address and its value with wildcards, as something to find in `BREAK name=value BREAK`."""
    whole = f"{BREAK}{name}={value}{BREAK}"
    pattern = glob(whole)
    if pattern.regex == literal(pattern.begins) + ANY_TEXT + literal(BREAK) + END:
        return Pattern(begins=pattern.begins)
    within = pattern.regex.removesuffix(END).replace(ANY_TEXT, f"[^{BREAK}]*")
    return Pattern(pattern.exact, pattern.begins, ANY_TEXT + within if within else "")


def literal(text: str) -> str:
    """A regular expression that matches the text, within classes too."""
    return "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in text)
