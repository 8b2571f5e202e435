"""What may travel in a pickle? Nothing exact; and what was published comes back to be read, not to be written."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NoReturn, Self

__all__ = ["Exact", "Published"]


class Exact:
    """Something that holds exact numbers or rows: it is copied in memory, and never pickled.

    Notes
    -----
    A pickle is a file that nobody inspects. What has to go to another process goes as plain frames, on purpose.
    """

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled: it may hold rows about people or exact counts, and a pickle would "
            "carry them past the gate. Work from the files again; hand on what protect(...) or register(...) returns."
        )

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = object.__new__(type(self))
        memo[id(self)] = made
        vars(made).update(copy.deepcopy(vars(self), memo))
        return made


class Published:
    """Something that holds published values only: out of a pickle it can be looked at, and not be written.

    Notes
    -----
    Whoever makes a pickle by hand decides what is in it, so what comes out of one stands in no ledger. Calling
    `protect` or `register` again, with the ledger, gives the same values to write.
    """

    __slots__ = ()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update({name: value if name != "in_ledger" else False for name, value in state.items()})

    def __copy__(self) -> Self:
        return self  # it cannot be changed

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
