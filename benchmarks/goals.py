"""What chainrule wants to reach, but for training steps: `workload.SHAPES` has those by shape."""

from __future__ import annotations

__all__ = [
    "COLD_START", "FOLDS", "IMPORT", "MEMORY", "PREDICTOR", "SINGLE_ROW", "WARM_START",
]  # fmt: skip

COLD_START = 15.0  # seconds until the first training step is done, nothing compiled yet
WARM_START = 0.8  # the same with kernels on disk
IMPORT = 0.5  # seconds of `import chainrule`
MEMORY = 0.25  # of a matrix: what training on it takes besides is less
PREDICTOR = 1.0  # onnxruntime's time for a row over that of `Predictor`: more
SINGLE_ROW = 5.0  # scikit-learn's `predict` of a row over the estimator's: at least
FOLDS = 2.1  # five folds on two cores over one fit on one: at most
