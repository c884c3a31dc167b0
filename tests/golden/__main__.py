"""`python -m tests.golden`: write into every golden file what comes out today. Review the diff."""

from __future__ import annotations

import sys

from tests.golden.cases import files, outcome, read, write


def main() -> int:
    changed = 0
    for path in files():
        before = read(path)
        after = outcome(before)
        if after != before:
            write(path, after)
            changed += 1
            sys.stdout.write(f"{path.name}\n")
    sys.stdout.write(f"{changed} of {len(files())} golden files rewritten\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
