"""The notebook for Kaggle, with the versions of its image: offline installation, a time budget, a second version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from sklearn.datasets import load_digits

from keras_bayes.initial_design import NUM_POINTS
from keras_bayes.search_log import SearchLog

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "kaggle_mnist.ipynb"
REQUIREMENTS = ROOT / "tests" / "kaggle_requirements.txt"


def run(*command):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1800, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with an environment of Kaggle's versions, a wheel of this package, and images like those of MNIST."""
    folder = tmp_path_factory.mktemp("kaggle")
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", folder / "venv")
    run(python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS)
    run(python, "-m", "ipykernel", "install", "--prefix", folder / "jupyter", "--name", "kaggle")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder / "wheels", ROOT)
    digits = load_digits()
    pictures = np.array(keras.ops.image.resize(digits.images[..., None] / 16, (28, 28)))[..., 0]
    np.savez(folder / "mnist.npz", x_train=(255 * pictures).astype("uint8"), y_train=digits.target)
    return folder


@pytest.fixture
def execute(image, monkeypatch):
    """Executes a version of the notebook in a folder, with some of its parameters changed; returns it."""

    def execute_version(folder, **parameters):
        folder.mkdir()
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        index = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
        parameters = {"WHEELS": str(image / "wheels"), "DATA": str(image / "mnist.npz")} | parameters
        lines = [f"{name} = {value!r}" for name, value in parameters.items()]
        notebook.cells.insert(index + 1, nbformat.v4.new_code_cell("\n".join(lines)))
        monkeypatch.setenv("JUPYTER_PATH", str(image / "jupyter" / "share" / "jupyter"))
        monkeypatch.setenv("PYTHONPATH", "")
        monkeypatch.setenv("PATH", os.pathsep.join([str(image / "venv" / "bin"), os.environ["PATH"]]))
        NotebookClient(
            notebook, kernel_name="kaggle", timeout=900, resources={"metadata": {"path": str(folder)}}
        ).execute()
        return notebook

    return execute_version


def texts(notebook):
    """All that a notebook shows as text."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text", "") + str(output.get("data", {})) for output in outputs)


def test_a_session_ends_in_time_and_the_next_version_learns_from_it(tmp_path, execute):
    small = {"NUM_TRAIN": 256, "NUM_VAL": 128, "EPOCHS": 1}  # so that a trial fits on a slow machine, too
    first = execute(tmp_path / "first", MAX_TIME="30s", PREVIOUS=str(tmp_path / "nothing"), **small)
    before = {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()}

    second = execute(
        tmp_path / "second", MAX_TIME="1h", MAX_TRIALS=3, PREVIOUS=str(tmp_path / "first" / "search"), **small
    )

    assert "No other trial fits into the `max_time` of 30 s." in texts(first)
    assert "search is complete" in texts(second)
    assert {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()} == before
    for version in ("first", "second"):
        assert (tmp_path / version / "best.keras").stat().st_size > 100_000
        assert (tmp_path / version / "search.html").stat().st_size < 5_000_000
    assert any("text/html" in output.get("data", {}) for output in second.cells[-1].outputs)
    assert "model" in str(second.cells[-2].outputs)
    known = [trial.record.status for trial in SearchLog.read(tmp_path / "first" / "search").trials].count("COMPLETED")
    sources = [trial.proposal["source"] for trial in SearchLog.read(tmp_path / "second" / "search").trials]
    num_random = max(NUM_POINTS - known, 0)  # what the first version has tried need not be explored again
    assert sources == ["design"] * num_random + ["model"] * (3 - num_random)
