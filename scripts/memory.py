"""Peak memory of every stage under a bound of its buffers, on a corpus and on that corpus repeated; see memory."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
from scale import measured

from clif.corpus.reading import ReadOptions, read_documents


def repeated(corpus: Path, times: int, path: Path) -> Path:
    """Write a corpus so many times, as JSON Lines; each time its documents have other ids."""
    with path.open("w", encoding="utf-8") as file:
        for time in range(times):
            for document in read_documents([corpus], ReadOptions()):
                file.write(json.dumps({"id": f"{time}-{document.doc_id}", "text": document.text}) + "\n")
    return path


def stages(corpus: Path, folder: Path, memory: str, test: str, training: list[str]) -> dict[str, float]:
    """Peak resident memory in MB of the largest process of each stage."""
    run, bound = str(folder / corpus.stem), ["--memory", memory]
    removal = ["--method", "block", "--remove-top-k", "100", "--seeds", "1", "--controls", "1"]
    commands = {
        "encode and train": ["train", str(corpus), "--out", run, *training],
        "rank block": ["rank", run, "--test", test],
        # Two products of the solve: more take more time, not more memory.
        "rank clif": ["rank", run, "--test", test, "--method", "clif", "--steps", "2", "--no-cache"],
        "retrain": ["retrain", run, "--test", test, *removal],
    }
    found = {}
    for stage, command in commands.items():
        _, found[stage] = measured(*command, *bound)
        click.echo(f"{corpus.name}: {stage} {found[stage]:,.0f} MB", err=True)
    return found


@click.command()
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--memory", default="1GB", show_default=True)
@click.option("--times", default=4, show_default=True, help="How often the corpus is repeated.")
@click.option("--test", default="weat6", show_default=True)
@click.option("--epochs", default="1", show_default=True, help="More take more time, not more memory.")
@click.option("--min-count", default="20", show_default=True, help="Of the repeated corpus; of the corpus 5.")
@click.option("--json", "as_json", is_flag=True)
def main(corpus: Path, memory: str, times: int, test: str, epochs: str, min_count: str, as_json: bool) -> None:
    """Measure every stage; the repeated corpus keeps the words that the corpus has 5 times: the model is as large."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        plain = repeated(corpus, 1, folder / "once.jsonl")
        for name in ("first", "again"):  # the first time kernels may be compiled, which takes memory of its own
            (folder / name).mkdir()
            once = stages(plain, folder / name, memory, test, ["--epochs", epochs])
        longer = repeated(corpus, times, folder / "repeated.jsonl")
        more = stages(longer, folder, memory, test, ["--epochs", epochs, "--min-count", min_count])
    if as_json:
        click.echo(json.dumps({"once": once, "repeated": more}, indent=2))
        return
    click.echo(f"| MB, largest process, --memory {memory} | corpus | {times} times | growth |\n|---|---|---|---|")
    for stage in once:
        click.echo(f"| {stage} | {once[stage]:,.0f} | {more[stage]:,.0f} | {more[stage] / once[stage] - 1:+.0%} |")


if __name__ == "__main__":
    main()
