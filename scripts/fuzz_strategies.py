"""Faulty files, made by hypothesis from good ones: pieces put in and cut out, and values of JSON replaced."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, float("nan"), float("inf"), "", "a", "\x1b[2J", "\ud800",
    "../../x", "/etc/passwd", "=1+1", [], {}, [[]], [None], {"": 0}, {"a": {}}, ["a", "b"], [1, 2], [-1, 10**12],
]  # fmt: skip


def warm_up() -> None:
    """Let hypothesis read the sources of all that is imported, which takes seconds, once for all readers."""
    settings(max_examples=5, database=None, deadline=None)(given(st.integers())(lambda _: None))()


@st.composite
def faulty(draw: st.DrawFn, starts: Sequence[bytes], pieces: Sequence[bytes]) -> bytes:
    """A good file with a few faults."""
    data = draw(st.sampled_from(starts))
    if (parts := _json_of(data)) is not None and draw(st.booleans()):
        return _with_other_value(draw, parts)
    for _ in range(draw(st.integers(1, 4))):
        at, gone = draw(st.integers(0, len(data))), draw(st.sampled_from([0, 0, 1, 8, 100]))
        piece = draw(st.one_of(st.sampled_from(pieces), st.binary(max_size=8)))
        data = data[:at] + piece + data[at + gone :]
    return data


def _json_of(data: bytes) -> tuple[bytes, Any, bytes] | None:
    """The JSON that a file is, or begins with after its length (safetensors), or that is its first line."""
    length = int.from_bytes(data[:8], "little")
    if data[8:9] == b"{" and 8 + length <= len(data):
        return b"safetensors", json.loads(data[8 : 8 + length]), data[8 + length :]
    for head, rest in ((data, b""), (data[: data.find(b"\n") + 1], data[data.find(b"\n") + 1 :])):
        try:
            value = json.loads(head)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return b"", value, rest
    return None


def _with_other_value(draw: st.DrawFn, parts: tuple[bytes, Any, bytes]) -> bytes:
    kind, value, rest = parts
    value = copy.deepcopy(value)
    about = kind and "clif" in value.get("__metadata__", {}) and draw(st.booleans())
    inner = json.loads(value["__metadata__"]["clif"]) if about else value
    nodes = list(_nodes(inner))
    for _ in range(draw(st.integers(1, 2))):
        holder, key = draw(st.sampled_from(nodes))
        if draw(st.booleans()) and isinstance(holder, dict):
            holder.pop(key, None)
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    if about:
        value["__metadata__"]["clif"] = json.dumps(inner)
    text = json.dumps(value).encode()
    return (len(text).to_bytes(8, "little") if kind else b"") + text + (b"" if kind else b"\n") + rest


def _nodes(value: Any) -> Any:
    """Every place in a value: what holds it, and its key there."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _nodes(inner)
