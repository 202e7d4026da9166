"""Hyperparameters whose values do not depend on chance."""

from __future__ import annotations

import keras_tuner as kt


class SteadyHyperParameters(kt.HyperParameters):
    """Hyperparameters whose missing values are the defaults.

    keras-tuner draws them, without a seed, while it looks for what a hypermodel declares under which condition; a
    program that is started again could then declare something else.
    """

    def ensure_active_values(self) -> None:
        """Drops inactive values and fills in the missing active ones."""
        for hp in self.space:
            if self.is_active(hp):
                self.values.setdefault(hp.name, hp.default)
            else:
                self.values.pop(hp.name, None)
