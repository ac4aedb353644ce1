"""The notebook of docs/ runs from the first cell to the last, and shows what it says."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
ASKED = """
import json
figures = {name: result.values[name] for name in ("before", "after", "controls", "predicted", "realised")}
figures["carriers"] = float(first["carrier"].mean())
figures["sizes"] = [len(corpus), len(clean), result.values["edited"]]
print(json.dumps(figures))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The notebook with its outputs, and in a last cell the figures of its retraining."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    place = tmp_path_factory.mktemp("notebook")
    shutil.copytree(ROOT / "data", place / "data")
    (place / "docs").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
        nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(place / "docs")}}
        ).execute()
    return notebook


def test_the_notebook_is_kept_without_outputs():
    stored = json.loads(NOTEBOOK.read_text("utf-8"))
    cells = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
    assert all(
        len(cell["source"].splitlines() if isinstance(cell["source"], str) else cell["source"]) <= 10 for cell in cells
    )


def test_it_runs_from_question_to_decision(done):
    found = json.loads(done.cells[-1].outputs[-1]["text"])
    before, after, random = (found[name]["mean"] for name in ("before", "after", "controls"))
    assert found["carriers"] > 0.9
    assert abs(after) < 0.25 * before
    assert random > 0.8 * before
    assert found["predicted"] == pytest.approx(found["realised"], rel=0.25)
    whole, kept, removed = found["sizes"]
    assert kept == whole - removed


def test_its_results_show_themselves(done):
    shown = [
        output["data"]["text/html"]
        for cell in done.cells
        for output in cell.get("outputs", ())
        if "clif-view" in output.get("data", {}).get("text/html", "")
    ]
    assert len(shown) == 7  # model, audit, ranking, groups, explanation, retraining, report
    assert not [output for cell in done.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
