#!/usr/bin/env python3
"""Lets a recorded machine live: copies SOURCE to TARGET and adds to its counters every second.

    tests/machines/play.py SOURCE TARGET [SECONDS] &      galen-agent --root TARGET ...

SOURCE/rates says what: a file, the group or first word of a line, the field's name (or its
column), how much a second. Ends after SECONDS (for ever without), or when TARGET is removed.
"""
import os
import pathlib
import shutil
import sys
import time


def rates(source):
    for line in (source / 'rates').read_text().splitlines():
        if line and not line.startswith('#'):
            path, group, field, rate = line.split()
            yield path, group, field, float(rate)


def raised(text, group, field, amount):
    """Netstat's pairs of lines by name, other files by column."""
    lines = text.split('\n')
    for i, line in enumerate(lines):
        words = line.split(' ')
        if words[0].rstrip(':') != group:
            continue
        if field.isdigit():
            words[int(field)] = str(int(words[int(field)]) + amount)
            lines[i] = ' '.join(words)
            break
        if field in words:
            values = lines[i + 1].split(' ')
            column = words.index(field)
            values[column] = str(int(values[column]) + amount)
            lines[i + 1] = ' '.join(values)
            break
    else:
        sys.exit(f'{group} {field} was not found')
    return '\n'.join(lines)


def step(source, target, elapsed):
    texts = {}
    for path, group, field, rate in rates(source):
        text = texts.get(path) or (source / path).read_text()
        texts[path] = raised(text, group, field, int(rate * elapsed))
    for path, text in texts.items():
        new = target / (path + '.new')
        new.write_text(text)
        os.replace(new, target / path)


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else float('inf')
    shutil.copytree(source, target, dirs_exist_ok=True)
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds and target.exists():
        step(source, target, elapsed)
        time.sleep(1)


if __name__ == '__main__':
    main()
