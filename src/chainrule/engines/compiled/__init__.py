"""The compiled engine: kernels as machine code, products through BLAS, no Python in between."""

from chainrule.engines.compiled.session import CompiledEngine, CompiledSession

__all__ = ["CompiledEngine", "CompiledSession"]
