"""How a page is put together so that it opens from disk, asks nobody for anything and reads well.

Every page has a content-security-policy that lets only its own inline scripts and styles run, named by their hashes,
and nothing be fetched. Every value that a template writes goes through `escape.text`; None and NaN are refused, so
that no page ever says "None".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from commonground.release.assets import csp_hash
from commonground.release.escape import text
from commonground.release.tables import HIDDEN, HIDDEN_MEANING, Table, cell_text

__all__ = ["Column", "Link", "Page", "TableView", "environment", "policy", "render_page", "table_view", "template_text"]

_HERE = "commonground.release"


@dataclass(frozen=True)
class Link:
    """An entry of the navigation.

    Parameters
    ----------
    href : str
        Another page of the same folder, as ``needs.html``.
    label : str
        Its words.
    here : bool
        True for the page that is being shown.
    """

    href: str
    label: str
    here: bool = False


@dataclass(frozen=True)
class Page:
    """What every page has.

    Parameters
    ----------
    title : str
        Heading and title.
    finding : str
        One sentence under the heading; empty for none.
    site : str
        Name of the study or report, above the heading; empty for none.
    links : tuple of Link
        Navigation.
    notes : tuple of str
        Footnotes: data as of, sources, what is not shown.
    lang : str
        Language of the page, as ``en``.
    """

    title: str
    finding: str = ""
    site: str = ""
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()
    lang: str = "en"


@dataclass(frozen=True)
class Column:
    """Heading of a column; `number` says that its cells are aligned right."""

    label: str
    number: bool


@dataclass(frozen=True)
class TableView:
    """A table as the ``table`` macro of parts.html.j2 draws it; make it with `table_view`."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    hidden: str
    symbol: str
    notes: tuple[str, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()


def render_page(
    template: str,
    page: Page,
    context: Mapping[str, Any] | None = None,
    *,
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> bytes:
    """Render one page.

    Parameters
    ----------
    template : str
        Name of a template that extends ``base.html.j2``.
    page : Page
        Title, finding, navigation, notes.
    context : mapping, optional
        What the template's own blocks use, published values only.
    scripts, styles : sequence of str
        Inline scripts at the end of the body, and styles after ours. They are code of ours, never data.
    packages : sequence of str
        Packages with a ``templates`` folder that is looked at before ours.

    Returns
    -------
    bytes
        UTF-8. The same input gives the same bytes.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a name that was not given.
    ValueError
        If a value is missing (None or NaN), or a script or style would end its own element.
    """
    all_styles = [_element(style, "style") for style in (template_text("page.css"), *styles)]
    all_scripts = [_element(script, "script") for script in scripts]
    rendered = (
        environment(*packages)
        .get_template(template)
        .render(
            dict(
                context or {}, page=page, styles=all_styles, scripts=all_scripts, policy=policy(all_scripts, all_styles)
            )
        )
    )
    return rendered.encode("utf-8")


def policy(scripts: Sequence[str], styles: Sequence[str]) -> Markup:
    """Return the content-security-policy of a page.

    Parameters
    ----------
    scripts, styles : sequence of str
        The contents of every inline script and style of the page.

    Returns
    -------
    Markup
        Nothing may be fetched but ``data:`` images and pages of the same folder in frames.
    """
    rules = ["default-src 'none'", "img-src data:", "frame-src 'self'", "base-uri 'none'", "form-action 'none'"]
    if scripts:
        rules.append("script-src " + " ".join(csp_hash(script) for script in scripts))
    if styles:
        rules.append("style-src " + " ".join(csp_hash(style) for style in styles))
    return Markup("; ".join(rules))  # our own words and base64 only; readable as it stands


@cache
def environment(*packages: str) -> jinja2.Environment:
    """Return the Jinja environment: escaping always on, missing names an error.

    Parameters
    ----------
    *packages : str
        Packages whose ``templates`` folders are looked at before ours.

    Returns
    -------
    jinja2.Environment
        Shared by all pages of these packages.
    """
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (*packages, _HERE)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def template_text(name: str) -> str:
    """Return the text of a file in our templates folder.

    Parameters
    ----------
    name : str
        Name of a stylesheet or a script of ours.

    Returns
    -------
    str
        Its text, with LF line ends.
    """
    return (resources.files(_HERE) / "templates" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def table_view(table: Table | pd.DataFrame, *, title: str = "", name: str = "table") -> TableView:
    """Prepare a table for a page.

    Parameters
    ----------
    table : Table or DataFrame
        Published values. The first column names the rows.
    title : str
        Caption; a `Table` has its own.
    name : str
        Name for links inside the page; a `Table` has its own.

    Returns
    -------
    TableView
        Texts only; pass it to ``parts.table``.
    """
    frame = table.frame if isinstance(table, Table) else table
    symbol = table.symbol if isinstance(table, Table) else HIDDEN
    rows = tuple(tuple(cell_text(value, symbol) for value in row) for row in frame.itertuples(index=False, name=None))
    kinds = zip(frame.columns, frame.dtypes, strict=True)
    columns = tuple(Column(str(column), pd.api.types.is_numeric_dtype(kind)) for column, kind in kinds)
    return TableView(
        name=table.name if isinstance(table, Table) else re.sub(r"[^a-z0-9-]+", "-", name.lower()),
        title=table.title if isinstance(table, Table) and not title else title,
        columns=columns,
        rows=rows,
        hidden=HIDDEN_MEANING if any(symbol in row for row in rows) else "",
        symbol=symbol,
        notes=table.notes if isinstance(table, Table) else (),
        definitions=tuple(table.definitions.items()) if isinstance(table, Table) else (),
    )


def _written(value: Any) -> Any:
    """Decide what a template expression becomes: data strings neutralised, missing values refused."""
    if isinstance(value, Markup | jinja2.Undefined):
        return value
    if isinstance(value, str):
        return text(value)
    if value is None or (isinstance(value, float) and value != value):
        raise ValueError("a page would show a missing value; write the words that stand for it")
    return value


def _element(content: str, tag: str) -> Markup:
    """Return the content of a style or script element, unless it would end the element itself."""
    if re.search(rf"</{tag}|<!--", content, re.IGNORECASE) or "\r" in content:
        raise ValueError(f"a {tag} holds text that would end it or that a parser changes; it is not written")
    return Markup(content)
