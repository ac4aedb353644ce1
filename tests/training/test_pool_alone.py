"""Processes that train do not run the script again that started them."""

from __future__ import annotations

import subprocess
import sys
from multiprocessing.spawn import get_preparation_data

import pytest

from clif.training.pool import alone

MAIN = {"init_main_from_name", "init_main_from_path"}


def test_a_process_started_alone_is_told_nothing_of_the_script():
    main = sys.modules["__main__"]
    with alone():
        assert not MAIN & set(get_preparation_data("worker"))
    assert sys.modules["__main__"] is main


def test_the_script_is_back_after_a_failure():
    main = sys.modules["__main__"]

    def fail():
        with alone():
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert sys.modules["__main__"] is main


def test_a_plain_script_retrains_and_runs_once(workplace):
    script = workplace / "script.py"
    script.write_text(
        "import clif\nprint('once')\n"
        "done = clif.retrain('clif-run', 'planted.toml', remove=5, seeds=1, controls=0, processes=1)\n"
        "print(done.values['edited'])\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["once", "5"]
