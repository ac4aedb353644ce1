"""All of clif under surroundings that must not matter, chosen at random; see scripts/determinism."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

DATA = Path(__file__).resolve().parents[1] / "data"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
# Names that a machine lacks count as C. Turkish has letters of its own for the capital of i; German a decimal comma.
LOCALES = ("C", "POSIX", "C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "ja_JP.eucJP", "en_US.ISO-8859-1")
ZONES = (
    "UTC",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Europe/Berlin",
    "Pacific/Pago_Pago",
    "<+07>-7",  # POSIX: hours to the east, with a name made of signs
)
COMMANDS = (
    "train corpus.jsonl --out run --sample 0 --dim 30 --epochs 8 --min-count 2",
    "train corpus.jsonl --out gensim --trainer gensim --sample 0 --dim 10 --min-count 2",
    "train corpus.jsonl --out exact --trainer exact --sample 0 --dim 4 --min-count 2 --tolerance 1e-4",
    "rank run --test planted.toml --method clif --measure mean_difference --threads {threads}",
    "rank run --test planted.toml --method source --measure mean_difference --threads {threads}",
    "rank run --test planted.toml --unit sentence --measure mean_difference --threads {threads}",
    "rank run --test planted.toml --measure mean_difference --threads {threads}",
    "retrain run --test planted.toml --remove-top-k 20 --seeds 1 --controls 1 --processes {threads}",
    "report run",
    "plot run",
)
# One process for all: each would import the same modules.
DRIVER = """
import sys
from clif.cli import main
for line in sys.stdin.read().splitlines():
    try:
        main(line.split() + ["--quiet"])
    except SystemExit as left:
        if left.code:
            sys.exit(f"{line}: exit code {left.code}")
"""


def surroundings(rng: random.Random) -> dict[str, str]:
    """Variables of the environment, chosen at random."""
    chosen = {name: str(rng.randint(1, 4)) for name in THREADS}
    return {
        **chosen,
        "PYTHONHASHSEED": str(rng.randrange(2**32)),
        "LC_ALL": rng.choice([*LOCALES, *installed()]),
        "TZ": rng.choice(ZONES),
    }


def installed() -> list[str]:
    """Locales of this machine."""
    try:
        done = subprocess.run(("locale", "-a"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted(done.stdout.decode("ascii", "ignore").split())


def work(folder: Path, documents: int, chosen: dict[str, str], commands: tuple[str, ...]) -> dict[str, bytes]:
    """Do all commands in a new folder; the files that they leave."""
    from same_bytes import contents

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "corpus.jsonl").write_text("".join(lines[:documents]), "utf-8")
    shutil.copy(DATA / "planted.toml", folder)
    lines = [command.format(threads=chosen.get("NUMBA_NUM_THREADS", "1")) for command in commands]
    done = subprocess.run(
        (sys.executable, "-c", DRIVER),
        input="\n".join(lines).encode(),
        cwd=folder,
        env={**os.environ, **chosen},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        raise click.ClickException(f"{chosen}: {done.stderr.decode('utf-8', 'replace')}")
    return contents(folder)


@click.command()
@click.option("--runs", default=20, show_default=True, help="Each in other surroundings.")
@click.option("--documents", default=300, show_default=True, help="Of the planted corpus.")
@click.option("--seed", default=1, show_default=True, help="Of the surroundings.")
@click.option("--quick", is_flag=True, help="Train, rank and report only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(runs: int, documents: int, seed: int, quick: bool, as_json: bool) -> None:
    """Do all of clif in many surroundings, in the same folder, and compare all files with those of the first run."""
    from same_bytes import differing

    commands = (COMMANDS[0], *COMMANDS[6:7], *COMMANDS[8:9]) if quick else COMMANDS
    rng, rows = random.Random(seed), []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "work"
        first = work(folder, documents, {}, commands)
        for number in range(runs):
            chosen = surroundings(rng)
            different = differing(first, work(folder, documents, chosen, commands))
            rows.append({"surroundings": chosen, "differing": different})
            about = " ".join(f"{name}={value}" for name, value in chosen.items())
            click.echo(f"{number + 1:3} {about}: {', '.join(different) or 'the same'}", err=True)
    same = sum(not row["differing"] for row in rows)
    if as_json:
        click.echo(json.dumps({"runs": runs, "same": same, "files": len(first), "rows": rows}))
    else:
        click.echo(f"{same} of {runs} gave the same bytes in all of {len(first)} files")
    sys.exit(int(same < runs))


if __name__ == "__main__":
    main()
