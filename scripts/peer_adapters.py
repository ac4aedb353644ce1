"""The problem of peer_problem.py in the terms of each general attribution library.

Each adapter returns a function that predicts the change of the effect size when a document is removed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from peer_problem import Data, SkipGram, called, padded, tensors
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

BATCH = 20  # documents
PROJECTED = 100  # documents; a random projection is drawn anew for every batch
Attribute = Callable[[], np.ndarray]


def _dattri(data: Data, parameters: str) -> tuple[SkipGram, Any, TensorDataset, DataLoader]:
    from dattri.task import AttributionTask

    model = SkipGram(data, parameters)
    task = AttributionTask(
        loss_func=lambda values, sample: called(model, values, sample).sum(),
        model=model,
        checkpoints=model.state_dict(),
        target_func=lambda values, _: called(model, values),
    )
    return model, task, TensorDataset(*padded(model.samples(data))), DataLoader(TensorDataset(torch.zeros(1, 1)))


def dattri_tracin(data: Data, parameters: str) -> Attribute:
    """TracIn at the final model. Gradients are projected at random unless that is switched off."""
    from dattri.algorithm.tracin import TracInAttributor

    _, task, documents, target = _dattri(data, parameters)

    @torch.no_grad()
    def attribute() -> np.ndarray:
        identity = {"proj_type": "identity"}
        attributor = TracInAttributor(task, torch.ones(1), normalized_grad=False, projector_kwargs=identity)
        return attributor.attribute(DataLoader(documents, batch_size=BATCH), target)[:, 0].numpy()

    return attribute


def dattri_cg(data: Data, parameters: str) -> Attribute:
    """Influence function by conjugate gradients with clif's damping.

    The inverses of all batches of the full data are added up, so it must be one batch. The solve would be repeated
    for every batch of documents, so it is kept. The iterations do not stop at a tolerance: by default there are 10,
    too few here, and by 100 the residuals of a converged solve have come to 0 and are divided by each other. Without
    no_grad the graphs of all iterations are kept.
    """
    from dattri.algorithm.influence_function import IFAttributorCG

    model, task, documents, target = _dattri(data, parameters)
    whole = DataLoader(TensorDataset(*model.whole(data)))

    class Once(IFAttributorCG):
        solved: Tensor | None = None

        def transform_test_rep(self, ckpt_idx: int, test_rep: Tensor) -> Tensor:
            if self.solved is None:
                self.solved = super().transform_test_rep(ckpt_idx, test_rep)
            return self.solved

    @torch.no_grad()
    def attribute() -> np.ndarray:
        attributor = Once(task, max_iter=20, regularization=data.damp)
        attributor.cache(whole)
        return attributor.attribute(DataLoader(documents, batch_size=BATCH), target)[:, 0].numpy()

    return attribute


def captum_tracin(data: Data, parameters: str) -> Attribute:
    """TracInCP at the final model, a document a batch: larger batches are differentiated as often, and whole."""
    from captum.influence import TracInCP

    model = SkipGram(data, parameters)
    batches = [(*(part[None] for part in tensors(sample)), torch.zeros(1)) for sample in model.samples(data)]

    def measured(_: Tensor, __: Tensor) -> Tensor:
        # Every parameter must be in the graph of the measured function.
        return (model.effect_size() + 0.0 * sum(values.sum() for values in model.parameters()))[None]

    def attribute() -> np.ndarray:
        tracin = TracInCP(
            model,
            DataLoader(batches, batch_size=None),
            checkpoints=[model.state_dict()],
            checkpoints_load_func=lambda *_: 1.0,
            loss_fn=lambda losses, _: losses,
            test_loss_fn=measured,
        )
        return tracin.influence(batches[0])[0].detach().numpy()

    return attribute


def traker(data: Data, parameters: str) -> Attribute:
    """TRAK with one model and clif's damping as its ridge, in the units of its features.

    The rows are few enough to go without the random projection; U and C are projected to 2,048 numbers, the default.
    """
    from trak import TRAKer
    from trak.modelout_functions import AbstractModelOutput
    from trak.projectors import NoOpProjector

    model = SkipGram(data, parameters)

    class Output(AbstractModelOutput):
        measured = False

        def __init__(self) -> None:
            pass

        def get_output(self, model: SkipGram, values: dict, buffers: dict, *sample: Tensor) -> Tensor:
            return called(model, {**values, **buffers}, () if self.measured else sample)

        def get_out_to_loss_grad(self, model: Any, values: Any, buffers: Any, batch: tuple[Tensor, ...]) -> Tensor:
            return torch.ones(len(batch[0]), 1)  # the output is the loss itself

    documents = padded(model.samples(data))
    size = sum(values.numel() for values in model.parameters())
    dimension = size if model.rows_only else 2048

    def attribute() -> np.ndarray:
        output = Output()
        with tempfile.TemporaryDirectory() as folder:
            trak = TRAKer(
                model,
                output,
                train_set_size=data.documents,
                save_dir=folder,
                device="cpu",
                projector=NoOpProjector(device="cpu") if model.rows_only else None,
                proj_dim=dimension,
                use_half_precision=False,
                # Features are divided by sqrt(size), and the projection multiplies their products by its dimension.
                lambda_reg=data.damp / size * (1 if model.rows_only else dimension),
                logging_level=40,
            )
            trak.load_checkpoint(model.state_dict(), model_id=0)
            for batch in zip(*(part.split(PROJECTED) for part in documents), strict=True):
                trak.featurize(batch, num_samples=len(batch[0]))
            trak.finalize_features()
            trak.start_scoring_checkpoint("weat", model.state_dict(), model_id=0, num_targets=1)
            output.measured = True
            trak.score((torch.zeros(1, 1),), num_samples=1)
            return np.array(trak.finalize_scores("weat")[:, 0])

    return attribute
