"""What does the garbage collector look at? Not at what stays for long, while that does.

Among a million timers it would look for 40 to 80 ms at a time, and nothing rings meanwhile.
"""

import gc
from typing import Final

# So many objects more than before, and the garbage collector looks at them: what some hundred rings make, and nearly
# all of it has gone by itself then. It looked at every tenth ring, which was a twentieth of what a ring costs.
_YOUNG_MOST: Final = 10_000


def keep() -> None:
    """What there is stays: it is looked at now, and not again until it may go. What goes before goes by itself."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MOST)


def let_go() -> None:
    """What was kept may go. A session is full of circles, and its shards with all their timers hang on them."""
    gc.unfreeze()
