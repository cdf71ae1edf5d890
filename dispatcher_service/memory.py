"""What does the garbage collector look at? Not at what stays for long, while that does.

Among a million timers it would look for 40 to 80 ms at a time, and nothing rings meanwhile.
"""

import gc


def keep() -> None:
    """What there is stays: it is looked at now, and not again until it may go. What goes before goes by itself."""
    gc.collect()
    gc.freeze()


def let_go() -> None:
    """What was kept may go. A session is full of circles, and its shards with all their timers hang on them."""
    gc.unfreeze()
