"""Errors and warnings that callers may catch."""


class KerasBayesError(Exception):
    """Base class of the errors of this package."""


class SearchSpaceError(KerasBayesError, ValueError):
    """The search space cannot be searched as it is declared."""


class ProjectError(KerasBayesError, RuntimeError):
    """A project folder cannot be read or written."""


class KerasBayesWarning(UserWarning):
    """Something the user can act on."""
