"""onnxruntime on the processor, with all of its graph optimisations."""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper

from benchmarks.inference import Call
from benchmarks.inference.task import Task

__all__ = ["bound", "model", "run"]

OPERATIONS, FORMAT = 17, 8  # versions that every onnxruntime since 2022 reads


def model(task: Task) -> ModelProto:
    """A product with its bias for each layer, as exporters write it; any number of rows."""
    nodes, arrays, name = [], [], "x"
    for k, (w, b) in enumerate(task.weights):
        arrays += [numpy_helper.from_array(w, f"w{k}"), numpy_helper.from_array(b, f"b{k}")]
        last = k == len(task.weights) - 1
        nodes.append(helper.make_node("Gemm", [name, f"w{k}", f"b{k}"], ["z" if last else f"z{k}"]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"z{k}"], [name := f"h{k}"]))
    ends = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, ["rows", size])
        for end, size in (("x", task.sizes[0]), ("z", task.sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], arrays)
    operations = [helper.make_opsetid("", OPERATIONS)]
    return helper.make_model(graph, opset_imports=operations, ir_version=FORMAT)


def _session(task: Task) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task.threads, 1
    return onnxruntime.InferenceSession(
        model(task).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(task: Task) -> Call:
    """A new array each time."""
    session, names, x = _session(task), ["z"], task.x
    return lambda: session.run(names, {"x": x})[0]


def bound(task: Task) -> Call:
    """Between two arrays that stay; a row is copied to the first, as it comes from elsewhere.

    More rows are read where they are.
    """
    session, x = _session(task), task.x
    given = np.empty_like(x) if len(x) == 1 else x
    scores = np.empty((len(x), task.sizes[-1]), np.float32)
    ends = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (given, scores)]
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ends[0])
    binding.bind_ortvalue_output("z", ends[1])

    def call() -> np.ndarray:
        if given is not x:
            given[:] = x
        session.run_with_iobinding(binding)
        return scores

    return call
