"""Rewrite the committed sample town, or make another: `python generate.py [SEED FOLDER]`.

Load this file by its path to use `make_town` and `write_town` in tests; the work is in the folder marlhaven/ beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # this folder is data, not an installed package

from marlhaven import Town, make_town, write_town  # noqa: E402 - after the line that makes it findable

__all__ = ["Town", "make_town", "write_town"]


def main(arguments: list[str]) -> None:
    """Write the town of a seed into a folder; without arguments the committed one: seed 0, here."""
    if len(arguments) not in (0, 2):
        raise SystemExit("usage: python generate.py [SEED FOLDER]")
    seed, folder = (int(arguments[0]), Path(arguments[1])) if arguments else (0, HERE)
    for path in write_town(make_town(seed), folder):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
