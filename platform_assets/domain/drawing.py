"""What all pictures have in common: colours, a canvas without a display, the same bytes for the same data.

Matplotlib is imported when a picture is drawn. What a picture shows stands with the product that it is of.
"""

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, ACCENT, FAINT, GRID, WARNING = "#1f2933", "#2563eb", "#9aa5b1", "#e4e7eb", "#d97706"


def blank_figure(title: str, width: float = 9, height: float = 4.2) -> "Figure":
    """An empty figure with a title; sizes in inches, of which each is 100 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=INK, fontsize=13)
    return figure


def as_png(figure: "Figure") -> bytes:
    """The figure as PNG, without a stamp of versions or time."""
    from io import BytesIO

    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def as_markdown(png: bytes, alternative: str) -> str:
    """An inline picture for a markdown field of the UI."""
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
