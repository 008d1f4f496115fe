"""Tables on the terminal, of which nothing is ever cut off.

On a terminal long values go on in the next line of their cell; in a pipe or a file every row is one line, as wide as
it needs to be, so that other programs find whole names in it. Values stand as they are: `:x:` is no picture.
"""

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


def print_table(table: Table) -> None:
    """Print a table to stdout."""
    console = Console(emoji=False)
    for column in table.columns:
        column.overflow = "fold"
    if not sys.stdout.isatty():
        unbounded = console.options.update(max_width=sys.maxsize)
        console = Console(width=Measurement.get(console, unbounded, table).maximum, emoji=False)
    console.print(table)
