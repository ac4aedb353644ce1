"""Packages that bring plug-ins, as pip leaves them."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import numpy as np
from clif.objectives import Kind, TorchObjective

class Skew(TorchObjective):
    def torch_parts(self, E):
        units = E / E.norm(dim=1, keepdim=True)
        targets, A, B = self.sets(units)
        v = A.mean(0) - B.mean(0)
        return targets @ v / v.norm()

    def torch_join(self, s, measure):
        return s.mean()

"""


def install(place: Path, name: str, module: str, package: str = "", target: str = "KIND") -> None:
    """What pip leaves of a package that brings the plug-in `name`, with this module."""
    package = package or f"clif-{name}"
    about = place / f"{package.replace('-', '_')}-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n", "utf-8")
    (about / "entry_points.txt").write_text(f"[clif.objectives]\n{name} = plug_{name}:{target}\n", "utf-8")
    (place / f"plug_{name}.py").write_text(module, "utf-8")
