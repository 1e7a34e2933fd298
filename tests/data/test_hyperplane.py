"""Separable or not: every answer is checked by arithmetic, not by the programme that gave it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay
from sklearn.datasets import load_iris, load_wine

from chainrule.data import separability
from chainrule.errors import DataError

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "nor": [1, 0, 0, 0]}


def check_certificate(proof, X, positive, tolerance=1e-12):
    """Gordan's conditions on the rows as they were given."""
    s = np.where(positive, 1.0, -1.0)[proof.rows]
    spread = np.maximum(np.abs(X).max(axis=0), 1e-300)
    assert (proof.multipliers > 0).all()
    assert proof.multipliers.sum() == pytest.approx(1, abs=1e-12)
    assert abs((proof.multipliers * s).sum()) < tolerance
    assert np.abs(((proof.multipliers * s) @ X[proof.rows]) / spread).max() < tolerance
    for side in (s > 0, s < 0):
        mean = np.average(X[proof.rows[side]], axis=0, weights=proof.multipliers[side])
        np.testing.assert_allclose(mean / spread, proof.point / spread, atol=4 * tolerance)
    assert len(proof.rows) <= X.shape[1] + 2


def check_hyperplane(plane, X, positive):
    """Every row on its side, the nearest as far away as it says."""
    distance = (X @ plane.weights + plane.bias) / np.linalg.norm(plane.weights)
    signed = np.where(positive, distance, -distance)
    assert signed.min() > 0
    assert signed.min() == pytest.approx(plane.margin, rel=1e-6)


@pytest.mark.parametrize("gate", GATES)
def test_the_gates_of_one_neuron_are_separable(gate):
    labels = np.array(GATES[gate])
    answer = separability(CORNERS, labels)
    assert answer.separable
    assert answer.certificates == ()
    check_hyperplane(answer.answers[0], CORNERS, labels == 1)


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [1, 0, 0, 1]])
def test_xor_has_a_certificate_the_middle_of_the_square(labels):
    labels = np.array(labels)
    answer = separability(CORNERS, labels)
    assert not answer.separable
    assert answer.most_mistakes == np.inf
    (proof,) = answer.certificates
    check_certificate(proof, CORNERS, labels == 1)
    np.testing.assert_allclose(proof.multipliers, 0.25)
    np.testing.assert_allclose(proof.point, 0.5)
    assert "(0.5, 0.5)" in str(answer)


@given(
    st.integers(1, 6),
    st.integers(4, 60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.05, 1.0]),
    st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_every_answer_holds_on_random_rows(columns, n, seed, wrong, unit):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, columns)) * unit * rng.uniform(0.01, 100, size=columns)
    positive = X @ rng.normal(size=columns) >= 0
    positive ^= rng.uniform(size=n) < wrong / 2
    positive[:2] = [True, False]
    answer = separability(X, positive).answers[0]
    if hasattr(answer, "margin"):
        check_hyperplane(answer, X, positive)
    else:
        check_certificate(answer, X, positive)


@given(st.integers(0, 2**32 - 1))
def test_the_answer_is_that_of_the_convex_hulls(seed):
    """In the plane: a row inside the other class's hull, found by Qhull, must be refused."""
    rng = np.random.default_rng(seed)
    ours, others = rng.normal(size=(8, 2)), rng.normal(size=(8, 2)) + rng.uniform(0, 4)
    inside = Delaunay(ours).find_simplex(others) >= 0
    answer = separability(np.r_[ours, others], np.arange(16) < 8)
    if inside.any():
        assert not answer.separable
    merged = ConvexHull(np.r_[ours, others]).vertices
    if set(merged) <= set(range(8)):  # one hull inside the other
        assert not answer.separable


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-8, 1e-10, 1e-12])
def test_a_gap_far_below_the_solvers_tolerance_is_found(gap):
    """Rows on both sides of a known hyperplane at the distance `gap`, in known coordinates."""
    rng = np.random.default_rng(0)
    side = np.where(np.arange(60) % 2, 1.0, -1.0)
    flat = np.c_[rng.uniform(-1, 1, size=(60, 3)), side * gap * rng.uniform(1, 2, size=60)]
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    for X in (flat, flat @ turn):
        answer = separability(X, side)
        assert answer.separable
        check_hyperplane(answer.answers[0], X, side > 0)
        assert answer.answers[0].margin < 2 * gap * 1.01


@pytest.mark.parametrize("depth", [1e-3, 1e-8, 1e-12, 0.0])
def test_hulls_that_overlap_by_very_little_are_refused(depth):
    """A row just inside the triangle of the others, or on its edge."""
    X = np.array([[-1.0, 0], [1, 0], [0, 1], [0.1, depth], [-1, -1], [0.2, -0.5]])
    positive = np.array([False, False, False, True, True, True])
    answer = separability(X, positive)
    assert not answer.separable
    check_certificate(answer.certificates[0], X, positive)


def test_the_same_row_in_both_classes_is_the_certificate():
    X = np.array([[0.0, 3.0], [5.0, 7.0], [5.0, 7.0], [9.0, 1.0]])
    (proof,) = separability(X, ["a", "a", "b", "b"]).certificates
    assert proof.rows.tolist() == [1, 2]
    assert proof.multipliers.tolist() == [0.5, 0.5]
    assert proof.point.tolist() == [5.0, 7.0]
    assert proof.label == "b"


def test_more_classes_are_answered_one_by_one():
    X, y = load_iris(return_X_y=True)
    answer = separability(X, y)
    assert [hasattr(part, "margin") for part in answer.answers] == [True, False, False]
    check_hyperplane(answer.answers[0], X, y == 0)
    for label in (1, 2):
        check_certificate(answer.answers[label], X, y == label)
    assert "'1', '2'" in str(answer)
    assert separability(*load_wine(return_X_y=True)).separable


def test_a_constant_column_and_a_huge_offset_change_nothing():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(40, 2)) + 1e6, np.full(40, 0.1)]
    assert separability(X, X[:, 0] > 1e6).separable
    assert not separability(X, rng.integers(2, size=40)).separable


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (CORNERS, [0, 0, 0, 0], "one class only, '0'"),
        (CORNERS, [0, 1, 1], r"shape \(3,\): expected one label for each of 4"),
        (CORNERS * np.nan, [0, 1, 1, 0], r"missing \(NaN\)"),
        (CORNERS[0], [0, 1], "expected .rows, columns."),
    ],
)
def test_what_cannot_be_asked_is_refused(X, y, message):
    with pytest.raises(DataError, match=message):
        separability(X, y)
