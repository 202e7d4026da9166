from dataclasses import replace

import numpy as np
import pytest

from keras_bayes.errors import MissingDataError
from keras_bayes.history import TrialRecord
from keras_bayes.ridge import Prediction
from keras_bayes.search_log import LoggedTrial
from keras_bayes.show.landscape import Landscape, contour_over, slice_along
from keras_bayes.space import Space
from keras_bayes.surrogate import learn
from keras_bayes.usage import learn_conditions
from tests.logs import log_of, random_search, trial
from tests.spaces import boolean, choice, fixed, integer, real, when

ENTRIES = [
    real("lr", 1e-4, 1e-1, sampling="log"),
    choice("model", ["mlp", "cnn"]),
    integer("filters", 8, 64, conditions=[when("model", "cnn")]),
    boolean("augment"),
]


def loss(values):
    return (np.log10(values["lr"]) + 2.5) ** 2 + (values["model"] == "mlp") + values.get("filters", 30) / 60


def landscape(**options):
    return Landscape.of(random_search(ENTRIES, loss, **options))


def test_the_noise_that_a_user_knows_is_that_of_the_model():
    log = random_search(ENTRIES, loss)

    known = Landscape.of(replace(log, state={"noise_variance": 0.25})).surrogate.posterior

    assert known.noise_variance == pytest.approx(0.25)
    assert Landscape.of(log).surrogate.posterior.noise_variance != pytest.approx(0.25)


def test_a_configuration_in_two_trials_shows_no_condition():
    def record(number, layers, unused=()):
        values = {"layers": layers, "units_2": 8}
        return TrialRecord(number, values, "COMPLETED", 1.0, unused=frozenset(unused))

    records = [record(0, 1, ["units_2"]), record(1, 3), record(2, 4), record(3, 1, ["units_2"])]
    proposals = [{}, {}, {}, {"source": "continuation", "continues": "0"}]
    trials = [LoggedTrial(str(r.number), r, p, (), ()) for r, p in zip(records, proposals, strict=True)]

    log = log_of([integer("layers", 1, 4), integer("units_2", 4, 64)], trials)

    assert learn_conditions(Space.from_config(log.hyperparameters), records).parameters[1].conditions
    assert not log.space.parameters[1].conditions


@pytest.mark.parametrize("direction", ["min", "max"])
def test_scores_are_expected_as_the_model_of_the_search_expects_them(direction):
    log = random_search(ENTRIES, loss, direction=direction)
    surrogate = learn(log.observations, log.space, noise_variance=None)
    X = log.space.snap(np.random.default_rng(1).random((20, 4)))

    band = Landscape.of(log).expect(X)

    sign = -1 if direction == "max" else 1
    mean, sd = np.transpose([surrogate.expect(x) for x in X])
    np.testing.assert_allclose(sign * band.mean, mean)
    np.testing.assert_allclose((band.high - band.low) / 2, sd)
    assert (band.low <= band.mean).all()
    assert (band.mean <= band.high).all()


def test_a_slice_holds_the_predictions_through_the_best_trial():
    model = landscape()
    best = model.best

    line = slice_along(model, 0)

    for value, mean in zip(line.values, line.band.mean, strict=True):
        x = best.copy()
        x[0] = model.space.domains[0].encode(value)
        assert mean == pytest.approx(model.surrogate.expect(x)[0])
    assert (line.values[0], line.values[-1]) == pytest.approx((1e-4, 1e-1))
    assert line.records[0].score == min(record.score for record in model.records)
    assert line.used == tuple(record.values["lr"] for record in line.records)


def test_a_slice_passes_through_the_value_of_the_best_trial():
    model = landscape()

    line = slice_along(model, 0)

    assert min(abs(np.log(value / line.used[0])) for value in line.values) < 1e-9


def test_a_slice_along_a_category_has_each_of_its_values():
    assert slice_along(landscape(), 1).values == ("mlp", "cnn")


def test_a_conditional_hyperparameter_is_cut_where_it_is_active():
    def loss_of_mlp(values):
        return loss(values) + 5 * (values["model"] == "cnn")

    model = Landscape.of(random_search(ENTRIES, loss_of_mlp))

    line = slice_along(model, 2)

    assert model.space.decode(model.best)["model"] == "mlp"
    assert all(record.values["model"] == "cnn" for record in line.records)
    assert len(line.values) == 57


def test_a_hyperparameter_that_no_completed_trial_has_used_has_no_slice():
    trials = [trial(i, {"lr": 10.0**-i, "model": "mlp", "augment": False}, float(i)) for i in range(1, 5)]

    assert slice_along(Landscape.of(log_of(ENTRIES, trials)), 2) is None


def test_a_contour_holds_the_predictions_and_its_edges_are_the_bounds():
    model = landscape()

    contour = contour_over(model, 0, 3)

    x = model.best.copy()
    x[0] = model.space.domains[0].encode(contour.values[0][4])
    x[3] = model.space.domains[3].encode(contour.values[1][1])
    mean, sd = model.surrogate.expect(x)
    assert (contour.mean[1, 4], contour.sd[1, 4]) == pytest.approx((mean, sd))
    assert contour.mean.shape == (2, len(contour.values[0]))


def test_a_contour_is_empty_where_a_hyperparameter_is_not_active():
    contour = contour_over(landscape(), 1, 2)

    is_mlp = np.array(contour.values[0]) == "mlp"
    assert np.isnan(contour.mean[:, is_mlp]).all()
    assert np.isfinite(contour.mean[:, ~is_mlp]).all()


def test_a_contour_of_two_that_never_met_is_an_error():
    trials = [trial(i, {"lr": 10.0**-i, "model": "mlp", "augment": False}, float(i)) for i in range(1, 5)]

    with pytest.raises(MissingDataError, match="No completed trial has used both 'lr' and 'filters'"):
        contour_over(Landscape.of(log_of(ENTRIES, trials)), 0, 2)


def test_few_completed_trials_are_too_few():
    trials = [trial(0, {"lr": 1e-3}, 1.0), trial(1, {"lr": 1e-2}, None), trial(2, {"lr": 1e-4}, 2.0)]

    with pytest.raises(MissingDataError, match="needs 3 completed trials in the search space, there are 2"):
        Landscape.of(log_of(ENTRIES[:1], trials))


def test_a_space_without_a_choice_is_not_modelled():
    trials = [trial(i, {"lr": 1e-3}, 1.0) for i in range(3)]

    with pytest.raises(MissingDataError, match="leaves nothing to choose"):
        Landscape.of(log_of([fixed("lr", 1e-3)], trials))


def test_known_results_count_and_running_trials_do_not():
    known = [TrialRecord(i - 3, {"lr": 10.0 ** (i - 4)}, "COMPLETED", float(i)) for i in range(3)]
    trials = [trial(0, {"lr": 2e-3}, None, status="RUNNING"), trial(1, {"lr": 3e-3}, None)]

    model = Landscape.of(log_of(ENTRIES[:1], trials, known=known))

    assert [record.number for record in model.records] == [-3, -2, -1, 1]
    assert [record.number for record in slice_along(model, 0).records] == [-3, -2, -1]


def test_the_best_is_that_of_the_search_not_one_from_elsewhere():
    log = random_search(ENTRIES, loss)
    better = TrialRecord(-1, {**log.best.record.values, "lr": 10**-2.5}, "COMPLETED", log.best.record.score - 1)
    model = Landscape.of(replace(log, known=(better,)))

    assert slice_along(model, 0).records[0] == log.best.record
    assert slice_along(model, 0).records[-1] == better
    np.testing.assert_array_equal(model.best, log.space.encode_all([log.best.record.values])[0])


def test_the_best_is_that_of_the_best_score_not_of_an_expectation():
    log = random_search(ENTRIES, loss)
    worst = max((t for t in log.trials if t.record.score is not None), key=lambda t: t.record.score)
    stopped = replace(
        worst.record, message="Paused", gain=Prediction(worst.record.score - log.best.record.score + 1, 0.1)
    )
    trials = tuple(replace(t, record=stopped) if t is worst else t for t in log.trials)

    model = Landscape.of(replace(log, trials=trials))

    assert slice_along(model, 0).records[0] == log.best.record
    np.testing.assert_array_equal(model.best, log.space.encode_all([log.best.record.values])[0])


def test_a_hyperparameter_that_was_declared_later_had_its_default():
    trials = [trial(i, {"lr": 10.0**-i}, float(i)) for i in range(1, 5)]
    entries = [ENTRIES[0], choice("units", [128, 256, 384], default=256)]

    line = slice_along(Landscape.of(log_of(entries, trials)), 1)

    assert line.used == (256,) * 4


def test_of_many_trials_the_model_knows_the_records_of_its_rows():
    model = landscape(num_trials=510)

    assert len(model.records) == 500
    points = model.space.encode_all([record.values for record in model.records])
    np.testing.assert_array_equal(points, model.surrogate.posterior.X)
