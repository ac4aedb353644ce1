"""Models from a corpus in files or in memory, from elsewhere, and from a run that is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clif.corpus.memory import InMemory, paths_in, spool
from clif.corpus.reading import ReadOptions
from clif.corpus.tokenising import Tokeniser
from clif.errors import UsageError
from clif.folder import Given
from clif.library.accepting import check_options, fields_of, run_of
from clif.library.model import Model
from clif.library.verbs import Watch
from clif.library.watching import watched
from clif.run import DEFAULT_RUN, Run
from clif.settings import TrainingSettings
from clif.training import train as train_run
from clif.training.importing import import_model as import_run

AnyCorpus = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | InMemory


def train(
    corpus: AnyCorpus | None = None,
    out: Path | str = DEFAULT_RUN,
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    force: bool = False,
    progress: Watch = None,
    **options: Any,
) -> Model:
    """Train a skip-gram model with negative sampling on a corpus, into the run folder `out`.

    Minimises L(U, C) = sum over pairs of words of N_wc softplus(-x_wc) + k (N_w - N_wc) q_c softplus(x_wc), with
    x_wc = u_w . c_c: N_wc the number of times that word2vec's sampling is expected to form the pair in an epoch, k
    negatives a pair, drawn from q, which is proportional to count^0.75. Losses that are reported are those of one pair
    with its negatives, in nats. Trained twice with the same corpus and settings, the second call takes the first run.

    Parameters
    ----------
    corpus
        Files or folders (JSON Lines, text, CSV, TSV, Parquet); a data frame of pandas; a dataset of Hugging Face; a
        mapping or series of texts by id; or an iterable of texts, mappings or `clif.Document`. What is no file is
        copied into the run as corpus.jsonl. Without a corpus: the paragraphs of the State of the Union speeches. Where
        documents have no id, rows of pandas are named by their label, other things by their position from 0.
    settings, read, tokeniser
        All settings as objects; or one by one as `options`:
        trainer       "paired" (default), "gensim" or "exact"
        dim, window, negative, epochs, min_count, sample, alpha, min_alpha, ns_exponent, seed, workers, l2, tolerance
        text_field, id_field    of the text and the id; guessed if left out
        format, split, side, encoding    of files
        keep_case, pretokenised    how text becomes words
    force
        Replace a run at `out` that was made otherwise.

    Raises
    ------
    InputError
        The corpus cannot be used, or `out` cannot be written to.
    MismatchError
        `out` holds another run, or something that is not a run.
    UsageError
        An option makes no sense.

    Source: Mikolov et al., NeurIPS 2013; Levy and Goldberg, NeurIPS 2014, for the loss in expected counts.

    """
    check_options("train", options, [name for kind in _KINDS for name in fields_of(kind)])
    given = settings or _made(TrainingSettings, settings, options)
    sources, reading = _sources(corpus, read, options)
    how = tokeniser or _made(Tokeniser, tokeniser, options)
    _unused(options, {"settings": settings, "read": read, "tokeniser": tokeniser})
    with watched(progress) as watch:
        done = train_run(sources, out, given, read=reading, tokeniser=how, force=force, progress=watch)
    return Model(done.run, done.reused)


def import_model(
    model: Path | str,
    corpus: AnyCorpus,
    out: Path | str = DEFAULT_RUN,
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    allow_pickle: bool = False,
    force: bool = False,
    anyway: bool = False,
    progress: Watch = None,
    **options: Any,
) -> Model:
    """Make a run of a model that was trained elsewhere, and of its corpus, so that documents can be ranked.

    A gensim skip-gram model is taken with its own settings (`allow_pickle`: such files can run code). Vectors alone get
    output vectors that are fitted on the corpus, as if trained with `settings`; `anyway` takes them even if they
    explain little of it. The corpus, and the options for reading it, are those of `train`.

    Raises
    ------
    InputError, MismatchError, UsageError
        The model lacks what is needed, is plainly not of this corpus, or an option makes no sense.

    """
    check_options("import_model", options, [name for kind in _KINDS[1:] for name in fields_of(kind)])
    sources, reading = _sources(corpus, read, options)
    how = tokeniser or _made(Tokeniser, tokeniser, options)
    _unused(options, {"read": read, "tokeniser": tokeniser})
    with watched(progress) as watch:
        done = import_run(
            Path(model), sources, out, settings, read=reading, tokeniser=how, allow_pickle=allow_pickle, force=force,
            anyway=anyway, progress=watch,
        )  # fmt: skip
    return Model(done.run)


def load_model(path: Path | str | Run = DEFAULT_RUN) -> Model:
    """Open the model of a run folder, ./clif-run unless told otherwise; raises InputError if there is none."""
    return Model(run_of(path), reused=True)


_KINDS: tuple[type[Any], ...] = (TrainingSettings, ReadOptions, Tokeniser)


def _sources(
    corpus: AnyCorpus | None, read: ReadOptions | None, options: dict[str, Any]
) -> tuple[list[Given], ReadOptions]:
    """What to read, and how; a corpus in memory says itself how its copy is read."""
    if corpus is None:
        return [], read or _made(ReadOptions, read, options)
    paths = paths_in(corpus)
    if paths is not None:
        return [*paths], read or _made(ReadOptions, read, options)
    asked = read or _made(ReadOptions, read, options)
    default = ReadOptions(text_field=asked.text_field, id_field=asked.id_field)
    if asked != default:
        raise UsageError(
            "format, split, side and encoding are those of files, and this corpus is in memory",
            where="read",
            next="Leave them out.",
        )
    spooled = spool(corpus, asked.text_field, asked.id_field)  # type: ignore[arg-type]
    return [spooled], spooled.read


def _made(kind: type[Any], given: Any, options: dict[str, Any]) -> Any:
    """Settings of a kind from its options, which are taken out, where they are not given as an object."""
    if given is not None:
        return given
    return kind(**{name: options.pop(name) for name in fields_of(kind) if name in options})


def _unused(options: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise UsageError for options that are left: those that an object says already."""
    if options:
        name = next(iter(options))
        both = next((part for part, value in given.items() if value is not None and hasattr(value, name)), "settings")
        raise UsageError(f"{name} is said by {both} already", where=name, next=f"Leave out one of {name} and {both}.")
