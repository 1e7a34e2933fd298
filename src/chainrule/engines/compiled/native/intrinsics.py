"""What Numba has no word for: pointers from addresses, indirect calls, BLAS, number types."""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic

from chainrule.ops.random import MULTIPLIERS, SHIFTS

__all__ = [
    "add_at",
    "address_of",
    "call_kernel",
    "call_plain",
    "call_product",
    "choose",
    "doubles",
    "exchanged",
    "int64s",
    "larger",
    "moved",
    "pause",
    "pointer",
    "power_of_two",
    "put_at",
    "real",
    "scrambled",
    "seen_at",
    "smaller",
    "split_float",
]

# Numba passes the typing context itself; a type checker cannot know.
intrinsic: Any = numba_intrinsic


@intrinsic
def address_of(typingctx: Any, at: Any) -> Any:
    """The address that a pointer holds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], context.get_value_type(types.intp))

    return types.intp(at), codegen


@intrinsic
def call_kernel(typingctx: Any, address: Any, ops: Any, dims: Any, attrs: Any) -> Any:
    """Call the kernel at `address`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer_type = cgutils.voidptr_t
        function = ir.FunctionType(ir.VoidType(), [pointer_type] * 3)
        callee = builder.inttoptr(args[0], function.as_pointer())
        builder.call(callee, [builder.inttoptr(a, pointer_type) for a in args[1:]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def call_plain(typingctx: Any, address: Any) -> Any:
    """Call the function without arguments at `address`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.inttoptr(args[0], function.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def call_with(typingctx: Any, address: Any, given: Any) -> Any:
    """Call the function at `address` with one more address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
        callee = builder.inttoptr(args[0], function.as_pointer())
        builder.call(callee, [builder.inttoptr(args[1], cgutils.voidptr_t)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def add_at(typingctx: Any, address: Any, amount: Any) -> Any:
    """Add to the int64 at `address`, as one step for all cores; what was written before is seen."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", at, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def seen_at(typingctx: Any, address: Any) -> Any:
    """The int64 at `address` as other cores have left it, and what they wrote before that."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(at, "seq_cst", 8)

    return types.int64(types.int64), codegen


@intrinsic
def put_at(typingctx: Any, address: Any, number: Any) -> Any:
    """Store an int64 at `address`; who sees it sees what was written before."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        builder.store_atomic(args[1], at, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def exchanged(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Store `new` at `address` if `old` is there, as one step; whether it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        pair = builder.cmpxchg(at, args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def pause(typingctx: Any) -> Any:
    """Tell the processor that this is a loop that waits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if platform.machine().lower() in ("x86_64", "amd64"):
            function = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, function, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def call_product(
    typingctx: Any, address: Any, trans_a: Any, trans_b: Any, m: Any, n: Any, k: Any,
    a: Any, lda: Any, b: Any, ldb: Any, keep: Any, c: Any, ldc: Any,
) -> Any:  # fmt: skip
    """Fortran's gemm at `address`: column-major C[m, n] = op(A)[m, k] op(B)[k, n] + keep · C."""
    int_, number = types.intc, a.dtype
    signature = types.void(
        types.intp, types.char, types.char, int_, int_, int_, a, int_, b, int_, number, c, int_
    )

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (address, trans_a, trans_b, m, n, k, a, lda, b, ldb, keep, c, ldc) = args
        one = context.get_constant(number, 1.0)
        values = (trans_a, trans_b, m, n, k, one, a, lda, b, ldb, keep, c, ldc)
        matrices = {6, 8, 11}  # addresses already; Fortran takes everything else by address too
        pointers = [
            x if place in matrices else cgutils.alloca_once_value(builder, x)
            for place, x in enumerate(values)
        ]
        function = ir.FunctionType(ir.VoidType(), [p.type for p in pointers])
        builder.call(builder.inttoptr(address, function.as_pointer()), pointers)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def real(typingctx: Any, value: Any, ops: Any) -> Any:
    """`value` in the kernel's floating type: a bare 1.0 would turn float32 into float64."""
    to = ops.dtype.dtype

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], signature.args[0], to)

    return to(value, ops), codegen


@intrinsic
def choose(typingctx: Any, condition: Any, a: Any, b: Any) -> Any:
    """`a` if the condition holds, else `b`, both of one type, without a branch.

    A branch around a store that changes nothing would keep the loop from becoming vector code.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, a), codegen


def _extreme(name: str) -> Any:
    """The larger or smaller of two numbers of one type; NaN if either is NaN.

    A comparison and a choice would do, but over its own memory LLVM makes a masked store of them,
    which is six times slower.
    """

    def typed(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = context.get_value_type(a)
            function_type = ir.FunctionType(number, [number, number])
            function = builder.module.declare_intrinsic(name, [number], function_type)
            return builder.call(function, args)

        return a(a, a), codegen

    return typed


larger = intrinsic(_extreme("llvm.maximum"))
smaller = intrinsic(_extreme("llvm.minimum"))


def _pointer_to(kind: Any) -> Any:
    def typed(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(types.CPointer(kind)))

        return types.CPointer(kind)(types.intp), codegen

    return typed


int64s = intrinsic(_pointer_to(types.int64))  # the int64 numbers at an address
doubles = intrinsic(_pointer_to(types.float64))  # the float64 numbers at an address


@intrinsic
def pointer(typingctx: Any, address: Any, kind: Any) -> Any:
    """The numbers of type `kind` at an address."""
    to = kind.dtype

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.CPointer(to)))

    return types.CPointer(to)(types.intp, kind), codegen


@intrinsic
def moved(typingctx: Any, at: Any, places: Any) -> Any:
    """The pointer so many numbers further on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return at(at, types.intp), codegen


@intrinsic
def power_of_two(typingctx: Any, n: Any, like: Any) -> Any:
    """2.0**n for an int32 n in the normal range, by writing the bits of the exponent."""
    places, bias = (23, 127) if like == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(32 if places == 23 else 64)
        wide = args[0] if places == 23 else builder.sext(args[0], integer)
        exponent = builder.shl(builder.add(wide, integer(bias)), integer(places))
        return builder.bitcast(exponent, context.get_value_type(like))

    return like(types.int32, like), codegen


@intrinsic
def split_float(typingctx: Any, x: Any) -> Any:
    """(m, e) with x = m · 2**e and m in [√½, √2), for a normal x > 0; m has the type of x."""
    places, width = (23, 32) if x == types.float32 else (52, 64)
    # The bits of √½: subtracting them first makes the exponent round where the mantissa does.
    low = 0x3F3504F3 if places == 23 else 0x3FE6A09E667F3BCD

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(width)
        bits = builder.bitcast(args[0], integer)
        shifted = builder.ashr(builder.sub(bits, integer(low)), integer(places))
        mantissa = builder.sub(bits, builder.shl(shifted, integer(places)))
        real_type = context.get_value_type(x)
        parts = [builder.bitcast(mantissa, real_type), builder.sitofp(shifted, real_type)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(x, 2)(x), codegen


@intrinsic
def scrambled(typingctx: Any, x: Any) -> Any:
    """`ops.random.mix` of a whole number's last 32 bits, in 32 bits as uint32.

    Numba makes 64 bits of every product, of which there are half as many in a vector and none that
    AVX2 can multiply.
    """
    word = ir.IntType(32)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = args[0] if args[0].type.width == 32 else builder.trunc(args[0], word)
        for shift, multiplier in zip(SHIFTS, (*MULTIPLIERS, 1), strict=True):
            bits = builder.xor(bits, builder.lshr(bits, word(shift)))
            bits = builder.mul(bits, word(multiplier))
        return bits

    return types.uint32(x), codegen
