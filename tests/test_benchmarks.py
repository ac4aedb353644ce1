"""What the scripts measure: other libraries are given clif's problem, and both trainers the same corpus."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import document_counts, expected_loss, random_problem, tensor

from clif.pairs import stream_contexts

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def peer_problem(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    yield importlib.import_module("peer_problem")
    for name in ("peer_problem", "peers"):
        sys.modules.pop(name, None)


def data_of(peer_problem, problem):
    contexts = list(stream_contexts(problem.corpus.tokens, problem.corpus.offsets, problem.keep, 3))
    pairs = {name: np.concatenate([getattr(part, name) for part in contexts]) for name in peer_problem.PAIRS}
    return peer_problem.Data(
        U=problem.U, C=problem.C, noise=problem.vocabulary.noise(problem.settings.ns_exponent),
        negative=problem.settings.negative, damp=problem.damp, rows=problem.rows,
        sizes=np.array([2, 2, 2, 2]), documents=len(problem.corpus), **pairs,
    )  # fmt: skip


@pytest.mark.parametrize("given", ["U and C", "U", "rows"])
def test_a_sample_has_the_loss_of_its_document(peer_problem, given):
    problem = random_problem(3)
    data = data_of(peer_problem, problem)
    model = peer_problem.SkipGram(data, given).double()
    counts = document_counts(problem)
    if given == "rows":
        counts[:, np.setdiff1d(np.arange(len(problem.U)), problem.rows)] = 0
    noise = tensor(data.noise)
    expected = [
        expected_loss(tensor(problem.U), tensor(problem.C), tensor(each), noise, data.negative) for each in counts
    ]
    losses = model(*peer_problem.padded(model.samples(data)))
    assert losses.detach().numpy() == pytest.approx(torch.stack(expected).numpy(), rel=1e-5)
    assert model(*model.whole(data)).item() == pytest.approx(sum(expected).item(), rel=1e-5)
    assert model().item() == pytest.approx(problem.value, rel=1e-6)


def test_the_reference_solves_the_gauss_newton_system(peer_problem):
    problem = random_problem(4, size=12, dim=3)
    data = data_of(peer_problem, problem)
    counts, shape = document_counts(problem), problem.U.shape
    point = torch.stack([tensor(problem.U), tensor(problem.C)]).flatten()

    def loss(values, counts):
        u, c = values.view(2, *shape)
        return expected_loss(u, c, tensor(counts), tensor(data.noise), data.negative)

    def scores(values):
        u, c = values.view(2, *shape)
        return (u @ c.T).flatten()

    jacobian = torch.autograd.functional.jacobian(scores, point)
    sigma = torch.sigmoid(scores(point)).numpy()
    total = counts.sum(0)
    weights = total + data.negative * (total.sum(1, keepdims=True) - total) * data.noise
    system = jacobian.T @ torch.diag(tensor(weights.ravel() * sigma * (1 - sigma))) @ jacobian
    wanted = np.zeros((2, *shape))
    wanted[0, problem.rows] = problem.gradient
    s = torch.linalg.solve(system + problem.damp * torch.eye(len(point)), tensor(wanted.ravel()))
    exact = [s @ torch.autograd.functional.jacobian(lambda p, n=n: loss(p, n), point) for n in counts]
    assert peer_problem.reference(data) == pytest.approx(torch.stack(exact).numpy(), rel=1e-5, abs=1e-9)


@pytest.fixture
def quality(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    yield importlib.import_module("quality")
    sys.modules.pop("quality", None)


@pytest.mark.parametrize("mark", ["\t", ",", " ", " , "])
@pytest.mark.parametrize("header", [None, "word1{0}word2{0}score", "# a comment"])
def test_judgements_are_read_whatever_stands_between_them(quality, tmp_path, mark, header):
    lines = [header.format(mark)] if header else []
    lines += [mark.join(cells) for cells in (("sun", "sunlight", "50.0"), ("Tiger", "cat", "7.35", "3"))]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines) + "\n\n", "utf-8-sig")
    assert quality.read_judgements(path) == [("sun", "sunlight", 50.0), ("Tiger", "cat", 7.35)]
    path.write_text("\n".join([*lines, "one line is wrong"]))
    with pytest.raises(Exception, match="not two words and a score"):
        quality.read_judgements(path)


def test_both_trainers_are_measured_on_the_same_corpus(quality, made, tmp_path, capsys):
    words = ["bakers", "coopers", "drovers", "glaziers", "hunters", "millers"]
    pairs = [f"{a} {b} {n}" for n, (a, b) in enumerate((a, b) for a in words for b in words if a < b)]
    (tmp_path / "pairs.txt").write_text("\n".join(pairs))
    (tmp_path / "questions.txt").write_text(f": trades\n{' '.join(words[:4])}\n{' '.join(words[1:4])} Zeppelin\n")
    files = ("--similarity", str(tmp_path / "pairs.txt"), "--analogies", str(tmp_path / "questions.txt"))
    options = (str(made.corpus), "--seeds", "2", "--epochs", "2", "--dim", "6", *files)
    quality.main([*options, "--json"], standalone_mode=False)
    figures = json.loads(capsys.readouterr().out)
    assert figures["trainers"].keys() == {"paired", "gensim"}
    for row in figures["trainers"].values():
        assert row["tokens_per_cpu_second"] == pytest.approx(2 * figures["tokens"] / row["cpu_seconds"])
        found = row["measures"]
        assert found["WordSim-353"]["mean"] is None
        assert found["pairs.txt"]["items"] == len(pairs)
        assert len(found["pairs.txt"]["values"]) == 2
        assert found["pairs.txt"]["sd"] > 0
        assert found["questions.txt"]["items"] == 1
        assert found["questions.txt"]["mean"] in (0, 0.5, 1)
    quality.main(list(options), standalone_mode=False)
    assert "tokens a CPU s" in capsys.readouterr().out
