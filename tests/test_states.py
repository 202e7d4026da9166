import copy
import json
from pathlib import Path

import pytest

from keras_bayes.project import BAD_CONTENT
from keras_bayes.states import check_oracle, check_trial

PROJECTS = sorted(path.parent for path in Path(__file__).parent.glob("projects/*/expected.json"))
OURS = PROJECTS[0]
ORACLE = json.loads((OURS / "oracle.json").read_text(encoding="utf-8"))
TRIAL = json.loads((OURS / "trial_00" / "trial.json").read_text(encoding="utf-8"))


def changed(state, place, value):
    """A copy of a state with another value at a place, a path of keys."""
    state = copy.deepcopy(state)
    node = state
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return state


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_what_a_search_writes_is_accepted(project):
    check_oracle(json.loads((project / "oracle.json").read_text(encoding="utf-8")))
    for path in project.glob("trial_*/trial.json"):
        check_trial(json.loads(path.read_text(encoding="utf-8")))


METRIC = ("metrics", "metrics", "loss")
FLOAT = ("hyperparameters", "space", 0)  # "lr"
CHOICE = ("hyperparameters", "space", 2)  # "units"
CHILD = ("hyperparameters", "space", 5)  # "momentum"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("trial_id",), 0),
        (("status",), "COMPLETEE"),
        (("status",), ["COMPLETED"]),
        (("unread",), None),
        (("score",), "0.5"),
        (("score",), True),
        (("best_step",), "0"),
        (("message",), 3),
        (("metrics",), None),
        (("metrics", "metrics"), []),
        (METRIC, 0.5),
        ((*METRIC, "direction"), "up"),
        ((*METRIC, "observations"), {"value": [1.0]}),
        ((*METRIC, "observations", 0, "value"), ["1.0"]),
        ((*METRIC, "observations", 0, "step"), None),
        (("hyperparameters",), []),
        (("hyperparameters", "values"), [1]),
        (("hyperparameters", "values", "lr"), None),
        (("hyperparameters", "values", "lr"), [0.1]),
        (FLOAT, "lr"),
        ((*FLOAT, "class_name"), "Flo"),
        ((*FLOAT, "class_name"), ["Float"]),
        ((*FLOAT, "config", "name"), 3),
        ((*FLOAT, "config", "max_value"), "1"),
        ((*FLOAT, "config", "step"), 1e-300),
        ((*FLOAT, "config", "conditions"), {}),
        (("hyperparameters", "space", 1, "config", "max_value"), 4.5),
        ((*CHOICE, "config", "values"), []),
        ((*CHOICE, "config", "values"), [[1]]),
        ((*CHILD, "config", "conditions", 0, "config", "values"), []),
        ((*CHILD, "config", "conditions", 0, "class_name"), "Child"),
    ],
    ids=repr,
)
def test_a_trial_with_something_else_in_it_is_refused(place, value):
    with pytest.raises(BAD_CONTENT):
        check_trial(changed(TRIAL, place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("ongoing_trials",), {"tuner0": 3}),
        (("start_order",), "00"),
        (("end_order",), [0]),
        (("run_times",), {"00": -1}),
        (("run_times",), {"00": 1.5}),
        (("retry_queue",), None),
        (("seed",), "0"),
        (("seed",), True),
        (("seed_state",), 0.5),
        (("tried_so_far",), [None]),
        (("id_to_hash",), []),
        (("display",), None),
        (("format",), "1"),
        (("proposals",), {"00": "design"}),
        (("proposals",), {"00": {"source": "model", "mean": "0"}}),
        (("proposals",), {"00": {"source": "continuation", "mean": 0.0, "sd": 0.0}}),
        (("proposals",), {"00": {"source": "continuation", "continues": "00"}}),
        (("unread",), {"00": "lr"}),
        (("declared",), {"argument": ["lr"]}),
        (("declared",), {"argument": None, "hypermodel": None}),
        (("objective",), [["loss"]]),
        (("objective",), []),
        (("deaths",), {"00": None}),
        (("can_continue",), 1),
        (("noise_variance",), "1e-4"),
        (("noise_variance",), 0.0),
        (("hyperparameters", "space"), {}),
    ],
    ids=repr,
)
def test_a_search_with_something_else_in_it_is_refused(place, value):
    with pytest.raises(BAD_CONTENT):
        check_oracle(changed(ORACLE, place, value))


@pytest.mark.parametrize("state", [ORACLE, TRIAL], ids=["oracle", "trial"])
def test_an_entry_that_keras_tuner_needs_may_not_be_missing(state):
    own = {"proposals", "unread", "deaths", "declared", "objective", "format", "keras_bayes", "checksum"}
    own |= {"num_initial_points", "alpha", "beta"}
    check = check_oracle if state is ORACLE else check_trial

    for name in state.keys() - own:
        with pytest.raises(LookupError, match=f"'{name}' is missing"):
            check({key: value for key, value in state.items() if key != name})
