"""How long is one thing beside another, measured in the same run?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def seconds(work: Callable[[], Any], *, runs: int = 3) -> float:
    """Return the fastest of several runs: the one that the machine disturbed least."""
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def report(what: str, ours: float, peer: float, peer_name: str, target: str) -> None:
    """Print both times, their ratio and the target."""
    print(f"{what}: {ours:.3f} s; {peer_name} {peer:.3f} s: {peer / ours:.1f} times as long (target: {target})")
