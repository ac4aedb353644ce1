"""Two operations on rows of vectors, written out in vector instructions: what undoing a training spends its time on.

Both treat the k outputs of one update at once, which must be distinct: each row is then loaded once where a loop an
output loads it k times, and no code has to ask whether rows overlap.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

# As in `compiled`: sums may be split and products fused, nothing else.
_FLAGS = ("reassoc", "contract", "nsz")
_BYTES = 64  # of a vector register, at most


def _place(n: int) -> Any:
    return ir.Constant(ir.IntType(64), n)


class _Emitter:
    """Emits loads, sums and products of rows of `dim` numbers, in pieces of a register each."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.types, self.arguments = signature.args, arguments
        self.dim, self.count = self.types[0].value, self.types[1].value
        numbers = self.types[2].dtype
        self.number = context.get_value_type(numbers)
        self.size = numbers.bitwidth // 8
        width = _BYTES // self.size
        self.pieces = [(first, min(width, self.dim - first)) for first in range(0, self.dim, width)]

    def row(self, argument: int, first: Any) -> Any:
        """Address of the number `first` of a flat array among the arguments."""
        array = self.context.make_array(self.types[argument])(self.context, self.builder, self.arguments[argument])
        return self.builder.gep(array.data, [first])

    def value(self, argument: int, n: int) -> Any:
        """Number n of a flat array among the arguments."""
        return self.builder.load(self.row(argument, _place(n)))

    def _address(self, row: Any, piece: tuple[int, int]) -> Any:
        first, width = piece
        kind = ir.VectorType(self.number, width).as_pointer()
        return self.builder.bitcast(self.builder.gep(row, [_place(first)]), kind)

    def load(self, row: Any, piece: tuple[int, int]) -> Any:
        return self.builder.load(self._address(row, piece), align=self.size)

    def store(self, row: Any, piece: tuple[int, int], vector: Any) -> None:
        self.builder.store(vector, self._address(row, piece), align=self.size)

    def spread(self, scalar: Any, piece: tuple[int, int]) -> Any:
        """A vector of equal numbers."""
        kind, integer = ir.VectorType(self.number, piece[1]), ir.IntType(32)
        unset = ir.Constant(kind, ir.Undefined)
        single = self.builder.insert_element(unset, scalar, ir.Constant(integer, 0))
        return self.builder.shuffle_vector(single, unset, ir.Constant(ir.VectorType(integer, piece[1]), [0] * piece[1]))

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=_FLAGS)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=_FLAGS)

    def total(self, vectors: dict[int, Any]) -> Any:
        """Sum of all numbers in vectors, which are given by their width."""
        found = ir.Constant(self.number, 0.0)
        for width, vector in vectors.items():
            kind = ir.FunctionType(self.number, [self.number, ir.VectorType(self.number, width)])
            name = f"llvm.vector.reduce.fadd.v{width}f{8 * self.size}"
            function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
            found = self.builder.call(function, [found, vector], fastmath=_FLAGS)
        return found


def _step_back(_typing, dim, count, U, input_at, C, output_at, steps, scale, u, outputs):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Undo one update of distinct outputs, c_i -> c_i' = c_i + g_i u and u -> u' = u + sum_i g_i c_i, in place:

    u = scale (u' - sum_i g_i c_i')        c_i = c_i' - g_i u        scale = 1 / (1 - sum_i g_i^2)

    dim, count        Fixed: numbers in a vector, outputs in an update
    U, input_at       flat array, and where in it the row of the input starts
    C, output_at      flat array, and where the rows of the outputs start (count,)
    steps             g_i (count,)
    u, outputs        receive u (dim,) and the c_i, one after the other (count * dim,)
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = _Emitter(context, builder, signature, arguments)
        row = emit.row(2, arguments[3])
        minus = [builder.fneg(emit.value(6, i)) for i in range(emit.count)]
        rows = [emit.row(4, emit.value(5, i)) for i in range(emit.count)]
        copies = [emit.row(9, _place(i * emit.dim)) for i in range(emit.count)]
        for piece in emit.pieces:
            before = emit.load(row, piece)
            outputs_after = [emit.load(output, piece) for output in rows]
            spread = [emit.spread(g, piece) for g in minus]
            for g, after in zip(spread, outputs_after, strict=True):
                before = emit.plus(before, emit.times(g, after))
            before = emit.times(before, emit.spread(arguments[7], piece))
            for place in (row, emit.row(8, _place(0))):
                emit.store(place, piece, before)
            for g, after, output, copy in zip(spread, outputs_after, rows, copies, strict=True):
                vector = emit.plus(after, emit.times(g, before))
                emit.store(output, piece, vector)
                emit.store(copy, piece, vector)
        return context.get_dummy_value()

    return types.void(dim, count, U, types.intp, C, output_at, steps, U.dtype, u, outputs), generate


def _carry_back(  # type: ignore[no-untyped-def]
    _typing, dim, count, U_bar, input_at, C_bar, output_at, lane_at, steps, slopes, u, outputs, found  # noqa: ARG001
):  # fmt: skip
    """Take one adjoint from after an update to before it, in place (formulas: see `reverse`):

    gbar_i = ubar' . c_i + cbar_i' . u        xbar_i = slope_i gbar_i
    cbar_i = cbar_i' + g_i ubar' + xbar_i u        ubar = ubar' + sum_i (g_i cbar_i' + xbar_i c_i)

    lane_at is where the row of this adjoint starts among those of a word, which start at output_at (count,). steps g_i
    and slopes are (count,); u (dim,) and outputs (count * dim,) are those of `step_back`. found (count,) receives the
    gbar_i.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = _Emitter(context, builder, signature, arguments)
        all_outputs = range(emit.count)
        input_bar, u_row = emit.row(2, arguments[3]), emit.row(9, _place(0))
        bars = [emit.row(4, builder.add(emit.value(5, i), arguments[6])) for i in all_outputs]
        rows = [emit.row(10, _place(i * emit.dim)) for i in all_outputs]
        sums: list[dict[int, Any]] = [{} for _ in all_outputs]
        for piece in emit.pieces:
            before, vector = emit.load(input_bar, piece), emit.load(u_row, piece)
            for so_far, row, bar in zip(sums, rows, bars, strict=True):
                product = emit.times(before, emit.load(row, piece))
                if piece[1] in so_far:
                    product = emit.plus(so_far[piece[1]], product)
                so_far[piece[1]] = emit.plus(product, emit.times(emit.load(bar, piece), vector))
        steps = [emit.value(7, i) for i in all_outputs]
        pulls = []
        for i in all_outputs:
            g_bar = emit.total(sums[i])
            builder.store(g_bar, emit.row(11, _place(i)))
            pulls.append(emit.times(g_bar, emit.value(8, i)))
        for piece in emit.pieces:
            before, vector = emit.load(input_bar, piece), emit.load(u_row, piece)
            grown = before
            for step, pull, row, bar in zip(steps, pulls, rows, bars, strict=True):
                was, g, x = emit.load(bar, piece), emit.spread(step, piece), emit.spread(pull, piece)
                moved = emit.plus(emit.times(g, was), emit.times(x, emit.load(row, piece)))
                grown = emit.plus(grown, moved)
                emit.store(bar, piece, emit.plus(was, emit.plus(emit.times(g, before), emit.times(x, vector))))
            emit.store(input_bar, piece, grown)
        return context.get_dummy_value()

    index = types.intp
    return types.void(dim, count, U_bar, index, C_bar, output_at, index, steps, slopes, u, outputs, found), generate


step_back: Any = intrinsic(_step_back)
carry_back: Any = intrinsic(_carry_back)
