"""Pictures for the page: matplotlib's SVG without styles, ids and metadata, so that the page's own style applies."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# What matplotlib writes into a style, and what stands by itself in an attribute.
_KEPT = re.compile(r"fill|fill-opacity|stroke(-\w+)*|opacity|text-anchor|clip-path|font-size|font-weight")


def for_page(svg: str, prefix: str, title: str) -> Markup:
    """The picture as an element of a page, named by `title`; `prefix` keeps its ids apart from those of others.

    A page that allows no style but its own ignores `style` attributes: what they say moves into attributes, which its
    rules can also overrule (the colours of the dark theme).
    """
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    used = _references(root)
    names = {old: f"{prefix}-{number}" for number, old in zip(itertools.count(1), sorted(used), strict=False)}
    for element in root.iter():
        _plain(element)
        _rename(element, names)
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": title, "class": "picture", "stroke-linejoin": "round"}
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return Markup(ET.tostring(root, encoding="unicode"))


def _references(root: ET.Element) -> set[str]:
    """Ids that something in the picture refers to."""
    text = " ".join(value for element in root.iter() for value in element.attrib.values())
    return set(re.findall(r"url\(#([^)]+)\)", text)) | {
        value[1:] for element in root.iter() if (value := element.get(f"{{{XLINK}}}href", "")).startswith("#")
    }


def _plain(element: ET.Element) -> None:
    """Move what a style says into attributes; fonts are the page's, but for their size."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            size = re.search(r"([\d.]+)px", value)
            if size:
                element.set("font-size", size[1])
        elif _KEPT.fullmatch(name):
            element.set(name, value)


def _rename(element: ET.Element, names: dict[str, str]) -> None:
    old = element.attrib.pop("id", None)
    if old in names:
        element.set("id", names[old])
    for key, value in element.attrib.items():
        if key == f"{{{XLINK}}}href":
            element.set(key, f"#{names[value[1:]]}" if value[1:] in names else value)
        elif "url(#" in value:
            element.set(key, re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{names[found[1]]})", value))
