"""How far orders of the documents are predicted to reach words that were held out; see scripts/transfer."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np

from clif.influence.groups import predict_value, removal
from clif.objectives import BiasTest, cover
from clif.ranking import HALF_LEAST, choose_test, make_problems, rank
from clif.ranking.wider import words_beside
from clif.retraining.holdout import HOLDOUTS, Split, split_halves
from clif.run import Run, open_trained

Order = dict[str, Any]  # options of `rank`


def orders_of(run: Run, test: BiasTest, words: str, wider: tuple[str, ...]) -> dict[str, Order]:
    """Orders by name: by influence, by many words of each kind that is halved, and by words beside them."""
    orders: dict[str, Order] = {"influence": {}}
    for broad in ("targets", "attributes") if words == "both" else (words,):
        orders[f"broad {broad}"] = {"broad": broad}
        for each in wider:
            beside = words_beside(run, each, test, broad)
            orders[f"broad {broad}, wider {each}"] = {"broad": broad, "wider": beside}
    return orders


def predict(run: Run, split: Split, measure: str | None, order: Order) -> tuple[int, float, float, float]:
    """Documents that bring the used half to zero, their share of the tokens, and the changes of used and held-out half.

    Where no number is predicted to do so, nothing is removed and nothing changes.
    """
    used, held = make_problems(run, list(split), measure, half=True)
    ranking = rank(run, split[0], measure=measure, half=True, **order)
    k = ranking.about["zero_crossing"] or 0
    chosen = np.array([run.corpus.number[doc_id] for doc_id in ranking.doc_ids[:k]], dtype=np.int64)
    gone = removal(used, chosen)
    tokens = float(run.corpus.lengths[chosen].sum() / run.corpus.lengths.sum())
    return k, tokens, *(predict_value(problem, gone) - problem.value for problem in (used, held))


def compare(
    run: Run, test: BiasTest, words: str, halves: int, measure: str | None, wider: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Predicted transfer of each order: its mean change on the held-out words over that on the used ones."""
    coverage = cover(test, run.vocabulary.index, HALF_LEAST)
    splits = split_halves(coverage, words, run.settings.seed, halves)
    rows = []
    for name, order in orders_of(run, test, words, wider).items():
        click.echo(f"{name} ...", err=True)
        documents, tokens, u, v = zip(*(predict(run, split, measure, order) for split in splits), strict=True)
        rows.append(
            {
                "order": name,
                "halves": len(splits),
                "at_zero": sum(k > 0 for k in documents),
                "documents": mean(documents),
                "tokens": mean(tokens),
                "transfer": mean(v) / mean(u) if mean(u) else None,
            }
        )
    return rows


@click.command()
@click.argument("path", metavar="RUN", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--test", default="gender-career", show_default=True)
@click.option(
    "--words", type=click.Choice(list(HOLDOUTS)), default="targets", show_default=True, help="What is halved."
)
@click.option("--halves", type=click.IntRange(1), default=10, show_default=True)
@click.option("--measure", default="mean_difference", show_default=True)
@click.option("--wider", multiple=True, help="neighbours, gender or a file of pairs; repeatable.")
@click.option("--json", "as_json", is_flag=True)
def main(path: Path, test: str, words: str, halves: int, measure: str, wider: tuple[str, ...], as_json: bool) -> None:
    """Compare orders of the documents of RUN by the transfer that is predicted at zero on the used half."""
    run = open_trained(path)
    rows = compare(run, choose_test(run, test), words, halves, measure, wider)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        transfer = "-" if row["transfer"] is None else f"{row['transfer']:.2f}"
        click.echo(
            f"{row['order']:32} transfer {transfer:>5}  documents {row['documents']:7.1f}  "
            f"tokens {row['tokens']:6.1%}  at zero {row['at_zero']} of {row['halves']}"
        )


if __name__ == "__main__":
    main()
