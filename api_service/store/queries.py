"""Where is the SQL? In a file beside the only module that reads it, as named blocks; this loads them.

-- name --
-- What the statement does.
select …
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"^-- ([a-z_]+) --\n", re.MULTILINE)


def load(module_file: str) -> Mapping[str, str]:
    """The named statements of the `.sql` file beside this module."""
    _, *blocks = _NAME.split(Path(module_file).with_suffix(".sql").read_text(encoding="utf-8"))
    names, statements = blocks[::2], blocks[1::2]
    if len(set(names)) < len(names):
        raise ValueError(f"a statement is named twice beside {module_file}")
    return {name: text.strip() for name, text in zip(names, statements, strict=True)}
