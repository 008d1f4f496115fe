"""What makes one embedding: the `EmbeddingSpec`, checked when it is written down."""

import hashlib
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta

from platform_assets.domain.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class EmbeddingSpec:
    """Tokens (values of the column `token` of `events`) are near each other where they stand in the same sequences.

    Everything that decides the result stands here; the same spec and events give the same vectors, bit by bit.
    """

    name: str
    """Prefix of the assets, and the embedding's name in the registry."""
    description: str
    """What the embedding is for, in words that its card repeats."""
    owner: str
    token: str
    """The column whose values get vectors."""
    sequence: str
    """The column whose equal values make one sequence, in the order of time."""
    words: str | None = None
    """A column with an address's path, whose words stand beside the token: they say what a page is about where a
    sequence has one token only. None: tokens alone."""
    widest_word_share: float = 0.2
    """A word that stands on a greater share of all tokens ("article", "search") tells none apart and is left out."""
    shortest_word: int = 3
    """Letters that a word has at least."""
    window_days: int = 28
    """Events of so many days strictly before the training date are learnt from."""
    fewest_sequences: int = 5
    """A token or word in fewer sequences is left out: too little is known of it."""
    most_tokens: int = 20_000
    """Beyond it the tokens in the fewest sequences are left out."""
    dimensions: int = 32
    context: int = 5
    """So many places to each side of a token are its context."""
    negative: int = 5
    """Noise tokens for each pair that is learnt from."""
    epochs: int = 5
    """Passes over the sequences, at least."""
    steps: int = 500_000
    """Few sequences are passed over more often, until so many tokens were learnt from, in a hundred passes at most."""
    most_clusters: int = 40
    """The number of clusters is chosen from 2 up to this."""
    seed: int = 7

    def __post_init__(self) -> None:
        where = f"embedding {self.name!r}"
        for field in ("window_days", "fewest_sequences", "most_tokens", "dimensions", "context", "negative", "epochs"):
            if getattr(self, field) < 1:
                raise ConfigurationError(f"{field} is {getattr(self, field)}", where=where, todo="give 1 or more")
        if self.most_clusters < 2:
            raise ConfigurationError(f"most_clusters is {self.most_clusters}", where=where, todo="give 2 or more")
        if not 0 < self.widest_word_share <= 1:
            raise ConfigurationError(
                f"widest_word_share is {self.widest_word_share}", where=where, todo="give a share above 0, at most 1"
            )

    @property
    def fingerprint(self) -> str:
        """Digest of everything declared."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:12]

    @property
    def parameters(self) -> dict[str, str]:
        """Everything declared but the description, as text."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "description"}
        return {name: str(value) for name, value in values.items()}

    def first_day(self, training_date: date) -> date:
        """The first day that an embedding of this training date learns from."""
        return training_date - timedelta(days=self.window_days)

    def last_day(self, training_date: date) -> date:
        """The last one, the day before the training date."""
        return training_date - timedelta(days=1)
