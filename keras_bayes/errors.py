"""Errors and warnings that callers may catch."""


class KerasBayesError(Exception):
    """Base class of the errors of this package."""


class SearchSpaceError(KerasBayesError, ValueError):
    """The search space cannot be searched as it is declared."""


class ConfigurationError(KerasBayesError, ValueError):
    """Values that are no configuration of the search space."""


class ConstraintError(KerasBayesError, ValueError):
    """The constraint of a search does not say whether a configuration may be trained."""


class ProjectError(KerasBayesError, RuntimeError):
    """A project folder cannot be read or written."""


class ProjectInUseError(ProjectError):
    """Another process is writing to the project folder."""


class ProjectNameError(KerasBayesError, ValueError):
    """A project name that would lead out of its directory, or that no folder can have."""


class KerasBayesWarning(UserWarning):
    """Something the user can act on."""


class MissingDataError(KerasBayesError, ValueError):
    """There is not enough in a search, yet, for what was asked to be shown."""
