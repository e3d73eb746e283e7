#!/usr/bin/env python3
"""The reference pages say what the programs say."""
import subprocess

import galen

tap = galen.Tap()
printed = subprocess.run([galen.BUILD / 'metrics_reference'], capture_output=True, text=True,
                         check=True).stdout
page = (galen.ROOT / 'docs' / 'METRICS.md').read_text()
tap.ok(page == printed, 'docs/METRICS.md is what metrics_reference prints',
       'run BUILD/metrics_reference > docs/METRICS.md')

configuration = (galen.ROOT / 'docs' / 'CONFIGURATION.md').read_text()
help_text = subprocess.run([galen.BUILD / 'galen-server', '--help'], capture_output=True, text=True,
                           check=True).stdout
for line in help_text.splitlines():
    option = line.split()[0] if line.startswith('  --') else None
    if option and option not in ('--help,', '--config'):
        tap.ok(f'`{option}`' in configuration, f'docs/CONFIGURATION.md has {option}')
routes = (galen.ROOT / 'src' / 'api' / 'routes.c').read_text()
api = (galen.ROOT / 'docs' / 'API.md').read_text()
for part in ['query', 'query_range', 'write', 'series', 'labels', 'format_query', 'parse_query', 'login', 'logout',
             'session', 'password', 'hosts', 'results', 'results/summary', 'join-tokens', 'enroll',
             'openapi.json', 'analyze', 'live', 'metrics', 'healthz', 'readyz']:
    tap.ok(f'/{part}' in api and f'/{part}"' in routes, f'docs/API.md and the routes have /{part}')
tap.exit()
