"""Who decides what Keras prints during a training."""

import keras_tuner as kt
import pytest

from keras_bayes.quiet import is_left_open, quiet
from tests.host.test_tuner import DATA, build_model, make_tuner


class Plain(kt.HyperModel):
    def build(self, hp):
        return build_model(hp)


class Own(Plain):
    def fit(self, hp, model, x):
        return model.fit(x, verbose=0)


@pytest.mark.parametrize(
    ("args", "kwargs", "is_open"),
    [
        ((), {}, True),
        ((), {"verbose": "auto"}, True),
        ((), {"verbose": 0}, False),
        ((), {"verbose": 2}, False),
        (("x", "y", 32, 5), {}, True),
        (("x", "y", 32, 5, 1), {}, False),
    ],
)
def test_who_says_nothing_leaves_it_open(args, kwargs, is_open):
    assert is_left_open(args, kwargs) == is_open
    assert quiet(Plain(), args, kwargs) == (kwargs | {"verbose": 0} if is_open else kwargs)


def test_a_fit_of_the_user_gets_what_the_user_gives():
    assert quiet(Own(), (), {"x": 1}) == {"x": 1}


@pytest.mark.slow
@pytest.mark.parametrize(("verbose", "num_lines"), [({}, 0), ({"verbose": "auto"}, 0), ({"verbose": 2}, 4)])
def test_keras_prints_what_the_user_asks_for(tmp_path, capsys, verbose, num_lines):
    data = {name: value for name, value in DATA.items() if name != "verbose"}
    tuner = make_tuner(tmp_path, max_trials=2)

    tuner.search(epochs=2, **data, **verbose)

    lines = capsys.readouterr().out.splitlines()
    assert sum("/step" in line for line in lines) == num_lines
    assert sum(line.startswith("Trial ") for line in lines) == 2
