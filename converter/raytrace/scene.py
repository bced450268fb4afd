"""A room as files that Mitsuba 3, and with it Sionna RT, reads: XML and one PLY for each body."""

from pathlib import Path
from xml.etree import ElementTree

from converter.raytrace.mesh import box_mesh, write_ply
from converter.raytrace.room import Room

__all__ = ["write_scene"]

_VERSION = "2.1.0"


def write_scene(room: Room, folder: Path) -> Path:
    """Write ``scene.xml`` and its meshes into a folder, which is made; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    root = ElementTree.Element("scene", version=_VERSION)
    for material in sorted({room.shell, *(box.material for box in room.boxes)}):
        surface = ElementTree.SubElement(root, "bsdf", type="itu-radio-material", id=material)
        ElementTree.SubElement(surface, "string", name="type", value=material)
    shell = box_mesh((0.0, 0.0, 0.0), room.size_m)
    parts = [("shell", shell, room.shell)]
    for number, box in enumerate(room.boxes):
        parts.append((f"box-{number}", box_mesh(box.lower_m, box.upper_m), box.material))
    for name, mesh, material in parts:
        write_ply(mesh, folder / f"{name}.ply")
        shape = ElementTree.SubElement(root, "shape", type="ply", id=name)
        ElementTree.SubElement(shape, "string", name="filename", value=f"{name}.ply")
        ElementTree.SubElement(shape, "boolean", name="face_normals", value="true")
        ElementTree.SubElement(shape, "ref", id=material, name="bsdf")
    ElementTree.indent(root)
    path = folder / "scene.xml"
    ElementTree.ElementTree(root).write(path, encoding="utf-8")
    return path
