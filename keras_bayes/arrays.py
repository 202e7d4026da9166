"""Arrays, and those that nobody can write to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def own_arrays(value: Any) -> None:
    """Replaces all fields of a frozen dataclass, which are arrays, by copies that cannot be written to."""
    for name in value.__slots__:
        array = np.array(getattr(value, name))
        array.setflags(write=False)
        object.__setattr__(value, name, array)
