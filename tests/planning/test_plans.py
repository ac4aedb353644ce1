"""Plans against corpora whose numbers are known, and against what the work then takes."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pytest
import zstandard
from click.testing import CliRunner

from clif.cli import cli
from clif.corpus.reading import ReadOptions
from clif.errors import InputError, UsageError
from clif.planning import plan, sampling
from clif.planning.growth import extrapolate
from clif.planning.sampling import take_sample, unpacked_size
from clif.settings import TrainingSettings
from clif.training import train

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"]


def texts(documents: int, seed: int = 0) -> list[str]:
    """Documents of 60 to 140 words, whose frequencies fall as those of text do."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, len(WORDS) + 1)
    return [
        " ".join(WORDS[n] for n in rng.choice(len(WORDS), rng.integers(60, 140), p=share / share.sum()))
        for _ in range(documents)
    ]


def write(path, documents, opener=open):
    with opener(path, "wt") as file:
        for n, text in enumerate(documents):
            file.write(json.dumps({"id": f"d{n}", "text": text}) + "\n")
    return path


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_a_power_law_is_followed(power):
    sizes = [1e5, 2e5, 4e5]
    assert extrapolate(sizes, [3 * size**power for size in sizes], 3e7) == pytest.approx(3 * 3e7**power)


def test_growth_bends_but_never_falls():
    sizes = [100_000, 200_000, 400_000]
    values = [size**0.6 for size in sizes]
    straight, bent = (extrapolate(sizes, values, 4e7, bend) for bend in (0.0, 0.05))
    assert values[-1] < bent < straight
    assert extrapolate(sizes, values, 4e9, 1.0) >= values[-1]
    assert extrapolate(sizes, [0, 0, 0], 1e7, 0.1) == 0


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd", "folder"])
def test_a_sample_tells_the_size_of_the_whole(kind, tmp_path, monkeypatch):
    documents = texts(2000)
    path = tmp_path / "corpus.jsonl"
    if kind == "folder":
        for n in range(40):
            write(tmp_path / f"{n:02}.jsonl", documents[n * 50 : n * 50 + 50])
            (tmp_path / f"{n:02}.jsonl").write_text((tmp_path / f"{n:02}.jsonl").read_text().replace('"d', f'"{n}-d'))
        path = tmp_path
    elif kind == "gzip":
        write(path, documents, gzip.open)
    else:
        write(path, documents)
        if kind == "zstd":
            path.write_bytes(zstandard.compress(path.read_bytes()))
    monkeypatch.setattr(sampling, "READ", 300_000)
    monkeypatch.setattr(sampling, "KEPT", 50_000)
    sample = take_sample([path], ReadOptions())
    characters = sum(map(len, documents))
    assert sample.characters == pytest.approx(characters, rel=0.1)
    assert sample.documents == pytest.approx(2000, rel=0.1)
    assert 50_000 <= sum(len(document.text) for document in sample.taken) <= 101_000
    assert sample.share == pytest.approx(75_000 / characters, rel=0.5)
    assert sample.bytes == sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir()))


def test_a_short_file_is_unpacked_to_its_end(tmp_path):
    path = write(tmp_path / "a.gz", ["abc"] * 100, gzip.open)
    assert unpacked_size(path) == len(gzip.decompress(path.read_bytes()))


def test_a_corpus_that_is_read_whole_has_its_own_numbers(tmp_path):
    path = write(tmp_path / "corpus.jsonl", texts(300))
    settings = TrainingSettings(dim=20, epochs=2)
    found = plan([path], settings, seeds=2, controls=1, folder=tmp_path / "not" / "yet")
    made = train([path], tmp_path / "run", settings).run
    assert found.sampled == 1
    assert found.size.documents == 300
    assert found.size.tokens == len(made.corpus.tokens)
    assert found.size.types == len(made.corpus.types)
    assert found.size.words == len(made.vocabulary)
    stages = {stage.name: stage for stage in found.stages}
    assert list(stages) == ["encode", "train", "rank, block", "rank, clif", "retrain, 2 seeds, 1 control"]
    assert all(stage.cpu > 0 and stage.wall > 0 and stage.memory > 1e8 and stage.disk > 0 for stage in found.stages)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "run").iterdir() if path.is_file()}
    model = sizes.pop("model.safetensors")
    del sizes["manifest.json"]
    assert stages["encode"].disk == pytest.approx(sum(sizes.values()), rel=0.02)
    assert stages["train"].disk == pytest.approx(2 * model, rel=0.05)
    assert found.total.cpu == pytest.approx(sum(stage.cpu for stage in found.stages))
    assert found.total.memory == max(stage.memory for stage in found.stages)
    assert found.advice == []


def test_counts_go_to_disk_in_the_plan_too(tmp_path, monkeypatch):
    path = write(tmp_path / "corpus.jsonl", texts(300))
    monkeypatch.setattr("clif.spilling.room", lambda: 1)
    on_disk = plan([path], TrainingSettings(dim=20), methods=["clif"])
    (stage,) = [stage for stage in on_disk.stages if stage.name == "rank, clif"]
    assert stage.scratch > 20 * on_disk.size.pairs


def test_what_will_not_do_is_said(tmp_path, monkeypatch):
    path = write(tmp_path / "corpus.jsonl", texts(60))
    found = plan([path], TrainingSettings(dim=20), methods=["block"])
    found.free.update(memory=10**6, disk=10)
    assert len(found.advice) == 2 * len(found.stages)
    assert all("more memory" in line or "more disk" in line for line in found.advice)
    assert any("--processes 1" in line for line in found.advice)
    found.free.update(memory=10**15, disk=10**15)
    assert found.walls[0].resource == "time"
    found.free.update(disk=10**7)
    assert found.walls[0].resource == "disk"


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"methods": ["unrolled"]}, "--method"),
        ({"settings": TrainingSettings(trainer="exact", dim=20)}, "--trainer"),
        ({"seeds": 0}, "--seeds"),
        ({"controls": -1}, "--controls"),
        ({"processes": 0}, "--processes"),
    ],
)
def test_what_cannot_be_planned_is_refused(options, where):
    with pytest.raises(UsageError) as caught:
        plan(["nowhere"], **options)
    assert caught.value.where == where


def test_a_corpus_at_a_url_is_refused_as_such():
    refused = CliRunner().invoke(cli, ["plan", "https://host.invalid/articles.jsonl"])
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.where == "https://host.invalid/articles.jsonl"
    assert "files of this machine" in refused.exception.what


def test_a_corpus_without_text_is_refused(tmp_path):
    path = write(tmp_path / "corpus.jsonl", ["", ""])
    with pytest.raises(InputError, match="no text"):
        plan([path])


def test_the_command_prints_a_table_and_json(tmp_path):
    path = write(tmp_path / "corpus.jsonl", texts(80))
    before = sorted(os.listdir(tmp_path))
    asked = ["plan", str(path), "--dim", "20", "--method", "block", "--memory", "1GB"]
    shown = CliRunner().invoke(cli, asked)
    assert shown.exit_code == 0
    for text in ("80 documents", "encode", "rank, block", "together", "The first wall: at"):
        assert text in shown.output
    values = json.loads(CliRunner().invoke(cli, [*asked, "--json", "--quiet"]).stdout)
    assert values["documents"] == 80
    assert values["memory"] == 10**9
    assert {
        "stage",
        "cpu_seconds",
        "wall_seconds",
        "memory_bytes",
        "memory_of_all_bytes",
        "disk_bytes",
        "scratch_bytes",
    } == set(values["stages"][0])
    assert sorted(os.listdir(tmp_path)) == before


def test_a_plan_is_not_made_from_urls(clif):
    said = clif("plan", "s3://bucket/corpus.jsonl")
    assert said.code == 2
    assert "s3://bucket/corpus.jsonl: a plan reads parts of files again" in said.err
