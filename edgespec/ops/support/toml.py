"""Tables as TOML text."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["toml_text"]


def toml_text(tables: Mapping[str, Any]) -> str:
    """Return a configuration's tables, and lists of tables, as TOML.

    Args:
        tables: by name a table, or a list of them, of texts, numbers and lists of them.
    """
    parts = []
    for name, content in tables.items():
        is_list = isinstance(content, list)
        for table in content if is_list else [content]:
            lines = [f"[[{name}]]" if is_list else f"[{name}]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
