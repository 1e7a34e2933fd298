"""The reference engine: array code that any reader can follow."""

from chainrule.engines.reference.execute import EXECUTE
from chainrule.engines.reference.session import ReferenceEngine, ReferenceSession

__all__ = ["EXECUTE", "ReferenceEngine", "ReferenceSession"]
