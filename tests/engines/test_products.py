"""The engine's own matrix product against NumPy's."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.blas import product_address
from chainrule.engines.compiled.store import KernelKey, addresses

SIZE = st.one_of(st.integers(1, 40), st.integers(1, 300))
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)


def product(name, a, b, c, turned_a, turned_b, d=None):
    """c = op(a) op(b), and d if there is one, by the kernel that programs call."""
    dtype = c.dtype
    (address,) = addresses([KernelKey(name, dtype.name)]).values()
    ops = np.array([x.ctypes.data for x in (a, b, c, *([] if d is None else [d]))], np.int64)
    k = a.shape[0] if turned_a else a.shape[1]
    leading = [x.strides[0] // x.itemsize for x in (a, b, c)]
    dims = [*c.shape, k, turned_a, turned_b, product_address(dtype), *leading]
    attrs = np.zeros(4)
    numbers = np.array(dims, np.int64)
    KERNEL(address)(ops.ctypes.data, numbers.ctypes.data, attrs.ctypes.data)


def drawn(rng, rows, columns, dtype, margin):
    """A matrix within a wider one, between numbers that would be noticed."""
    room = np.full((rows, columns + margin), np.nan, dtype)
    room[:, :columns] = rng.normal(size=(rows, columns))
    return room[:, :columns]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-12)])
@given(
    m=SIZE, n=SIZE, k=SIZE, turned=st.tuples(st.booleans(), st.booleans()), margin=st.integers(0, 9)
)
def test_products_of_any_shape(dtype, tolerance, m, n, k, turned, margin):
    rng = np.random.default_rng(m * 1000 + n)
    a = drawn(rng, *((k, m) if turned[0] else (m, k)), dtype, margin)
    b = drawn(rng, *((n, k) if turned[1] else (k, n)), dtype, margin)
    wide = [(x.T if turn else x).astype(float) for x, turn in zip((a, b), turned, strict=True)]
    expected, scale = wide[0] @ wide[1], abs(wide[0]) @ abs(wide[1]) + 1
    around = np.full((m + 2, n + margin), 7.0, dtype)
    c = around[1:-1, :n]
    product("matmul", a, b, c, *turned)
    assert np.all(abs(c - expected) < tolerance * scale)
    product("matmul_add", a, b, c, *turned, d=c)
    assert np.all(abs(c - 2 * expected) < 2 * tolerance * scale)
    assert np.all(around[[0, -1]] == 7), "wrote beyond the result"
    assert np.all(around[:, n:] == 7), "wrote beyond the result's columns"


@pytest.mark.parametrize("rows", [200, 600])
def test_on_both_sides_of_the_size_that_is_left_to_blas(rows):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(rows, rows)).astype(np.float32) for _ in range(2))
    assert (rows**3 > word.LARGEST_PRODUCT) == (rows == 600)
    c = np.empty_like(a)
    product("matmul", a, b, c, False, False)
    np.testing.assert_allclose(c, a.astype(float) @ b, atol=1e-3)
