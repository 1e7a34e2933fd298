"""A network as a list of instructions: written by layers, differentiated, planned, printed, run."""

from chainrule.tape.differentiate import differentiate
from chainrule.tape.instruction import Instruction, Value
from chainrule.tape.operations import OPERATIONS, Operation
from chainrule.tape.plan import Plan, plan
from chainrule.tape.specification import verify
from chainrule.tape.tape import Tape

__all__ = [
    "OPERATIONS",
    "Instruction",
    "Operation",
    "Plan",
    "Tape",
    "Value",
    "differentiate",
    "plan",
    "verify",
]
