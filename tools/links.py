#!/usr/bin/env python3
"""Checks that every relative link in the Markdown pages leads to a file that exists."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)')


def main():
    pages = subprocess.run(['git', 'ls-files', '*.md'], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    broken = []
    for page in pages:
        path = ROOT / page
        for link in LINK.findall(path.read_text()):
            if '://' not in link and not link.startswith('mailto:') \
                    and not (path.parent / link).exists():
                broken.append(f'{page}: {link} does not exist')
    print('\n'.join(broken))
    sys.exit(1 if broken else 0)


if __name__ == '__main__':
    main()
