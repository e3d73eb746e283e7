#!/usr/bin/env python3
"""Draws who includes whom between the folders of src/ and checks it.

Includes point down: a folder may use the folders below it in LAYERS, never one above, never a
neighbour. Across folders only public headers are included: <folder>/<folder>.h, or any header
of base, net and series. Prints nothing when all is well; `--draw` prints the picture.
"""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / 'src'
# folder: what it may include
LAYERS = {
    'base': set(),
    'net': {'base'},
    'series': {'base'},
    'exchange': {'base', 'series'},
    'collect': {'base', 'series'},
    'apply': {'base', 'series'},
    'probe': {'base', 'net', 'series', 'collect'},
    'agent': {'base', 'apply', 'net', 'series', 'collect', 'probe'},
    'store': {'base', 'series'},
    'record': {'base'},
    'promql': {'base', 'series'},
    'advise': {'base', 'series', 'exchange', 'promql'},
    'alert': {'base', 'series', 'promql'},
    'notify': {'base', 'net'},
    'access': {'base', 'net', 'record'},
    'api': {'base', 'net', 'series', 'exchange', 'store', 'record', 'promql', 'advise', 'alert', 'notify', 'access'},
    'server': {'base', 'net', 'series', 'store', 'record', 'promql', 'advise', 'alert', 'notify', 'access', 'api'},
    'cli': {'base', 'net', 'series', 'exchange', 'collect', 'store', 'record', 'promql', 'advise', 'apply', 'alert', 'notify'},
}
ALL_PUBLIC = {'base', 'net', 'series'}
# Further public headers, each named by its folder.
PUBLIC = {'advise/model.h', 'advise/profile.h', 'advise/train.h', 'advise/verify.h',
          'alert/labels_json.h', 'alert/mail.h', 'alert/route.h', 'alert/template.h', 'api/console_files.h',
          'promql/script/series_text.h', 'record/agents.h', 'record/alerts.h', 'record/events.h', 'record/usage.h',
          'record/findings.h'}
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.M)


def main():
    faults, arrows = [], {}
    for path in sorted(SRC.rglob('*.[ch]')):
        folder = path.relative_to(SRC).parts[0]
        for header in INCLUDE.findall(path.read_text()):
            if '/' not in header:
                faults.append(f'{path}: "{header}": write the path from src/')
                continue
            target = header.split('/')[0]
            if target == folder:
                continue
            arrows.setdefault(folder, set()).add(target)
            if target not in LAYERS.get(folder, set()):
                faults.append(f'{path}: {folder} must not include {header}')
            elif target not in ALL_PUBLIC and header not in PUBLIC \
                    and header != f'{target}/{target}.h':
                faults.append(f'{path}: {header} is private to {target}')
    if '--draw' in sys.argv:
        for folder in LAYERS:
            print(f"{folder:8} -> {' '.join(sorted(arrows.get(folder, [])))}")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == '__main__':
    main()
