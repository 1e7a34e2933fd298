"""What a step costs, told by what no clock has a part in: a change for the worse fails here."""

import sys
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.engines import Batches
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.store import statistics
from chainrule.engines.compiled.timing import kernel_seconds
from chainrule.tape import plan

# Sizes of a network: kernels of a training step on one core; bytes of buffers for each row.
DENSE = {
    (4, 10, 3): (14, 112),
    (64, 100, 10): (14, 1100),
    (54, 128, 64, 7): (20, 1528),
    (784, 512, 256, 10): (20, 8300),
}
LAYERS = {
    "conv": (
        [layers.Conv2D(4, 3, "relu"), layers.MaxPool(2), layers.Flatten(), cr.Dense(3)],
        (8, 8, 1),
    ),
    "lstm": ([layers.LSTM(5), layers.Flatten(), cr.Dense(3)], (6, 2)),
}
KERNELS = {"conv": 17, "lstm": 47}


def session(parts, shape, rows=96, batch=32):
    net = cr.Network(parts, "cross_entropy", input_shape=shape)
    X, y = np.zeros((rows, *net.input_shape), np.float32), np.arange(rows) % 3
    data, form = net.bind(X, y)
    step = plan(net.blueprint.step(form, cr.Adam()))
    return net.session(step, data, Batches(batch, np.arange(rows)))


def dense(sizes, **arguments):
    hidden = [cr.Dense(size, "relu") for size in sizes[1:-1]]
    return session([*hidden, cr.Dense(sizes[-1])], sizes[0], **arguments)


def kernels(of, cores=1):
    """How many kernels each core calls in a step, and how often it waits."""
    with of.limits(cores):
        of.start_epoch(0, shuffle=False)
        of.run(1)
    codes = [program.lines[:, 0] for program in of._teams[cores, cores].full]
    return [(int(np.sum(c > word.CHECK)), int(np.sum(c == word.BARRIER))) for c in codes]


@pytest.mark.parametrize("sizes", DENSE)
def test_kernels_and_buffers_of_a_dense_step(sizes):
    of = dense(sizes)
    assert (kernels(of)[0][0], of.plan.bytes_per_row()) == DENSE[sizes]


@pytest.mark.parametrize("name", LAYERS)
def test_kernels_of_other_layers(name):
    assert kernels(session(*LAYERS[name]))[0][0] == KERNELS[name]


def test_two_cores_wait_for_each_other_a_few_times_a_step(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for _, waits in kernels(dense((54, 128, 64, 7)), cores=2):
        assert waits <= 4
    for _, waits in kernels(session(*LAYERS["lstm"]), cores=2):
        assert waits <= 12  # not one for each of the six steps, forwards and back


def frames(function):
    """Python functions entered, whatever thread."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_an_epoch_costs_the_same_python_however_many_minibatches_it_has():
    def epoch(of):
        of.start_epoch(1, shuffle=True)
        of.run(of.batches.per_epoch)

    found = set()
    for rows in (64, 6400):
        of = dense((4, 10, 3), rows=rows)
        epoch(of)
        found.add(frames(lambda of=of: epoch(of)))
    assert len(found) == 1
    assert found.pop() <= 20


def test_an_epoch_allocates_nothing_that_grows_with_the_data():
    of = dense((4, 10, 3), rows=32_000)
    for _ in range(2):
        tracemalloc.start()
        of.start_epoch(1, shuffle=True)
        of.run(of.batches.per_epoch)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # the first call makes the order of the rows, later ones nothing to speak of
    assert peak < 8_000


def test_another_network_of_the_same_kinds_compiles_nothing():
    kernels(dense((5, 8, 3), rows=70))
    before = dict(statistics)
    kernels(dense((9, 4, 6, 3), rows=40))
    assert statistics == before


def test_kernels_are_timed_in_the_order_of_the_tape():
    of = dense((64, 100, 10))
    found = kernel_seconds(of)
    operations = [i.operation for i in of.plan.tape.instructions]
    assert [name for name, _ in found] == operations[: len(found)]
    seconds = dict(found)
    assert min(seconds.values()) > 0
    assert seconds["matmul"] > seconds["add_bias"]  # 3,200 sums of 100 products to 320 sums
