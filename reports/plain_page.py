"""A small page without any script: for what is no game day report, such as a comparison."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from markupsafe import Markup

from reports.html import marked

STYLE = Markup("""
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid; padding: .3rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: break-word; }
.scroll { overflow-x: auto; }
.hidden-character { border: 1px dotted; font-family: monospace; }
img { max-width: 100%; background: #fff; }
""")
PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{body}
</main>
</body>
</html>
""")


def page(title: str, parts: Iterable[Markup]) -> str:
    """The whole page; `parts` are safe already."""
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"
    return str(
        PAGE.format(
            policy=f"{rules}; form-action 'none'",
            title=title,
            heading=title,
            style=STYLE,
            body=Markup("\n").join(parts),
        )
    )


def paragraph(text: str) -> Markup:
    """Untrusted text as a paragraph."""
    return Markup("<p>{}</p>").format(marked(text))


def heading(text: str) -> Markup:
    """A heading below that of the page."""
    return Markup("<h2>{}</h2>").format(text)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Untrusted text in cells, in a region that can be scrolled by keyboard."""
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in head)
    lines = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(marked(cell)) for cell in row)
        )
        for row in rows
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table>'
        "<caption>{}</caption><thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table></div>"
    ).format(caption, caption, heads, lines)


def picture(svg: bytes, says: str) -> Markup:
    """A drawing as a picture, in which no script runs and nothing is loaded; `says` is what it
    shows, for who does not see it."""
    data = b64encode(svg).decode()
    return Markup('<p><img alt="{}" src="data:image/svg+xml;base64,{}"></p>').format(says, data)
