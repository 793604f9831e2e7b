#!/usr/bin/env python3
"""The published JSON Schema against the same files as the loader.

Every example must pass it, and every invalid manifest must fail it, but for those that a schema
cannot judge; they are listed with the reason, and must then pass.  A manifest that even a YAML
library refuses counts as refused.  Needs python3-yaml and python3-jsonschema of Debian.

    schema_check.py [manifests directory]
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml

# Not seen by a schema: YAML itself (repeated keys, anchors, tags, documents), places, and sums.
BEYOND_A_SCHEMA = {
    "alias": "YAML",
    "anchor": "YAML",
    "bool-case": "YAML: editors take True for true",
    "directive": "YAML",
    "duplicate-key": "YAML",
    "duplicate-section": "YAML",
    "tag": "YAML",
    "tag-bare": "YAML",
    "url-prefix-long": "bytes of a part of a text",
    "memory-small": "size of a number with a unit",
    "memory-large": "size of a number with a unit",
    "memory-overflow": "size of a number with a unit",
    "memory-digits": "size of a number with a unit",
    "part-size-small": "size of a number with a unit",
    "part-size-large": "size of a number with a unit",
    "part-size-step": "size of a number with a unit",
    "part-size-memory": "two values compared",
    "delete-grace-long": "size of a number with a unit",
    "textfile-in-lake": "two values compared",
    "store-in-lake": "two values compared",
    "lake-in-store": "two values compared",
    "window-empty": "two values compared",
    "window-unreachable": "two values compared",
    "endpoint-port": "size of a number in a text",
    "endpoint-ipv6": "grammar of an address",
}


class Loader(yaml.SafeLoader):
    """Plain scalars as YAML 1.2 (and editors) read them: `no` and 18:00 are texts."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]*$", "-+0123456789"),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def complaints(validator, path):
    """What is wrong with a manifest, as far as YAML and the schema know; [] when nothing is."""
    try:
        manifest = yaml.load(path.read_bytes(), Loader)
        return [e.message for e in validator.iter_errors(manifest)]
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError) as e:
        return [str(e)]


def main():
    here = pathlib.Path(__file__).resolve()
    top = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[3] / "manifests"
    schema = json.loads((top / "weir.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    examples = sorted((top / "examples").glob("*.yaml"))
    invalid = sorted((top / "invalid").glob("*.yaml"))
    failures = []
    for path in examples:
        failures += [f"{path.name}: refused: {c}" for c in complaints(validator, path)]
        if not path.read_text().startswith("# yaml-language-server: $schema=../weir.schema.json"):
            failures.append(f"{path.name}: the first line does not name the schema")
    for path in invalid:
        refused = bool(complaints(validator, path))
        if refused and path.stem in BEYOND_A_SCHEMA:
            failures.append(f"{path.name}: refused, take it off the list of exceptions")
        if not refused and path.stem not in BEYOND_A_SCHEMA:
            failures.append(f"{path.name}: passes the schema")
    for stem in BEYOND_A_SCHEMA.keys() - {p.stem for p in invalid}:
        failures.append(f"{stem}.yaml: on the list of exceptions, but not there")
    if not examples or not invalid:
        failures.append(f"{top}: no examples or no invalid manifests")

    for failure in failures:
        print(failure)
    print(f"{len(examples)} examples, {len(invalid)} invalid manifests, "
          f"{len(BEYOND_A_SCHEMA)} of them beyond a schema, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
