"""Eight float32 lanes as a numba type, so that kernels say what is vectorized instead of hoping for it.

`Lanes` is LLVM's <8 x float>: one AVX register, two NEON or SSE registers. Values are made by `load`, `spread`
and `iota`; + - * / work between lanes and between lanes and a float32; the other functions below act lane by lane.
Nothing checks bounds: an index into `load` and `store` counts elements from the array's first one.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

WIDTH = 8

_F32 = ir.FloatType()
_I32 = ir.IntType(32)
_VECTOR = ir.VectorType(_F32, WIDTH)
_INTEGERS = ir.VectorType(_I32, WIDTH)
_EXP2 = (0.009570101652648249, 0.05591786210405303, 0.24024744849942484, 0.6931218145215764, 0.9999992614341686)


class Lanes(types.Type):
    """The numba type of eight float32 lanes."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


@intrinsic
def load(typing_context, array, index):
    """Eight neighbors of a contiguous float32 array, from element `index` on."""

    def generate(context, builder, sig, args):
        return builder.load(_pointer(context, builder, sig, args), align=4)

    return lanes(array, types.int64), generate


@intrinsic
def store(typing_context, array, index, value):
    """Write eight neighbors of a contiguous float32 array, from element `index` on."""

    def generate(context, builder, sig, args):
        builder.store(args[2], _pointer(context, builder, sig, args), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), generate


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line of element `index` of a contiguous float32 array, which will be read soon."""

    def generate(context, builder, sig, args):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), _I32, _I32, _I32])
        name = "llvm.prefetch.p0i8"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        pointer = builder.bitcast(_pointer(context, builder, sig, args), ir.IntType(8).as_pointer())
        builder.call(function, [pointer, _I32(0), _I32(3), _I32(1)])  # to be read, kept near, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def spread(typing_context, value):
    """A float32 in all lanes."""

    def generate(context, builder, sig, args):
        return _broadcast(builder, args[0])

    return lanes(types.float32), generate


@intrinsic
def iota(typing_context):
    """0, 1 … 7."""

    def generate(context, builder, sig, args):
        return ir.Constant(_VECTOR, [float(i) for i in range(WIDTH)])

    return lanes(), generate


@intrinsic
def total(typing_context, value):
    """The sum of the lanes."""

    def generate(context, builder, sig, args):
        v = args[0]
        for half in (4, 2, 1):
            low = builder.shuffle_vector(v, v, ir.Constant(ir.VectorType(_I32, half), list(range(half))))
            high = builder.shuffle_vector(v, v, ir.Constant(ir.VectorType(_I32, half), list(range(half, 2 * half))))
            v = builder.fadd(low, high)
        return builder.extract_element(v, ir.Constant(_I32, 0))

    return types.float32(lanes), generate


@intrinsic
def totals(typing_context, a, b, c, d, e, f, g, h):
    """The sums of eight lanes each, as eight lanes; less than half the work of eight times `total`."""

    def generate(context, builder, sig, args):
        # Each round adds neighbors: of two vectors of partial sums one with all of them, in an order that comes out right in the end.
        low = ir.Constant(_INTEGERS, [0, 8, 2, 10, 4, 12, 6, 14])
        high = ir.Constant(_INTEGERS, [1, 9, 3, 11, 5, 13, 7, 15])
        low2 = ir.Constant(_INTEGERS, [0, 1, 8, 9, 4, 5, 12, 13])
        high2 = ir.Constant(_INTEGERS, [2, 3, 10, 11, 6, 7, 14, 15])
        low4 = ir.Constant(_INTEGERS, [0, 1, 2, 3, 8, 9, 10, 11])
        high4 = ir.Constant(_INTEGERS, [4, 5, 6, 7, 12, 13, 14, 15])
        sums = list(args)
        for first, second in ((low, high), (low2, high2), (low4, high4)):
            pairs = zip(sums[::2], sums[1::2], strict=True)
            sums = [builder.fadd(builder.shuffle_vector(x, y, first), builder.shuffle_vector(x, y, second)) for x, y in pairs]
        return sums[0]

    return lanes(*[lanes] * 8), generate


@intrinsic
def largest(typing_context, value):
    """The greatest of the lanes."""

    def generate(context, builder, sig, args):
        v = args[0]
        for half in (4, 2, 1):
            low = builder.shuffle_vector(v, v, ir.Constant(ir.VectorType(_I32, half), list(range(half))))
            high = builder.shuffle_vector(v, v, ir.Constant(ir.VectorType(_I32, half), list(range(half, 2 * half))))
            v = builder.select(builder.fcmp_ordered(">", low, high), low, high)
        return builder.extract_element(v, ir.Constant(_I32, 0))

    return types.float32(lanes), generate


@intrinsic
def maximum(typing_context, a, b):
    """The greater of two, lane by lane."""

    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return lanes(lanes, lanes), generate


@intrinsic
def minimum(typing_context, a, b):
    """The smaller of two, lane by lane."""

    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[0], args[1])

    return lanes(lanes, lanes), generate


@intrinsic
def where_at_least(typing_context, a, limit, value):
    """`value` in lanes where a >= limit, else 0."""

    def generate(context, builder, sig, args):
        chosen = builder.fcmp_ordered(">=", args[0], _broadcast(builder, args[1]))
        return builder.select(chosen, args[2], ir.Constant(_VECTOR, [0.0] * WIDTH))

    return lanes(lanes, types.float32, lanes), generate


@intrinsic
def magnitude(typing_context, a):
    """Absolute value, lane by lane."""

    def generate(context, builder, sig, args):
        return _call(builder, "llvm.fabs", args[0])

    return lanes(lanes), generate


@intrinsic
def sqrt(typing_context, a):
    """Square root, lane by lane."""

    def generate(context, builder, sig, args):
        return _call(builder, "llvm.sqrt", args[0])

    return lanes(lanes), generate


@intrinsic
def exp2(typing_context, a):
    """2 to the power of each lane, to 3e-6 relative; results leave the range of float32 below -126 and from 128 on.

    2^x = 2^n 2^f with n the nearest integer: a degree 4 minimax polynomial for f in [-1/2, 1/2], n added to the exponent's bits.
    """

    def generate(context, builder, sig, args):
        x = args[0]
        whole = _call(builder, "llvm.rint", x)
        f = builder.fsub(x, whole)
        p = ir.Constant(_VECTOR, [_EXP2[0]] * WIDTH)
        for coefficient in _EXP2[1:]:
            p = builder.fadd(builder.fmul(p, f), ir.Constant(_VECTOR, [coefficient] * WIDTH))
        shifted = builder.shl(builder.fptosi(whole, _INTEGERS), ir.Constant(_INTEGERS, [23] * WIDTH))
        return builder.bitcast(builder.add(builder.bitcast(p, _INTEGERS), shifted), _VECTOR)

    return lanes(lanes), generate


def _pointer(context, builder, sig, args):
    array = context.make_array(sig.args[0])(context, builder, args[0])
    return builder.bitcast(builder.gep(array.data, [args[1]]), _VECTOR.as_pointer())


def _broadcast(builder, scalar):
    zero = ir.Constant(_I32, 0)
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, zero)
    return builder.shuffle_vector(first, first, ir.Constant(_INTEGERS, [0] * WIDTH))


def _call(builder, name, *args):
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(args))
    module = builder.module
    full = f"{name}.v{WIDTH}f32"
    function = module.globals.get(full) or ir.Function(module, kind, full)
    return builder.call(function, args)


def _define_operator(function, instruction: str) -> None:
    pairs = ((lanes, lanes), (lanes, types.float32), (types.float32, lanes))
    infer_global(function)(type(f"Lanes_{instruction}", (ConcreteTemplate,), {"cases": [signature(lanes, *pair) for pair in pairs]}))

    def generate(context, builder, sig, args):
        a, b = (value if kind is lanes else _broadcast(builder, value) for kind, value in zip(sig.args, args, strict=True))
        return getattr(builder, instruction)(a, b)

    for pair in pairs:
        lower_builtin(function, *pair)(generate)


for _function, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _define_operator(_function, _instruction)
