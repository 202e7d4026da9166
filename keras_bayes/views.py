"""What a tuner shows of its search: all of it is read from the project folder."""

from __future__ import annotations

from pathlib import Path

from keras_bayes.search_log import SearchLog


class Views:
    """Results of a search in the forms that people work with; for a class that has a `project_dir`."""

    project_dir: str

    def search_log(self) -> SearchLog:
        """Everything that is known of the search now, as an immutable value.

        Raises:
            ProjectError: No trial has been started.
        """
        return SearchLog.read(Path(self.project_dir))
