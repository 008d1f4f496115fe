"""A subset of regular expressions that means the same to every engine and never runs away.

RE2 (DuckDB) is linear and knows neither back references nor look-around; Java (Spark) and Python know them and may try
exponentially many ways. So only what all of them understand alike is taken, what could run away in one that backtracks
is refused, and the rest is written anew with nothing but literals, classes, groups, `|` and quantifiers.

Refused are: quantifiers on a group that has quantifiers, may be empty or has alternatives that begin alike
(exponential); two endless repeats in a row that share characters, and more than four of them (polynomial).
"""

from dataclasses import dataclass
from functools import reduce

from platform_assets.domain.audiences.patterns import ANY_TEXT, END, Pattern, literal

MOST_CHARACTERS, MOST_REPEATS, MOST_ENDLESS, MOST_GROUPS = 500, 200, 4, 10
MOST_COPIED = 5_000
"""Characters that a counted repeat may stand for: engines write it out."""

Characters = frozenset[int]
"""ASCII codes; `_OTHER` stands for every character beyond."""

_OTHER = 128
_NONE: Characters = frozenset()
_ALL = frozenset(range(_OTHER + 1))
_DIGITS = frozenset(map(ord, "0123456789"))
_CLASSES = {
    "d": (_DIGITS, "0-9"),
    "w": (_DIGITS | frozenset(map(ord, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")), "0-9A-Za-z_"),
}
_INSTEAD = {
    "b": "engines differ in it; write the characters that may stand there, such as (?:/|$) or [^a-z]",
    "s": "engines differ in it; write the characters themselves, such as [ ]",
    **{"D": "write [^0-9]", "W": "write [^0-9A-Za-z_]", "S": "write [^ ]"},
    **dict.fromkeys("123456789k", "a back reference can run away; write out what may be repeated"),
}


class PatternRefused(ValueError):
    """A regular expression can't be taken; the text says why and what to write instead."""


def regular_expression(text: str) -> Pattern:
    """A regular expression that is searched anywhere in a text. Raises PatternRefused.

    Taken are literals, `.` (any character), classes, \\d and \\w (ASCII), groups, `|`, quantifiers, `^` as the first
    and `$` as the last character. Case counts.
    """
    if len(text) > MOST_CHARACTERS:
        raise PatternRefused(f"has {len(text)} characters, more than {MOST_CHARACTERS}; split it into several rules")
    body = text.removeprefix("^")
    begins_with_text = body != text
    slashes = len(body) - 1 - len(body[:-1].rstrip("\\"))
    ends_with_text = body.endswith("$") and slashes % 2 == 0
    body = body[:-1] if ends_with_text else body
    parser = _Parser(body)
    parsed = parser.whole()
    if not body:
        raise PatternRefused("matches everything; leave it out")
    if parser.alternatives and (begins_with_text or ends_with_text):
        raise PatternRefused("binds ^ or $ to one of several alternatives only; write ^(?:a|b)$, or a rule each")
    regex = ("" if begins_with_text else ANY_TEXT) + parsed.regex + (END if ends_with_text else "")
    return Pattern(begins=parser.beginning if begins_with_text else "", regex=regex)


@dataclass(frozen=True)
class _Part:
    """A piece of an expression: all its characters, those it may begin with, and those that endless repeats at its very
    start and end take. It is ambiguous if a text can be read in several ways by repeating it."""

    regex: str
    characters: Characters = _NONE
    first: Characters = _NONE
    endless_start: Characters = _NONE
    endless_end: Characters = _NONE
    may_be_empty: bool = False
    is_ambiguous: bool = False
    sign: str = ""

    def followed_by(self, other: "_Part") -> "_Part":
        return _Part(
            self.regex + other.regex,
            self.characters | other.characters,
            self.first | (other.first if self.may_be_empty else _NONE),
            self.endless_start | (other.endless_start if self.may_be_empty else _NONE),
            other.endless_end | (self.endless_end if other.may_be_empty else _NONE),
            self.may_be_empty and other.may_be_empty,
            self.is_ambiguous or other.is_ambiguous,
        )

    def or_else(self, other: "_Part") -> "_Part":
        return _Part(
            f"{self.regex}|{other.regex}",
            self.characters | other.characters,
            self.first | other.first,
            self.endless_start | other.endless_start,
            self.endless_end | other.endless_end,
            self.may_be_empty or other.may_be_empty,
            self.is_ambiguous or other.is_ambiguous or bool(self.first & other.first),
        )


class _Parser:
    """Recursive descent. `beginning` is the literal text before the first piece that is none."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.endless, self.depth = 0, 0
        self.beginning, self.alternatives = "", False

    def whole(self) -> _Part:
        part = self._alternatives()
        if self._next():
            raise PatternRefused(r"closes a group that was never opened; write \) for the sign itself")
        return _grouped(part) if self.alternatives else part

    def _alternatives(self) -> _Part:
        branches = [self._sequence()]
        while self._next() == "|":
            self._take()
            branches.append(self._sequence())
        if len(branches) > 1 and self.depth == 0:
            self.beginning, self.alternatives = "", True
        return reduce(_Part.or_else, branches)

    def _sequence(self) -> _Part:
        whole, is_beginning = _Part("", may_be_empty=True), self.at == 0
        while self._next() not in ("", "|", ")"):
            part = self._quantified(self._atom())
            if whole.endless_end & part.endless_start:
                raise PatternRefused(
                    f"has two endless repeats in a row up to character {self.at} that share characters, so that a text "
                    "splits between them in very many ways; write one, or a sign between them that neither takes"
                )
            is_beginning = is_beginning and part.sign != ""
            self.beginning += part.sign if is_beginning else ""
            whole = whole.followed_by(part)
        return whole

    def _quantified(self, atom: _Part) -> _Part:
        quantifier, low, high = self._quantifier()
        if not quantifier:
            return atom
        if self._next() in tuple("*+?{"):
            raise PatternRefused("has two quantifiers in a row; lazy and possessive ones find the same, so write one")
        if high != 1 and (atom.is_ambiguous or atom.may_be_empty):
            raise PatternRefused(
                "repeats a group that itself repeats, may be empty or has alternatives that begin alike, which can run "
                "away; repeat a single character or class, such as [a-z0-9]+ or [^/]*"
            )
        if max(low, high or 0) * len(atom.regex) > MOST_COPIED:
            raise PatternRefused(f"repeats a long group {max(low, high or 0)} times; repeat less or write a class")
        if high is None:
            self.endless += 1
        if self.endless > MOST_ENDLESS:
            raise PatternRefused(
                f"has more than {MOST_ENDLESS} endless repeats, which can run away; bound some, such as {{0,50}}"
            )
        endless = atom.characters if high is None else _NONE
        return _Part(
            atom.regex + quantifier,
            atom.characters,
            atom.first,
            endless | atom.endless_start,
            endless | atom.endless_end,
            may_be_empty=low == 0 or atom.may_be_empty,
            is_ambiguous=True,
        )

    def _quantifier(self) -> tuple[str, int, int | None]:
        sign = self._next()
        if sign in ("*", "+", "?") and sign:
            self._take()
            return sign, 1 if sign == "+" else 0, 1 if sign == "?" else None
        if sign != "{":
            return "", 1, 1
        inside, closed, _ = self.text[self.at + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not closed or not all(each in "0123456789" for each in low + high) or not low:
            raise PatternRefused(r"has a { that begins no quantifier such as {2,5}; write \{ for the sign itself")
        most = int(high) if high else (None if comma else int(low))
        if max(int(low), most or 0) > MOST_REPEATS or (most is not None and most < max(int(low), 1)):
            raise PatternRefused(f"repeats by {{{inside}}}; write from fewer to more, from 1 to {MOST_REPEATS}")
        self.at += len(inside) + 2
        return f"{{{inside}}}", int(low), most

    def _atom(self) -> _Part:
        sign = self._take()
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._class()
        if sign == "\\":
            return self._escape()
        if sign == ".":
            return _one_of(_ALL, "(?s:.)")
        if sign in "*+?{":
            raise PatternRefused(f"has nothing to repeat before {sign}; write \\{sign} for the sign itself")
        if sign in "^$":
            place = "first" if sign == "^" else "last"
            raise PatternRefused(f"has {sign} not as its {place} character; write \\{sign} for the sign itself")
        return _sign(sign)

    def _group(self) -> _Part:
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self._next() == "?":
            raise PatternRefused(
                f"has ({self.text[self.at : self.at + 2]}…: look-around, flags and names are not the same in all "
                "engines; use (?:…), [Aa] for either case, and none_of for what must not match"
            )
        self.depth += 1
        if self.depth > MOST_GROUPS:
            raise PatternRefused(f"nests more than {MOST_GROUPS} groups; split it into several rules")
        part = self._alternatives()
        self.depth -= 1
        if not self._take():
            raise PatternRefused(r"opens a group that is never closed; write \( for the sign itself")
        return _grouped(part)

    def _escape(self) -> _Part:
        sign = self._take()
        if sign in _CLASSES:
            characters, written = _CLASSES[sign]
            return _one_of(characters, f"[{written}]")
        if not sign or sign.isalnum():
            instead = _INSTEAD.get(sign, "engines differ in it; write the character itself")
            raise PatternRefused(f"has \\{sign}: {instead}")
        return _sign(sign)

    def _class(self) -> _Part:
        is_negated = self._next() == "^"
        self.at += is_negated
        written, characters = "", _NONE
        while (sign := self._take()) != "]":
            if sign in ("", "["):
                raise PatternRefused(r"has a [ that is never closed, or within a class; write \[ for the sign itself")
            if sign == "\\" and self._next() in _CLASSES:
                more, text = _CLASSES[self._take()]
            else:
                more, text = self._class_range(self._escape().sign if sign == "\\" else sign)
            characters, written = characters | more, written + text
        if not written:
            raise PatternRefused("has a class without characters; write those that may stand there")
        if is_negated:
            return _one_of((_ALL - characters) | {_OTHER}, f"[^{written}]")
        return _one_of(characters, f"[{written}]")

    def _class_range(self, low: str) -> tuple[Characters, str]:
        if self._next() != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return _codes(low, low), literal(low)
        self._take()
        high = self._take()
        if not (low.isalnum() and high.isalnum() and low <= high):
            raise PatternRefused(rf"has the range {low}-{high}; go from a letter or digit to a later one, or write \-")
        return _codes(low, high), f"{low}-{high}"

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        self.at += 1
        return self.text[self.at - 1 : self.at]


def _sign(sign: str) -> _Part:
    characters = _codes(sign, sign)
    return _Part(literal(sign), characters, characters, sign=sign)


def _one_of(characters: Characters, regex: str) -> _Part:
    return _Part(regex, characters, characters)


def _grouped(part: _Part) -> _Part:
    return _Part(**{**vars(part), "regex": f"(?:{part.regex})", "sign": ""})


def _codes(low: str, high: str) -> Characters:
    return frozenset(min(code, _OTHER) for code in range(min(ord(low), _OTHER), min(ord(high), _OTHER) + 1))
