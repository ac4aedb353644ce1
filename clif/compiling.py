"""Compiled kernels: one way to compile, a cache that is never in the way, and word of it when it takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox

# Sums may be split over the lanes of the processor; nothing else of fast mathematics, which would drop NaNs.
_REASSOCIATE = {"reassoc", "contract", "nsz", "arcp"}
PATIENCE = 1.0  # seconds
LINE = 16  # numbers of single precision in a line of cache


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel that runs without Python's lock, and cache the machine code.

    The cache lies beside the module, in the user's cache folder where that is read-only, or in NUMBA_CACHE_DIR; where
    nothing can be written there is none.
    """
    return _compiled(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a kernel that other kernels call: it becomes part of each of them.

    Else there would be several machine codes of it, alone and in its callers, whose sums round differently, and which
    one runs would depend on whether this process compiled the callers or found them in the cache.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    try:
        return njit(nogil=True, fastmath=_REASSOCIATE, cache=True, **options)(function)
    except RuntimeError:  # numba found no folder to write to
        return njit(nogil=True, fastmath=_REASSOCIATE, **options)(function)


@dataclass(frozen=True)
class Fixed:
    """A number that is known when a kernel is compiled, once for each: loops of known length are nearly twice as fast.

    Kernels take it as an argument and read it by `number(fixed)`. (A closure over the number would do as well, but the
    machine code of closures that call each other is not found again in the cache.)
    """

    value: int


class _FixedType(types.Type):
    def __init__(self, value: int) -> None:
        self.value = value
        super().__init__(name=f"Fixed({value})")


register_model(_FixedType)(models.OpaqueModel)


@typeof_impl.register(Fixed)
def _type_of_fixed(fixed: Fixed, _context: Any) -> Any:
    return _FixedType(fixed.value)


@unbox(_FixedType)  # type: ignore[no-untyped-call]
def _unbox_fixed(_type: Any, _object: Any, unboxing: Any) -> Any:
    return NativeValue(unboxing.context.get_dummy_value())  # type: ignore[no-untyped-call]


def _number(_typing, fixed):  # type: ignore[no-untyped-def]
    """The number of a Fixed, in compiled code."""

    def generate(context: Any, _builder: Any, signature: Any, _arguments: Any) -> Any:
        return context.get_constant(types.intp, signature.args[0].value)

    return types.intp(fixed), generate


number: Any = intrinsic(_number)


def _prefetch(_typing, array, index):  # type: ignore[no-untyped-def]  # noqa: ARG001 (the compiled code takes it)
    """Ask for array[index], of a flat array, to be brought into cache: it will be written soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        integer = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, integer, integer, integer])
        function = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(function, [address, integer(1), integer(2), integer(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch: Any = intrinsic(_prefetch)


def warm_up(call: Callable[[], object], say: Callable[[str], None]) -> None:
    """Make `call`, which runs kernels on next to nothing; say so if it takes long, which means that they compile."""
    timer = threading.Timer(PATIENCE, say, ("Loading the kernels; the first time on a machine they are compiled ...",))
    timer.daemon = True
    timer.start()
    try:
        call()
    finally:
        timer.cancel()
