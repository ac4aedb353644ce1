"""Every kind against torch and plain numpy, against figures of another library, and by what its paper says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import CoverageError, InputError, UsageError
from clif.objectives import KINDS, BiasTest, Coverage, check_ranked, cover, measurable_of, objective_of, p_values_of

RANKED = [kind for kind in KINDS.values() if kind.ranked]
BOTH = [(kind.name, measure) for kind in RANKED for measure in kind.measures]


def coverage_of(kind: str, sizes: tuple[int, int, int, int], options: dict[str, float] | None = None) -> Coverage:
    """Words of the sizes of X, Y, A, B, whose rows are in reverse, so that rows cannot pass for positions."""
    words = [tuple(f"{key}{number}" for number in range(size)) for key, size in zip("xyab", sizes, strict=True)]
    index = {word: row for row, word in enumerate(reversed([word for set_ in words for word in set_]))}
    return cover(BiasTest("made", *words, kind=kind, options=options or {}), index, least=1)


def sizes_of(kind: str, seed: int = 0) -> tuple[int, int, int, int]:
    """Sizes that fit the kind."""
    x, y, a, b = (int(n) for n in np.random.default_rng(seed).integers((1, 2, 2, 2), 6))
    y = y if kind in ("weat", "mac", "rnsb") else 0
    return (x + 2, y, a, a if KINDS[kind].paired else b)


def vectors(sizes: tuple[int, ...], dim: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(sum(sizes), dim)) * rng.uniform(0.2, 3, size=(sum(sizes), 1))


def by_torch(
    kind: str, measure: str, E: torch.Tensor, sizes: tuple[int, ...], ddof: int = 0, c: float = 1.0
) -> torch.Tensor:
    """T written down from the papers, one word at a time."""
    X, Y, A, B = torch.split(E, list(sizes))

    def cos(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return u @ v / (u.norm() * v.norm())

    def mean(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(values).mean(0)

    def first_component(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        # As Bolukbasi et al. take it: of the words of each pair about the middle of the pair.
        rows = torch.stack([word - (a + b) / 2 for a, b in pairs for word in (a, b)])
        g = torch.linalg.eigh(rows.T @ rows)[1][:, -1]
        return g * torch.sign(sum(g @ (a - b) for a, b in pairs).detach())

    if kind == "weat":
        s = torch.stack([mean([cos(w, a) for a in A]) - mean([cos(w, b) for b in B]) for w in (*X, *Y)])
        difference = s[: len(X)].mean() - s[len(X) :].mean()
        return difference if measure == "mean_difference" else difference / s.std(correction=ddof)
    if kind == "sc-weat":
        each = [torch.stack([cos(w, a) for a in (*A, *B)]) for w in X]
        differences = [c[: len(A)].mean() - c[len(A) :].mean() for c in each]
        if measure == "mean_difference":
            return mean(differences)
        return mean([d / c.std(correction=ddof) for d, c in zip(differences, each, strict=True)])
    if kind == "ripa":
        g = first_component(list(zip(A, B, strict=True)))
        return mean([w @ g for w in X])
    if kind == "direct":
        g = first_component([(a / a.norm(), b / b.norm()) for a, b in zip(A, B, strict=True)])
        cosines = torch.stack([cos(w, g) for w in X])
        return cosines.mean() if measure == "projection" else (cosines.abs() ** c).mean()
    if kind == "same":
        v = mean([a / a.norm() for a in A]) - mean([b / b.norm() for b in B])
        s = torch.stack([cos(w, v) for w in X])
        return {"same": s.abs().mean(), "skew": s.mean(), "stereotype": s.std(correction=0)}[measure]
    if kind == "rnd":
        to_A, to_B = (mean([word / word.norm() for word in side]) for side in (A, B))
        return mean([(w / w.norm() - to_A).norm() - (w / w.norm() - to_B).norm() for w in X])
    assert kind == "mac"
    distances = [mean([1 - cos(t, a) for a in side]) for t in (*X, *Y) for side in (A, B)]
    return 1 - mean(distances)


@pytest.mark.parametrize(("kind", "measure"), BOTH)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), dim=st.integers(3, 20), ddof=st.sampled_from([0, 1]))
def test_values_gradients_and_parts_agree_with_torch(kind: str, measure: str, seed: int, dim: int, ddof: int) -> None:
    sizes = sizes_of(kind, seed)
    E, made = vectors(sizes, dim, seed), objective_of(coverage_of(kind, sizes), ddof)
    tensor = torch.tensor(E, requires_grad=True)
    value = by_torch(kind, measure, tensor, sizes, ddof)
    value.backward()
    assert made.value(E, measure) == pytest.approx(value.item(), abs=1e-11)
    scale = float(tensor.grad.abs().max()) + 1e-3
    np.testing.assert_allclose(made.gradient(E, measure), tensor.grad.numpy(), rtol=0, atol=1e-8 * scale)
    s = made.associations(E)
    assert s.shape == (made.parts,)
    assert made.join(s, measure) == made.value(E, measure)
    joined = np.einsum("p,pnd->nd", made.join_gradient(s, measure), made.part_gradients(E))
    np.testing.assert_allclose(joined, made.gradient(E, measure), rtol=0, atol=1e-12 * (1 + scale))


@pytest.mark.parametrize(("kind", "measure"), BOTH)
def test_the_gradient_of_each_part_is_that_of_finite_differences(kind: str, measure: str) -> None:
    sizes, step = sizes_of(kind, 3), 1e-5
    E, made = vectors(sizes, 4, 3), objective_of(coverage_of(kind, sizes))
    numeric = np.zeros((made.parts, *E.shape))
    for place in np.ndindex(*E.shape):
        up, down = E.copy(), E.copy()
        up[place] += step
        down[place] -= step
        numeric[(slice(None), *place)] = (made.associations(up) - made.associations(down)) / (2 * step)
    np.testing.assert_allclose(made.part_gradients(E), numeric, rtol=1e-6, atol=1e-7)
    s = made.associations(E)
    by_difference = [
        (made.join(s + step * way, measure) - made.join(s - step * way, measure)) / (2 * step) for way in np.eye(len(s))
    ]
    np.testing.assert_allclose(made.join_gradient(s, measure), by_difference, rtol=1e-6, atol=1e-8)


# By WEFE 1.0.1 (MIT licence), for the vectors of `for_wefe`, in queries of its own definitions: RIPA with targets (a0)
# and (b0) and attributes X; MAC with targets X and Y and attributes A and B; RND with targets A and B, attributes
# X, normalize=True; ECT with targets A and B and attributes X; RNSB with targets X and Y, attributes A (positive) and
# B, holdout=False, and its estimator at a tolerance of 1e-12.
WEFE = {
    "ripa": 0.4764549167050651,
    "mac": 0.901466298368688,
    "rnd": 0.04356210610438096,
    "ect": 0.39999999999999997,
    "rnsb": 0.19819958865012635,
}
WEFE_SIZES = {"ripa": (5, 0, 1, 1), "mac": (5, 4, 6, 6), "rnd": (5, 0, 6, 6), "ect": (5, 0, 6, 6), "rnsb": (5, 4, 6, 6)}


def for_wefe(sizes: tuple[int, ...]) -> np.ndarray:
    """The first words of each set, of vectors for 5, 4, 6 and 6 words."""
    rng = np.random.default_rng(7)
    E = rng.normal(size=(21, 8)) * rng.uniform(0.2, 3, size=(21, 1))
    return np.vstack([part[:size] for part, size in zip(np.split(E, [5, 9, 15]), sizes, strict=True)])


@pytest.mark.parametrize("kind", WEFE)
def test_values_are_those_of_wefe(kind: str) -> None:
    sizes = WEFE_SIZES[kind]
    made = measurable_of(coverage_of(kind, sizes))
    value = made.value(for_wefe(sizes), KINDS[kind].measures[0])
    published = KINDS[kind].published
    assert (published(value) if published else value) == pytest.approx(WEFE[kind], abs=1e-9)


def test_rnsb_is_the_divergence_at_the_minimum_of_its_own_loss() -> None:
    sizes = (4, 3, 5, 6)
    E = vectors(sizes, 5, 1)
    X, Y, A, B = np.split(E, np.cumsum(sizes)[:-1])
    data = np.hstack([np.vstack([A, B]), np.ones((11, 1))])  # the intercept is a weight like the others
    label = np.repeat([0.0, 1.0], [5, 6])
    w = np.zeros(6)
    for _ in range(50):
        p = 1 / (1 + np.exp(-data @ w))
        w -= np.linalg.solve(data.T @ (data * (p * (1 - p))[:, None]) + np.eye(6), data.T @ (p - label) + w)
    negative = 1 / (1 + np.exp(-np.hstack([np.vstack([X, Y]), np.ones((7, 1))]) @ w))
    share = negative / negative.sum()
    expected = float(np.log(7) + (share * np.log(share)).sum())
    assert measurable_of(coverage_of("rnsb", sizes)).value(E, "rnsb") == pytest.approx(expected, abs=1e-9)


def test_rnsb_bears_probabilities_that_are_smaller_than_any_number() -> None:
    sizes = (2, 1, 4, 4)
    E = vectors(sizes, 6, 3)
    E[:3] = 1e5 * (E[3] - E[7]) * np.array([[1.0], [1.0], [-1.0]])  # two are not negative at all, the third is
    assert measurable_of(coverage_of("rnsb", sizes)).value(E, "rnsb") == pytest.approx(np.log(3))


def test_ect_is_one_minus_the_correlation_of_ranks() -> None:
    sizes = (9, 0, 3, 4)
    E = vectors(sizes, 6, 2)
    X, _, A, B = np.split(E, np.cumsum(sizes)[:-1])
    ranks = [np.argsort(np.argsort(X @ side.mean(0) / np.linalg.norm(X, axis=1))) for side in (A, B)]
    expected = 1 - np.corrcoef(*ranks)[0, 1]
    made = measurable_of(coverage_of("ect", sizes))
    assert made.value(E, "one_minus_ect") == pytest.approx(expected, abs=1e-12)
    E[:9] = E[0]
    with pytest.raises(InputError, match="equally similar"):
        made.value(E, "one_minus_ect")


@pytest.mark.parametrize("kind", ["sc-weat", "ripa", "direct", "same", "rnd"])
def test_signs_are_as_declared(kind: str) -> None:
    # Words of X beside A, which is far from B.
    sizes = (3, 0, 4, 4)
    rng = np.random.default_rng(0)
    E = np.repeat([[1.0, 0.2, 0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0]], (3, 4, 4), axis=0)
    E += 0.05 * rng.normal(size=E.shape)
    made = objective_of(coverage_of(kind, sizes))
    signed = {"direct": "projection", "same": "skew"}.get(kind, KINDS[kind].measures[0])
    assert np.sign(made.value(E, signed)) == KINDS[kind].towards
    assert (np.sign(made.associations(E)[:3]) == KINDS[kind].towards).all()
    swapped = np.vstack([E[:3], E[7:], E[3:7]])
    assert made.value(swapped, signed) == pytest.approx(-made.value(E, signed))


@pytest.mark.parametrize("c", [0.5, 1.0, 2.0, 3.0])
def test_the_strictness_of_direct_bias_is_an_option(c: float) -> None:
    sizes = (4, 0, 3, 3)
    E, made = vectors(sizes), objective_of(coverage_of("direct", sizes, {"c": c}))
    tensor = torch.tensor(E, requires_grad=True)
    value = by_torch("direct", "direct", tensor, sizes, c=c)
    value.backward()
    assert made.value(E, "direct") == pytest.approx(value.item(), abs=1e-12)
    np.testing.assert_allclose(made.gradient(E, "direct"), tensor.grad.numpy(), atol=1e-9)
    with pytest.raises(UsageError, match="strictness c must be positive"):
        objective_of(coverage_of("direct", sizes, {"c": -1}))


def test_one_pair_gives_its_own_direction_and_ripa_minds_lengths() -> None:
    sizes = (2, 0, 1, 1)
    E, made = vectors(sizes), objective_of(coverage_of("ripa", sizes))
    g = (E[2] - E[3]) / np.linalg.norm(E[2] - E[3])
    np.testing.assert_allclose(made.associations(E), E[:2] @ g, atol=1e-14)
    assert made.value(2 * E, "ripa") == pytest.approx(2 * made.value(E, "ripa"))
    cosine = objective_of(coverage_of("direct", sizes))
    assert cosine.value(2 * E, "direct") == pytest.approx(cosine.value(E, "direct"))


@pytest.mark.parametrize("kind", ["ripa", "direct"])
def test_pairs_without_a_direction_are_named(kind: str) -> None:
    sizes = (2, 0, 2, 2)
    E, made = vectors(sizes, 3), objective_of(coverage_of(kind, sizes))
    E[2:] = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]]  # two opposite differences
    with pytest.raises(InputError, match="cancel along"):
        made.value(E, KINDS[kind].measures[0])
    E[2:] = [[1, 0, 0], [0, 0, 1], [-1, 0, 0], [0, 0, -1]]  # two of equal length at right angles
    with pytest.raises(InputError, match="no first principal component"):
        made.gradient(E, KINDS[kind].measures[0])


def test_what_is_not_defined_says_so() -> None:
    same = objective_of(coverage_of("same", (3, 0, 2, 2)))
    E = vectors((3, 0, 2, 2))
    flat = E.copy()
    flat[:3] = E[0]
    assert same.value(flat, "stereotype") == pytest.approx(0, abs=1e-12)
    with pytest.raises(InputError, match="no gradient"):
        same.gradient(flat, "stereotype")
    E[5:] = E[3:5]
    with pytest.raises(InputError, match="same mean"):
        same.value(E, "same")
    sc = objective_of(coverage_of("sc-weat", (3, 0, 2, 2)))
    E[3:] = E[3]
    with pytest.raises(InputError, match="cosines of 'x0'"):
        sc.value(E, "effect_size")
    with pytest.raises(UsageError, match="degrees of freedom"):
        objective_of(coverage_of("sc-weat", (3, 0, 2, 2)), ddof=4)
    for made in (same, sc):
        E[1] = 0
        with pytest.raises(InputError, match="vector of 'x1' is zero"):
            made.value(E, "mean_difference" if made is sc else "same")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n_A=st.integers(2, 6), n_B=st.integers(2, 6))
def test_the_effect_size_of_single_words_keeps_its_bound(seed: int, n_A: int, n_B: int) -> None:
    sizes = (3, 0, n_A, n_B)
    made = objective_of(coverage_of("sc-weat", sizes))
    assert abs(made.value(vectors(sizes, 3, seed), "effect_size")) <= made.bound + 1e-12


def test_only_weat_has_p_values() -> None:
    for kind in RANKED:
        sizes = sizes_of(kind.name)
        coverage = coverage_of(kind.name, sizes)
        found = p_values_of(coverage, objective_of(coverage).associations(vectors(sizes)))
        assert (found is not None) == (kind.name == "weat") == kind.permutes


@pytest.mark.parametrize("kind", ["rnsb", "ect"])
def test_kinds_without_a_gradient_cannot_be_ranked_for(kind: str) -> None:
    coverage = coverage_of(kind, sizes_of(kind))
    for attempt in (lambda: objective_of(coverage), lambda: check_ranked(coverage.test)):
        with pytest.raises(UsageError, match=f"kind '{kind}' has no gradient"):
            attempt()


@pytest.mark.parametrize("kind", RANKED)
def test_every_kind_knows_its_measures(kind) -> None:
    sizes = sizes_of(kind.name)
    made = objective_of(coverage_of(kind.name, sizes))
    assert made.value(vectors(sizes), kind.check_measure(None)) == made.value(vectors(sizes), kind.measures[0])
    with pytest.raises(UsageError, match=f"unknown measure 'cohen' for a test of kind '{kind.name}'"):
        made.value(vectors(sizes), "cohen")
    assert kind.source
    assert kind.positive


def test_pairs_need_both_words_and_small_sets_all_of_theirs() -> None:
    test = BiasTest("made", ("x",), (), ("a", "b", "c", "d", "e"), ("f", "g", "h", "i", "j"), kind="ripa")
    index = {word: row for row, word in enumerate("xabcdfgij")}  # without e and h, so two pairs are broken
    found = cover(test, index)
    assert (found.words["A"], found.words["B"]) == (("a", "b", "d"), ("f", "g", "i"))
    assert found.missing == {"X": (), "Y": (), "A": ("e",), "B": ("h",)}
    assert [index[word] for word in found.words["A"]] == found.rows["A"].tolist()
    assert "set A keeps 3 of its 5 words in whole pairs, at least 4 needed" in found.reason
    assert "Y" not in found.reason.replace("vocabulary", "")
    assert cover(test, index, least=3).reason is None
    few = BiasTest("few", ("x", "y"), (), ("a",), ("f",), kind="ripa")
    assert cover(few, {"x": 0, "y": 1, "a": 2, "f": 3}).reason is None
    assert "set X keeps 1 of its 2 words, at least 2 needed" in cover(few, index).reason
    with pytest.raises(CoverageError, match="keeps 1 of its 2"):
        objective_of(cover(few, index))
