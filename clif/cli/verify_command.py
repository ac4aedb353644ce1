"""clif verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli.options import (
    MEASURE_HELP,
    NONE,
    TEST_HELP,
    clif_command,
    memory_option,
    numbers,
    on_scheduler,
    run_argument,
)
from clif.cli.screen import Screen


@clif_command("clif verify --sizes 10,30 --subsets 0 --seeds 1 --budget 20m --gate pearson=.9")
@run_argument
@click.option("--test", multiple=True, help=f"{TEST_HELP} Repeatable.  [the newest ranking's]")
@click.option("--method", multiple=True, help="Method; repeat it for several, or 'all'.  [the recommended one]")
@click.option("--choose", metavar="METHOD", help="Method that chooses the targeted sets.  [the first --method]")
@click.option("--measure", help=MEASURE_HELP)
@click.option("--damping", type=float, help="Damping of the methods.  [that of the newest ranking]")
@click.option("--steps", type=int, help="Products of a solve at most.  [500, lissa 5000]")
@click.option("--sizes", metavar="N,N", help="Documents in a targeted set; 'none'.  [10,30,100,...: 5% at most]")
@click.option("--random-sets", type=int, default=3, show_default=True, help="Random sets beside each size or share.")
@click.option("--random-shares", metavar="S,S", help="Random sets of these shares of the documents too, as .01,.05.")
@click.option("--alpha", type=float, multiple=True, help="Share that random subsets keep; repeatable.  [0.5]")
@click.option("--subsets", type=int, default=50, show_default=True, help="Random subsets of each --alpha; 0: none.")
@click.option("--seeds", type=int, default=2, show_default=True, help="Paired retrainings of each set.")
@click.option("--budget", metavar="TIME", help="Time for the trainings: 90s, 20m, 2h. What does not fit is left out.")
@click.option("--gate", multiple=True, metavar="KEY=VALUE", help="Exit with 6 below this; repeatable, see above.")
@click.option("--processes", type=int, help="Trainings at a time.  [one a core]")
@memory_option
@on_scheduler
def command(
    screen: Screen,
    run: Path | None,
    test: tuple[str, ...],
    sizes: str | None,
    random_shares: str | None,
    alpha: tuple[float, ...],
    **options: Any,
) -> None:
    """Hold predictions against what retraining without the documents does.

    Removes sets of documents, retrains with the same seeds, and compares the change of the bias with the predicted
    one: on sets from both ends of the ranking, on random sets of as many tokens, and by rank on random halves of the
    corpus (LDS). One training measures all tests and is never repeated. Interrupted, it goes on where it stopped.
    Leaves result.json, sets.csv and scatter.svg in RUN/verifications.

    Gates: pearson, spearman, lds, coverage at least, rms at most, slope from one number to another, for targeted
    sets; with random. before it for random ones. As in pearson=.9, slope=.8:1.2, random.pearson=.6.
    """
    from clif.cli.verify_tables import show
    from clif.run import open_trained
    from clif.verification import verify

    if sizes is not None:
        options["sizes"] = numbers("--sizes", sizes, int)
    options["random_shares"] = numbers("--random-shares", random_shares or NONE, float)
    if alpha:
        options["alpha"] = alpha
    opened = open_trained(run)
    with screen.progress() as progress:
        result = verify(opened, test or None, progress=progress, **options)
    show(screen, result, opened)
    result.check()
