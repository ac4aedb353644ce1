"""scripts/transfer: what is predicted of held-out words equals what a retraining predicts of them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from clif.objectives import BiasTest
from clif.ranking import rank
from clif.retraining import retrain


@pytest.fixture
def transfer(script):
    return script("transfer")


def test_predictions_are_those_of_a_retraining(transfer, opened, made):
    test = BiasTest.from_toml(made.test)
    rows = transfer.compare(opened, test, "targets", 2, "mean_difference", ("neighbours",))
    assert [row["order"] for row in rows] == ["influence", "broad targets", "broad targets, wider neighbours"]
    for row, options in ((rows[0], {}), (rows[2], {"broad": "targets", "wider": "neighbours"})):
        rank(opened, test, measure="mean_difference", **options)
        found = retrain(opened, test, remove="zero", holdout="targets", halves=2, seeds=1, controls=0)
        assert row["transfer"] == pytest.approx(found.values["predicted_transfer"], rel=1e-6)
        assert row["documents"] == sum(half["removed"] for half in found.values["halves"]) / 2
        assert row["at_zero"] == row["halves"] == 2


def test_the_script_says_the_orders_as_a_table_and_as_values(transfer, opened, made):
    asked = [str(opened.path), "--test", str(made.test), "--words", "both", "--halves", "1"]
    said = CliRunner().invoke(transfer.main, asked)
    assert said.exit_code == 0
    assert "broad attributes" in said.output
    rows = json.loads(CliRunner().invoke(transfer.main, [*asked, "--json"]).stdout)
    assert [row["order"] for row in rows] == ["influence", "broad targets", "broad attributes"]
