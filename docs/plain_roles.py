"""A hook of mkdocs: Sphinx's roles in docstrings, such as :func:`name`, shown as plain code."""

import re

# mkdocstrings writes Markdown, where a role is nothing but text before the name. In the columns of
# types it is code already, with the backticks kept.
_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?:(?P<code><code>)~?|`~?(?P<name>[^`]+)`)")


def on_page_content(html: str, **_: object) -> str:
    """The page's HTML without the roles; mkdocs calls this for every page."""
    return _ROLE.sub(lambda match: match["code"] or match["name"], html)
