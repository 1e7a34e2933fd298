"""Every kind of instruction: its shapes, what may share memory, and its backward rule.

The backward rule stands beside the operation and emits instructions of the same set, so the
gradient of a network is a tape like any other. Rules follow the notes' "for k = N … 1":
δ flows from the loss to the inputs, each rule turning ∂Err/∂result into ∂Err/∂operand.
"""

from __future__ import annotations

from chainrule.tape.operations.arranging import ARRANGING
from chainrule.tape.operations.base import Operation
from chainrule.tape.operations.elementwise import ELEMENTWISE
from chainrule.tape.operations.objective import OBJECTIVE
from chainrule.tape.operations.products import PRODUCTS
from chainrule.tape.operations.updates import UPDATES
from chainrule.tape.operations.windows import WINDOWS

__all__ = ["OPERATIONS", "Operation"]

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for group in (ARRANGING, PRODUCTS, ELEMENTWISE, WINDOWS, OBJECTIVE, UPDATES)
    for operation in group
}
