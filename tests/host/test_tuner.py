"""`BayesTuner` with real, tiny Keras models."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import keras
import keras_tuner as kt
import numpy as np
import pytest

import keras_bayes

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).random((64, 4)).astype("float32")
Y = (X.sum(axis=1) > 2).astype("int32")
DATA = {"x": X, "y": Y, "validation_data": (X, Y), "verbose": 0}


def build_model(hp):
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(hp.Choice("units", [4, 8, 16]), activation=hp.Choice("activation", ["relu", "tanh"])),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "sparse_categorical_crossentropy")
    return model


def make_tuner(folder, hypermodel=build_model, **arguments):
    defaults = {"objective": "val_loss", "max_trials": 5, "seed": 0, "directory": str(folder), "project_name": "search"}
    return keras_bayes.BayesTuner(hypermodel, **(defaults | arguments))


def test_the_arguments_are_those_of_keras_tuner_in_the_same_order():

    theirs = list(inspect.signature(kt.BayesianOptimization.__init__).parameters.values())
    ours = list(inspect.signature(keras_bayes.BayesTuner.__init__).parameters.values())
    oracles = [
        list(inspect.signature(cls.__init__).parameters)
        for cls in (kt.oracles.BayesianOptimizationOracle, keras_bayes.BayesOracle)
    ]

    positional = [p for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD]
    changed = {p.name for p, q in zip(theirs, positional, strict=False) if p.default != q.default}
    assert [p.name for p in positional] == [p.name for p in theirs if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert changed == {"alpha", "max_consecutive_failed_trials"}  # learned, and told from the failures, by default
    assert oracles[1][: len(oracles[0])] == oracles[0]


def test_a_search_finds_trains_and_loads_models(tmp_path, capsys):
    tuner = make_tuner(tmp_path)

    tuner.search(epochs=2, **DATA)
    model = tuner.get_best_models()[0]

    assert capsys.readouterr().out == ""
    assert len(tuner.oracle.get_best_trials(10)) == 5
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(tuner.oracle.get_best_trials(1)[0].score, rel=1e-4)


def test_the_last_lines_printed_load_the_best_model(tmp_path, capsys):
    tuner = make_tuner(tmp_path, max_trials=2)
    tuner.search(**(DATA | {"verbose": 1}))
    lines = capsys.readouterr().out.splitlines()[-2:]
    namespace = {"keras_bayes": keras_bayes, "build_model": build_model}

    exec("\n".join(line.strip() for line in lines), namespace)

    assert isinstance(namespace["model"], keras.Model)


def test_a_search_that_is_called_again_at_its_end_says_the_same_again(tmp_path, capsys):
    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(**(DATA | {"verbose": 1}))
    summary = capsys.readouterr().out.partition("\n\n")[2]

    tuner.search(**(DATA | {"verbose": 1}))

    assert "The search is complete." in summary
    assert capsys.readouterr().out.strip() == summary.strip()


@pytest.mark.parametrize("callbacks", [None, (), keras.callbacks.EarlyStopping()])
def test_callbacks_are_given_as_to_fit(tmp_path, callbacks):
    tuner = make_tuner(tmp_path, max_trials=1)

    tuner.search(**DATA, callbacks=callbacks)

    assert len(tuner.oracle.get_best_trials(1)) == 1


@pytest.mark.parametrize("nested", [lambda *callbacks: callbacks, lambda first, *others: [[first], *others]])
def test_callbacks_may_be_nested(tmp_path, nested):
    logs = tmp_path / "logs"
    callbacks = nested(keras.callbacks.TensorBoard(str(logs)), keras.callbacks.EarlyStopping())

    make_tuner(tmp_path, max_trials=2).search(**DATA, callbacks=callbacks)

    assert sorted(path.name for path in logs.iterdir()) == ["0", "1"]


def test_a_trial_does_not_go_on_with_the_backup_of_one_that_failed(tmp_path):
    epochs = []

    class Note(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            epochs.append((epoch, int(self.model.optimizer.iterations) == 0))
            if len(epochs) == 4:
                raise RuntimeError("in the second epoch of the second trial")

    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    make_tuner(tmp_path, max_trials=3).search(**DATA, epochs=2, callbacks=[backup, Note()])

    assert epochs == [(0, True), (1, False)] * 3


def test_without_weights_the_last_lines_printed_load_the_hyperparameters(tmp_path, capsys):
    class Own(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, x, y, validation_data, **kwargs):  # which leaves the callbacks out
            return min(model.fit(x, y, validation_data=validation_data, verbose=0).history["val_loss"])

    tuner = make_tuner(tmp_path, Own(), max_trials=1)
    tuner.search(**(DATA | {"verbose": 1}))

    assert capsys.readouterr().out.splitlines()[-1] == "  hp = tuner.get_best_hyperparameters()[0]"
    with pytest.raises(keras_bayes.KerasBayesError, match=r"`HyperModel\.fit` did not pass on the `callbacks`"):
        tuner.get_best_models()


def test_the_last_lines_printed_load_the_model_where_it_only_looks_up_what_was_declared_elsewhere(tmp_path, capsys):
    space = kt.HyperParameters()
    space.Choice("units", [4, 8, 16])

    def build(hp):
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(hp.get("units"), activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    make_tuner(tmp_path, build, max_trials=2, hyperparameters=space).search(**(DATA | {"verbose": 1}))
    lines = capsys.readouterr().out.splitlines()[-2:]
    names = {"keras_bayes": keras_bayes, "build_model": build}
    exec("\n".join(line.strip() for line in lines), names)

    assert names["model"].count_params() == 5 * names["tuner"].get_best_hyperparameters()[0].get("units")


def test_where_no_trial_has_completed_the_error_tells_why_the_last_one_failed(tmp_path):
    class Failing(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            raise ArithmeticError(f"no data for {trial.hyperparameters.Float('x', 0, 1):.0f}")

    tuner = Failing(max_trials=2, seed=0, directory=str(tmp_path))
    with pytest.raises(keras_bayes.KerasBayesError, match=r"has completed yet\. Call `search` first"):
        tuner.get_best_hyperparameters()

    tuner.search()

    with pytest.raises(keras_bayes.KerasBayesError, match="The last one failed: ArithmeticError: no data for"):
        tuner.get_best_hyperparameters()


def test_an_objective_that_is_no_metric_ends_the_search_with_the_first_trial(tmp_path):
    with pytest.raises(kt.errors.FatalValueError, match="'val_acc' is not among the metrics of the training"):
        make_tuner(tmp_path, objective=kt.Objective("val_acc", "max")).search(**DATA)


def test_a_trial_without_the_objective_fails_where_another_has_completed(tmp_path):
    class SometimesValidated(kt.HyperModel):
        num_fits = 0

        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, x, y, validation_data, **kwargs):
            self.num_fits += 1
            return model.fit(x, y, validation_data=validation_data if self.num_fits != 2 else None, **kwargs)

    tuner = make_tuner(tmp_path, SometimesValidated(), max_trials=3)
    tuner.search(**DATA)

    first, second, third = tuner.oracle.trials.values()
    assert [first.status, second.status, third.status] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "which are: loss. Pass `validation_data` to `search`." in second.message


def test_a_metric_of_one_class_is_an_objective(tmp_path):
    def build(hp):
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        metric = keras.metrics.F1Score(threshold=0.5, name="f1_score")
        model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-2, 1.0)), "binary_crossentropy", metrics=[metric])
        return model

    tuner = make_tuner(tmp_path, build, objective="val_f1_score", max_trials=3)
    labels = Y[:, None].astype("float32")
    tuner.search(X, labels, validation_data=(X, labels), epochs=3, verbose=0)

    (best,) = tuner.oracle.get_best_trials()
    found = tuner.get_best_models()[0].evaluate(X, labels, verbose=0, return_dict=True)["f1_score"]
    assert np.asarray(found).item() == pytest.approx(best.score)
    assert tuner.search_log().trials[0].curve[0].metrics.keys() >= {"f1_score", "val_f1_score"}


def test_an_unknown_rule_is_refused_with_the_names_of_all(tmp_path):
    with pytest.raises(ValueError, match="'auto', 'median', 'halving', 'pause', an instance"):
        make_tuner(tmp_path, stopping="hyperband")


def test_a_second_tuner_takes_up_the_search(tmp_path):
    make_tuner(tmp_path, max_trials=2).search(**DATA)

    tuner = make_tuner(tmp_path, max_trials=4)
    tuner.search(**DATA)

    assert list(tuner.oracle.trials) == ["0", "1", "2", "3"]


def test_a_tuner_with_an_id_of_its_own_takes_up_its_search(tmp_path):
    make_tuner(tmp_path, max_trials=2, tuner_id="mine").search(**DATA)

    assert len(make_tuner(tmp_path, tuner_id="mine").oracle.trials) == 2


def test_a_search_that_was_killed_in_its_first_trial_is_taken_up(tmp_path):
    killed = make_tuner(tmp_path)
    killed.oracle.create_trial("tuner0")  # the host's tuner file is not yet there

    tuner = make_tuner(tmp_path)
    tuner.search(**DATA)

    assert len(tuner.oracle.end_order) == len(tuner.oracle.trials) == 5


def test_ctrl_c_loses_nothing(tmp_path):
    def interrupted_once(hp):
        if len(tuner.oracle.trials) == 3 and not hits:
            hits.append(1)
            raise KeyboardInterrupt
        return build_model(hp)

    hits: list[int] = []
    tuner = make_tuner(tmp_path, build_model)
    tuner.hypermodel.build = interrupted_once
    with pytest.raises(KeyboardInterrupt):
        tuner.search(**DATA)

    resumed = make_tuner(tmp_path)
    resumed.search(**DATA)

    assert resumed.oracle.start_order == ["0", "1", "2", "3", "4"]
    assert {trial.status for trial in resumed.oracle.trials.values()} == {"COMPLETED"}


def test_overwrite_starts_anew(tmp_path):
    make_tuner(tmp_path, max_trials=2).search(**DATA)

    assert make_tuner(tmp_path, overwrite=True).oracle.trials == {}


def test_an_unknown_argument_overwrites_nothing(tmp_path):
    make_tuner(tmp_path, max_trials=2).search(**DATA)

    with pytest.raises(ValueError, match=r"`excutions_per_trial`\. Did you mean `executions_per_trial`\?"):
        make_tuner(tmp_path, overwrite=True, excutions_per_trial=2)
    with pytest.raises(ValueError, match="Unrecognized arguments: `oracle`"):
        make_tuner(tmp_path, overwrite=True, oracle=keras_bayes.BayesOracle("val_loss"))

    assert len(make_tuner(tmp_path).oracle.trials) == 2


def test_changed_bounds_are_obeyed_on_resume(tmp_path):
    make_tuner(tmp_path, max_trials=3).search(**DATA)

    def build_other(hp):
        hp.Float("lr", 1e-3, 2e-3, sampling="log")
        return build_model(hp)

    tuner = make_tuner(tmp_path, build_other, max_trials=8)
    tuner.search(**DATA)

    later = [trial.hyperparameters.values["lr"] for i, trial in tuner.oracle.trials.items() if int(i) >= 3]
    assert all(1e-3 <= lr <= 2e-3 for lr in later)


class FitHyperModel(kt.HyperModel):
    """Batch size and epochs as hyperparameters."""

    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(
            *args, batch_size=hp.Choice("batch_size", [16, 32]), epochs=hp.Int("epochs", 1, 3), **kwargs
        )  # fmt: skip


def test_batch_size_and_epochs_are_tuned_through_fit(tmp_path):
    tuner = make_tuner(tmp_path, FitHyperModel(), max_trials=6)

    tuner.search(**DATA)

    values = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert len({(value["batch_size"], value["epochs"]) for value in values}) > 1
    assert all(1 <= value["epochs"] <= 3 for value in values)


@pytest.mark.parametrize("result", [0.5, np.float32(0.5), np.array(0.5), np.int64(1), {"loss": np.array(0.5)}])
def test_run_trial_may_return_any_kind_of_number(tmp_path, result):
    class Plain(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            trial.hyperparameters.Float("x", 0, 1)
            return result

    objective = kt.Objective("loss", "min") if isinstance(result, dict) else None
    tuner = Plain(objective=objective, max_trials=1, directory=str(tmp_path))

    tuner.search(verbose=0)

    expected = result["loss"] if isinstance(result, dict) else result
    assert tuner.oracle.get_best_trials(1)[0].score == float(expected)


def test_a_dictionary_with_all_objectives_is_enough(tmp_path):
    class Sum(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            x = trial.hyperparameters.Float("x", 0, 1)
            return {"error": x, "accuracy": 1 - x}

    objectives = [kt.Objective("error", "min"), kt.Objective("accuracy", "max")]
    tuner = Sum(objective=objectives, max_trials=3, directory=str(tmp_path))

    tuner.search(verbose=0)

    best = tuner.oracle.get_best_trials(1)[0]
    assert best.score == pytest.approx(2 * best.hyperparameters.values["x"] - 1)


def test_without_hypermodel_and_run_trial_there_is_nothing_to_run():
    with pytest.raises(ValueError, match="hypermodel"):
        keras_bayes.BayesTuner(objective="val_loss")


def test_an_epoch_without_a_number_is_not_the_best(tmp_path):
    class NanFirst(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            history = model.fit(*args, epochs=3, **kwargs)
            history.history["val_loss"][0] = float("nan")
            return history

    tuner = make_tuner(tmp_path, NanFirst(), max_trials=1)

    tuner.search(**DATA)

    trial = tuner.oracle.get_best_trials(1)[0]
    assert np.isfinite(trial.score)
    assert trial.best_step > 0


def test_the_weights_are_not_those_of_an_epoch_that_is_infinitely_good(tmp_path):
    class Collapse(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.trainable_variables[-1].assign([float(epoch)] * 2)

        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = [2.0, -np.inf, 1.0][epoch]
            biases.append(np.array(self.model.trainable_variables[-1]))

    biases = []
    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(epochs=3, callbacks=[Collapse()], **DATA)

    assert tuner.oracle.get_best_trials()[0].score == 1.0
    np.testing.assert_array_equal(tuner.get_best_models()[0].trainable_variables[-1], biases[2])


def test_executions_are_averaged(tmp_path):
    tuner = make_tuner(tmp_path, executions_per_trial=2, max_trials=2)

    tuner.search(**DATA)

    assert len(tuner.oracle.get_best_trials(5)) == 2


def test_an_oversized_model_is_a_failed_trial(tmp_path):
    tuner = make_tuner(tmp_path, max_model_size=40, max_trials=6)  # only the narrowest of three widths is smaller

    tuner.search(**DATA)

    failed = [trial for trial in tuner.oracle.trials.values() if trial.status == "FAILED"]
    assert failed
    assert all("Oversized" in trial.message for trial in failed)


def test_a_model_that_is_none_ends_the_search_with_a_clear_error(tmp_path):
    def no_model(hp):
        hp.Int("units", 1, 5)

    with pytest.raises(kt.errors.FatalTypeError, match="Keras Model"):
        make_tuner(tmp_path, no_model).search(**DATA)


def test_nothing_completed_is_a_clear_error(tmp_path):
    with pytest.raises(keras_bayes.KerasBayesError, match="No trial"):
        make_tuner(tmp_path).get_best_models()


def test_one_name_with_two_meanings_is_refused_when_the_tuner_is_made(tmp_path):
    def ambiguous(hp):
        kind = hp.Choice("kind", ["small", "large"])
        with hp.conditional_scope("kind", ["small"]):
            small = hp.Int("units", 1, 5)
        with hp.conditional_scope("kind", ["large"]):
            large = hp.Int("units", 10, 50)
        return build_model(hp) if kind and (small or large) else None

    with pytest.raises(keras_bayes.KerasBayesError, match="'units' is declared twice"):
        make_tuner(tmp_path, ambiguous)


def test_the_oracle_works_under_other_tuners(tmp_path):
    oracle = keras_bayes.BayesOracle(objective="val_loss", max_trials=4, seed=0)
    tuner = kt.Tuner(oracle, build_model, directory=str(tmp_path))

    tuner.search(**DATA)

    assert len(tuner.get_best_models(2)) == 2


def test_the_oracle_works_under_sklearn_tuner(tmp_path):
    from sklearn.linear_model import LogisticRegression

    def build(hp):
        return LogisticRegression(C=hp.Float("C", 1e-3, 1e3, sampling="log"))

    oracle = keras_bayes.BayesOracle(objective=kt.Objective("score", "max"), max_trials=5, seed=0)
    tuner = kt.SklearnTuner(oracle, build, directory=str(tmp_path))
    oracle.verbose = 0

    tuner.search(X, Y)

    assert tuner.get_best_models()[0].score(X, Y) > 0.7


def test_a_project_of_keras_tuners_own_search_is_continued(tmp_path):
    arguments = {"objective": "val_loss", "seed": 0, "directory": str(tmp_path), "project_name": "search"}
    kt.BayesianOptimization(build_model, max_trials=3, **arguments).search(**DATA)

    tuner = keras_bayes.BayesTuner(build_model, max_trials=5, **arguments)
    tuner.search(**DATA)

    assert list(tuner.oracle.trials) == ["0", "1", "2", "3", "4"]
    assert tuner.oracle.proposals["4"]["source"] == "model"


def test_trainings_need_no_tensorboard(tmp_path):
    script = f"""
import sys
sys.modules["tensorboard"] = None  # as if it were not installed
sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from test_tuner import DATA, make_tuner
tuner = make_tuner({str(tmp_path)!r}, max_trials=2)
tuner.search(**DATA)
assert len(tuner.oracle.get_best_trials(5)) == 2
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_build_config_is_written_for_the_host(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(**DATA)

    path = tmp_path / "search" / "trial_0" / "build_config.json"

    assert json.loads(path.read_text()) == json.loads(json.dumps(tuner.get_best_models()[0].get_build_config()))


def test_checkpoints_hold_weights_only(tmp_path):
    import h5py

    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(**DATA)

    with h5py.File(tmp_path / "search" / "trial_0" / "checkpoint.weights.h5") as file:
        assert "optimizer" not in file
    assert not list(tmp_path.rglob("*.tmp*"))


def weights_on_disk(folder):
    return {path.parent.name.removeprefix("trial_") for path in folder.glob("search/trial_*/checkpoint.weights.h5")}


def best_ids(tuner, num_trials):
    return {trial.trial_id for trial in tuner.oracle.get_best_trials(num_trials)}


def test_the_weights_of_the_best_trials_are_kept(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=6, keep_best=2)

    tuner.search(**DATA)

    assert weights_on_disk(tmp_path) == best_ids(tuner, 2)
    assert len(tuner.get_best_models(2)) == 2
    with pytest.raises(keras_bayes.KerasBayesError, match="keep_best"):
        tuner.get_best_models(3)


def test_weights_that_are_removed_while_their_model_is_built_are_not_on_disk(tmp_path):
    is_looking = False

    def build(hp):
        if is_looking:  # as a search in another process removes what is not among the best any more
            next(tmp_path.rglob("*.weights.h5")).unlink()
        return build_model(hp)

    tuner = make_tuner(tmp_path, build, max_trials=1)
    tuner.search(**DATA)
    is_looking = True

    with pytest.raises(keras_bayes.KerasBayesError, match="are not on disk"):
        tuner.get_best_models()


def test_at_no_moment_there_are_more_weights_than_the_best_the_running_and_one(tmp_path):
    counts = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            counts.append(len(list(tmp_path.rglob("*.weights.h5"))))
            if len(counts) in (5, 8):
                logs["val_loss"] = float("nan")  # of a training that diverges after weights were saved

    make_tuner(tmp_path, max_trials=4, keep_best=2).search(epochs=2, callbacks=[Count()], **DATA)
    make_tuner(tmp_path, max_trials=8, keep_best=2).search(epochs=2, callbacks=[Count()], **DATA)

    assert len(counts) == 16
    assert max(counts) <= 2 + 1 + 1


def test_a_tuner_that_was_made_earlier_keeps_no_weights_of_what_another_one_has_run(tmp_path):
    earlier = make_tuner(tmp_path, max_trials=6, keep_best=1)
    make_tuner(tmp_path, max_trials=4, keep_best=3).search(**DATA)

    earlier.search(**DATA)

    assert weights_on_disk(tmp_path) == best_ids(earlier, 1)


def test_the_weights_of_a_search_of_keras_tuner_are_left_alone(tmp_path):
    arguments = {"objective": "val_loss", "seed": 0, "directory": str(tmp_path), "project_name": "search"}
    kt.BayesianOptimization(build_model, max_trials=3, **arguments).search(**DATA)

    make_tuner(tmp_path, max_trials=5, keep_best=1).search(**DATA)

    assert {"0", "1", "2"} <= weights_on_disk(tmp_path)


def test_all_weights_are_kept_if_the_user_wants_it(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=5, keep_best=None)

    tuner.search(**DATA)

    assert weights_on_disk(tmp_path) == best_ids(tuner, 5)


def test_a_resumed_search_removes_weights_that_were_among_the_best(tmp_path):
    make_tuner(tmp_path, max_trials=3).search(**DATA)
    tuner = make_tuner(tmp_path, max_trials=6, keep_best=1)

    tuner.search(**DATA)

    assert weights_on_disk(tmp_path) == best_ids(tuner, 1)


def test_at_least_one_trial_is_kept(tmp_path):
    with pytest.raises(ValueError, match="`keep_best` must be an integer of at least 1, received 0"):
        make_tuner(tmp_path, keep_best=0)


def test_the_best_weights_are_those_of_the_best_epoch(tmp_path):
    class Recorder(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 1.0  # from the second epoch on it only gets worse

    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(epochs=4, callbacks=[Recorder()], **DATA)

    trial = tuner.oracle.get_best_trials(1)[0]
    assert tuner.get_best_models()[0].evaluate(X, Y, verbose=0) == pytest.approx(trial.score, rel=1e-4)


def test_hooks_of_a_subclass_are_called(tmp_path):
    seen = []

    class Hooked(keras_bayes.BayesTuner):
        def on_epoch_end(self, trial, model, epoch, logs=None):
            seen.append(f"epoch {epoch} of {trial.trial_id}")

    tuner = Hooked(build_model, objective="val_loss", max_trials=1, directory=str(tmp_path))
    tuner.search(epochs=2, **DATA)

    assert seen == ["epoch 0 of 0", "epoch 1 of 0"]


def test_a_model_that_is_not_compiled_is_trained_in_a_loop_of_the_user(tmp_path):
    class Loop(kt.HyperModel):
        def build(self, hp):
            return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(hp.Choice("units", [2, 4]))])

        def fit(self, hp, model, *args, callbacks=(), **kwargs):
            for callback in callbacks:
                callback.set_model(model)
                callback.on_epoch_end(0, logs={"error": 0.5})
            return 0.5

    tuner = make_tuner(tmp_path, Loop(), objective=kt.Objective("error", "min"), max_trials=2)

    tuner.search(verbose=0)

    assert len(tuner.get_best_models(2)) == 2


def test_an_error_of_the_program_costs_no_trial(tmp_path):
    class Mistake(keras_bayes.BayesTuner):
        result = None

        def run_trial(self, trial, *args, **kwargs):
            trial.hyperparameters.Float("x", 0, 1)
            return self.result

    for _ in range(3):
        with pytest.raises(kt.errors.FatalTypeError):
            Mistake(max_trials=2, directory=str(tmp_path)).search(verbose=0)
    Mistake.result = 1.0
    tuner = Mistake(max_trials=2, directory=str(tmp_path))
    tuner.search(verbose=0)

    assert len(tuner.oracle.get_best_trials(5)) == 2


def test_no_number_reported_in_the_old_way_is_a_failed_trial(tmp_path):
    class Old(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            trial.hyperparameters.Float("x", 0, 1)
            self.oracle.update_trial(trial.trial_id, {"error": float("nan")})

    tuner = Old(objective=kt.Objective("error", "min"), max_trials=2, directory=str(tmp_path))

    with pytest.warns(DeprecationWarning, match="deprecated"):
        tuner.search(verbose=0)

    assert [trial.status for trial in tuner.oracle.trials.values()] == ["FAILED", "FAILED"]


def test_a_remote_folder_is_refused():
    with pytest.raises(ValueError, match="file system"):
        keras_bayes.BayesTuner(build_model, objective="val_loss", directory="gs://bucket")


def test_objectives_may_come_as_a_tuple(tmp_path, capsys):
    tuner = make_tuner(tmp_path, objective=("val_loss", "loss"), max_trials=1, progress="plain")
    tuner.search(x=DATA["x"], y=DATA["y"], validation_data=DATA["validation_data"])

    assert "objective=['val_loss', 'loss']" in capsys.readouterr().out
