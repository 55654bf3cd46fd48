"""The pages a user reads, README.md and docs/, taken apart: blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

HOME = Path(__file__).parents[1]
PROMPT = "$ "
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    page: str
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command of a shell, without prompt and assignments."""
        if self.language not in {"sh", "console"}:
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
        found = [shlex.split(line, comments=True) for line in lines]
        return [list(_without_assignments(words)) for words in found if words]


def _without_assignments(words: list[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        if not _ASSIGNMENT.match(word):
            yield from words[place:]
            return


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the project's folder."""
        return self.path.relative_to(HOME).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """All but the blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """In their order."""
        return [
            Block(
                self.name, found[2], dedent(found[3]), self.text.count("\n", 0, found.start()) + 1
            )
            for found in _FENCE.finditer(self.text)
        ]

    @property
    def code(self) -> list[str]:
        """What stands in backticks within the prose."""
        return _CODE.findall(self.prose)

    @property
    def links(self) -> list[str]:
        """Where the prose points to, also with pictures."""
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """The names that GitHub gives to headings."""
        kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(self.prose))
        return {title.replace(" ", "-") for title in kept}


PAGES = [Page(path) for path in (HOME / "README.md", *sorted((HOME / "docs").rglob("*.md")))]
BLOCKS = [block for page in PAGES for block in page.blocks]
