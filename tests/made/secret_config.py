"""A configuration in which every option that may hold a secret holds one with a mark."""

from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from edgespec.config import Config, NotifyConfig
from edgespec.option import option_of

__all__ = ["MARK", "marked_config"]

#: Begins every secret; what is to be found stands behind it.
MARK = "zq7"


def marked_config(folder: Path) -> tuple[Config, list[str]]:
    """Return the configuration, and what must not be found of it anywhere.

    Args:
        folder: for the files that hold secrets.
    """
    marks: list[str] = []
    config = Config(notify=(NotifyConfig(url="https://x/y"),))
    config = replace(
        config,
        mqtt=_marked(config.mqtt, folder, marks),
        notify=tuple(_marked(one, folder, marks) for one in config.notify),
        web=_marked(config.web, folder, marks),
    )
    named = {type(config.mqtt), type(config.web), NotifyConfig}
    for field in fields(Config):
        value = getattr(config, field.name)
        for record in value if isinstance(value, tuple) else (value,):
            has = any(option_of(f).secret or option_of(f).holds_secret for f in fields(record))
            assert not has or type(record) in named, f"{field.name} has secrets: mark them here"
    return config, marks


def _marked(record: Any, folder: Path, marks: list[str]) -> Any:
    changes: dict[str, Any] = {}
    for field in fields(record):
        option = option_of(field)
        mark = f"{MARK} {field.name}/{len(marks)}"
        if option.holds_secret:
            path = folder / f"{field.name}-{len(marks)}"
            path.write_text(f"-----BEGIN THING-----\n{mark}\n-----END THING-----\n")
            changes[field.name] = path
        elif option.secret and field.name == "url":
            mark = mark.replace(" ", "%20").replace("/", "%2F")
            # Of a webhook, the path is the secret.
            is_broker = field.default is not MISSING and hasattr(record, "username")
            changes[field.name] = f"mqtts://me:{mark}@h" if is_broker else f"https://h/{mark}"
        elif option.secret:
            is_list = isinstance(getattr(record, field.name), tuple)
            changes[field.name] = ("/bin/true", mark) if is_list else mark
        else:
            continue
        marks.append(mark)
    return replace(record, **changes)
