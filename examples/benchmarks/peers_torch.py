"""BoTorch, put together as its tutorials do: a Gaussian process and noisy expected improvement on the unit cube."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from botorch.acquisition import qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_mixed_alternating
from gpytorch.mlls import ExactMarginalLogLikelihood
from parameters import decode_all
from peers import finite_or_worst
from suites import Problem

NUM_RESTARTS, RAW_SAMPLES = 10, 512  # those of the tutorial "closed_loop_botorch_only"
INITIAL_PER_DIMENSION = 2


class BoTorch:
    """Points are rounded to legal ones before they are told; a choice is a coordinate 0, 1, …, without an order."""

    def __init__(self, problem: Problem, seed: int, num_trials: int) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        warnings.simplefilter("ignore")
        self._parameters = problem.parameters
        self._choices = {i: len(p.choices) for i, p in enumerate(self._parameters) if p.choices}
        dim = len(self._parameters)
        self._initial = torch.quasirandom.SobolEngine(dim, scramble=True, seed=seed).draw(INITIAL_PER_DIMENSION * dim)
        self._pending: list[list[float]] = []
        self._X: list[list[float]] = []
        self._y: list[float] = []
        self._num_asked = 0

    def ask(self) -> tuple[Any, Mapping[str, Any]]:
        is_initial = self._num_asked < len(self._initial)
        u = self._initial[self._num_asked].tolist() if is_initial else self._maximize()
        self._num_asked += 1
        values = decode_all(self._parameters, u)
        x = [self._round(i, c, values) for i, c in enumerate(u)]
        self._pending.append(x)
        return x, values

    def tell(self, handle: Any, accuracy: float | None) -> None:
        self._pending.remove(handle)
        self._X.append(handle)
        self._y.append(finite_or_worst(accuracy, self._y))

    def _round(self, i: int, u: float, values: Mapping[str, Any]) -> float:
        """The model's coordinate of a value; an inactive one stays as it was suggested."""
        parameter = self._parameters[i]
        if parameter.choices:
            return float(min(int(u * self._choices[i]), self._choices[i] - 1))
        return parameter.encode(values[parameter.name]) if parameter.name in values else u

    def _maximize(self) -> list[float]:
        X, Y = torch.tensor(self._X, dtype=torch.double), torch.tensor(self._y, dtype=torch.double)[:, None]
        model = MixedSingleTaskGP(X, Y, cat_dims=list(self._choices)) if self._choices else SingleTaskGP(X, Y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        pending = torch.tensor(self._pending, dtype=torch.double) if self._pending else None
        acquisition = qLogNoisyExpectedImprovement(model, X, X_pending=pending, prune_baseline=True)
        top = [float(self._choices.get(i, 2) - 1) for i in range(X.shape[1])]
        bounds = torch.tensor([[0.0] * X.shape[1], top], dtype=torch.double)
        counts = {"q": 1, "num_restarts": NUM_RESTARTS, "raw_samples": RAW_SAMPLES}
        if self._choices:
            codes = {i: [float(code) for code in range(n)] for i, n in self._choices.items()}
            x, _ = optimize_acqf_mixed_alternating(acquisition, bounds, cat_dims=codes, **counts)
        else:
            x, _ = optimize_acqf(acquisition, bounds, **counts)
        return [(c + 0.5) / self._choices[i] if i in self._choices else c for i, c in enumerate(x[0].tolist())]
