#!/bin/bash
# check_filemap.sh -- the trees in README.md and engine/DESIGN.md name the folders that exist.
#
# A tree is a fenced block with a line that starts with "engine/"; a folder is a first word that ends
# in "/", below the folder that is indented less.  Every folder named must exist.  README.md must
# name every top-level folder; engine/DESIGN.md every folder of engine/ and transports/ too.
set -euo pipefail
cd "$(dirname "$0")/.."

exec python3 - <<'EOP'
import subprocess
import sys

listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True, text=True,
                        stdout=subprocess.PIPE).stdout.splitlines()
folders = set()
for path in listed:
    parts = path.split("/")[:-1]
    folders |= {"/".join(parts[:i + 1]) for i in range(len(parts))}


def tree(path):
    """The folders that the fenced trees of a page name."""
    named, block = set(), None
    for line in open(path, encoding="utf-8"):
        if line.startswith("```"):
            if block and any(first.startswith("engine/") for _, first in block):
                named |= walk(block)
            block = [] if block is None else None
        elif block is not None and line.strip():
            block += [(len(line) - len(line.lstrip()), word) for word in first_words(line)]
    return named


def first_words(line):
    words = line.split()
    return words[:1] if words[0].endswith("/") else []


def walk(block):
    named, above = set(), []
    for indent, word in block:
        while above and above[-1][0] >= indent:
            above.pop()
        full = (above[-1][1] + "/" if above else "") + word.rstrip("/")
        parts = full.split("/")
        named |= {"/".join(parts[:i + 1]) for i in range(len(parts))}
        above.append((indent, full))
    return named


def missing(page, want):
    try:
        named = tree(page)
    except FileNotFoundError:
        return [f"{page}: does not exist"]
    wrong = [f"{page}: names {name}/, which does not exist" for name in sorted(named - folders)]
    return wrong + [f"{page}: does not name {name}/" for name in sorted(want - named)]


top = {name for name in folders if "/" not in name and not name.startswith(".")}
inner = {name for name in folders if name.count("/") == 1 and name.startswith(("engine/", "transports/"))}
problems = missing("README.md", top) + missing("engine/DESIGN.md", top | inner)
print("\n".join(problems) if problems else "filemap: the trees name the folders that exist")
sys.exit(bool(problems))
EOP
