"""Which revision of the code is running, as git tells: published with every result, so that it can be replayed."""

import functools
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
CODE = ("platform_assets", "resources", "config")
"""Folders of the checkout that decide what a result is."""

UNCOMMITTED = "+uncommitted"


@functools.cache
def code_revision() -> str:
    """The commit that is checked out, with `UNCOMMITTED` behind it where code differs from it; empty outside of git."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return ""
    return commit + (UNCOMMITTED if _git("status", "--porcelain", "--", *CODE) else "")


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(["git", "-C", CHECKOUT, *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
