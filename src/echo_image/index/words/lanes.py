"""Sixteen 32-bit values compared at once, for compiled code.

numba has no vector types, and LLVM does not vectorise a loop that appends to a list of finds. So the one step
that matters is given to it as vectors: load sixteen values, XOR, count bits, compare, and return the outcome
as the bits of one integer. LLVM makes of it what the processor has: four instructions with AVX-512, many
more without, with the same result everywhere.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

#: Values compared at once. Arrays that are compared must hold so many more than are asked for.
LANES = 16


def _near_lanes(_context: Any, values: Any, _start: Any, _own: Any, _reach: Any) -> Any:
    vector = ir.VectorType(ir.IntType(32), LANES)
    undefined = ir.Constant(vector, ir.Undefined)
    first = ir.Constant(vector, [0] * LANES)

    def spread(builder: ir.IRBuilder, value: Any) -> Any:
        single = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(single, undefined, first)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        array: Any = make_array(signature.args[0])(context, builder, value=arguments[0])  # type: ignore[no-untyped-call]
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
        loaded = builder.load(place, align=4)
        count = get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, ir.FunctionType(vector, [vector]), f"llvm.ctpop.v{LANES}i32"
        )
        bits = builder.call(count, [builder.xor(loaded, spread(builder, arguments[2]))])
        within = builder.icmp_unsigned("<=", bits, spread(builder, arguments[3]))
        return builder.bitcast(within, ir.IntType(LANES))

    return types.uint16(values, types.intp, types.uint32, types.uint32), generate


#: `near_lanes(values, start, own, reach)`: bit i says whether values[start + i] differs from `own` in at most
#: `reach` bits. `values` is a one-dimensional C-contiguous array of uint32; nothing is checked.
near_lanes: Any = intrinsic(_near_lanes)


def _lowest_bit(_context: Any, _value: Any) -> Any:
    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), generate


#: Index of the lowest set bit of a uint32 that is not 0.
lowest_bit: Any = intrinsic(_lowest_bit)


def _prefetch(_context: Any, values: Any, _place: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        array: Any = make_array(signature.args[0])(context, builder, value=arguments[0])  # type: ignore[no-untyped-call]
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        # For reading, to be kept in every cache, data.
        builder.call(fetch, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(values, types.intp), generate


#: `prefetch(values, place)`: ask for values[place] to be brought into the cache; any place may be named.
prefetch: Any = intrinsic(_prefetch)
