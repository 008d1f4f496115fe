"""The platform's own exceptions. Each says what happened, where, and what to do next.

Only the base and the errors that several packages raise live here; an error of one module stands in that module.
"""


class PlatformError(Exception):
    """Base of every error that the platform raises on purpose.

    `what` is the fact, `where` names file and line, table and partition or configuration key, `todo` is the
    reader's next step. `str()` gives all three.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        place = f"{where}: " if where else ""
        step = f" What to do: {todo}" if todo else ""
        stop = "" if not todo or what.endswith((".", "?", "!")) else "."
        super().__init__(f"{place}{what}{stop}{step}")


class ConfigurationError(PlatformError):
    """A settings value or a configuration file is missing, unknown or wrong."""


class ContractViolation(PlatformError):
    """A computed result breaks a table rule of its contract (key, volume, schema, partition). Nothing was published."""
