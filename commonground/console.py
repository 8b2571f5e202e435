"""How does the command line speak, to a terminal and to a file?"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_ROWS", "progress", "say", "show"]

MOST_ROWS = 200  # on a screen; a file or a pipe gets all of them


@contextmanager
def progress(stage: str) -> Iterator[None]:
    """Show what is being done and the time it takes; nothing when the output is not a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(stage, total=None)
        yield


def say(text: str, *, error: bool = False) -> None:
    """Print a line, to the stream of errors if it is one."""
    typer.echo(text, err=error)


def show(problems: pd.DataFrame, *, error: bool = False) -> None:
    """Show a table on a screen; elsewhere print one line a problem, its cells separated by tabs, all of them."""
    import pandas as pd

    texts = [
        ["" if pd.isna(value) else re.sub(r"\s+", " ", str(value)) for value in row]
        for row in problems.itertuples(index=False)
    ]
    if not (sys.stderr if error else sys.stdout).isatty():
        for row in [list(problems.columns), *texts]:
            say("\t".join(row), error=error)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*problems.columns)
    for row in texts[:MOST_ROWS]:
        table.add_row(*map(Text, row))  # Text: square brackets in a message are no markup
    Console(stderr=error).print(table)
    if len(texts) > MOST_ROWS:
        say(f"and {len(texts) - MOST_ROWS} more; send the output to a file to see all of them.", error=error)
