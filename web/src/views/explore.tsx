// Explore: a PromQL expression as a chart over the range and as a table of now.

import { useEffect, useMemo, useState } from 'preact/hooks';
import * as api from '../api';
import type { Scene } from '../feeds';
import type { Chart } from '../model/charts';
import { parseRange } from '../model/range';
import { ChartCard } from '../parts/chart_card';
import { copyText } from '../parts/copy';
import { Empty, Failed, Loading } from '../parts/faces';
import { Icon } from '../parts/icon';
import { route, setParams } from '../router';
import type { Instant, Labels } from '../shapes';
import { useCell } from '../store';
import { number } from '../units';

const EXAMPLES: readonly [string, string][] = [
  ['Load by host', 'node_load1'],
  ['Share of memory that is not available', '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes'],
  ['The five busiest file systems', 'topk(5, 1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)'],
  ['Kernel parameters that changed within a day', 'changes(galen_sysctl[1d]) > 0'],
];
const TABLE_ROWS = 200;

function seriesName(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const inner = Object.entries(rest).map(([k, v]) => `${k}="${v}"`);
  return inner.length > 0 ? `${name}{${inner.join(', ')}}` : name || '{}';
}

function ResultRows({ found }: { found: readonly Instant[] }) {
  return (
    <div class="card list">
      <table>
        <thead>
          <tr>
            <th>Series</th>
            <th class="num">Value now</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, TABLE_ROWS).map(i => (
            <tr key={seriesName(i.labels)} data-row={seriesName(i.labels)}>
              <td class="mono wrap">{seriesName(i.labels)}</td>
              <td class="num">{Number.isFinite(i.v) ? number(i.v) : String(i.v)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > TABLE_ROWS && (
        <p class="note">
          The first {TABLE_ROWS} of {found.length} series.
        </p>
      )}
    </div>
  );
}

export function ExploreView() {
  const params = useCell(route)?.params ?? {};
  const expr = params['expr'] ?? '';
  const [typed, setTyped] = useState(expr);
  const [answer, setAnswer] = useState<{ expr: string; rows: Instant[] } | null>(null);
  const found = answer?.expr === expr ? answer.rows : null; // an older answer is not this one's
  const [failed, setFailed] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    setTyped(expr);
    setFailed(null);
    if (!expr) return;
    const stop = new AbortController();
    api
      .query(expr, undefined, stop.signal)
      .then(rows => setAnswer({ expr, rows }), (e: unknown) => !stop.signal.aborted && setFailed(e instanceof Error ? e : new Error(String(e))));
    return () => stop.abort();
  }, [expr, attempt]);

  const rangeKey = `${params['range']} ${params['from']} ${params['to']}`;
  const scene = useMemo<Scene>(() => ({ host: '', range: parseRange(params), intervalS: 5 }), [rangeKey]);
  const chart = useMemo<Chart>(
    () => ({ id: 'explore ' + expr, title: expr, unit: 'count', series: [{ label: '{*}', expr, colour: 1 }] }),
    [expr],
  );
  const run = (): void => {
    if (typed.trim() === expr) setAttempt(n => n + 1);
    else setParams({ expr: typed.trim() });
  };

  return (
    <>
      <div class="title">
        <h1>Explore</h1>
        <span class="sub">PromQL over everything that is stored</span>
      </div>
      <form class="promql" onSubmit={e => (e.preventDefault(), run())}>
        <textarea
          class="mono"
          rows={Math.min(8, typed.split('\n').length + 1)}
          aria-label="PromQL expression"
          data-search
          spellcheck={false}
          placeholder="rate(node_netstat_TcpExt_ListenOverflows[5m])"
          value={typed}
          onInput={e => setTyped(e.currentTarget.value)}
          onKeyDown={e => {
            if (e.key !== 'Enter' || e.shiftKey) return;
            e.preventDefault();
            run();
          }}
        />
        <div class="acts">
          <button type="submit" class="primary">
            Run
          </button>
          <button type="button" disabled={!expr} onClick={() => void copyText(location.href, 'Link')}>
            <Icon name="link" /> Copy link
          </button>
          <span class="note">Enter runs, Shift+Enter breaks the line</span>
        </div>
      </form>
      {!expr && (
        <div class="card examples">
          <h2>To begin with</h2>
          <ul>
            {EXAMPLES.map(([what, e]) => (
              <li key={e}>
                <button type="button" class="ghost" onClick={() => setParams({ expr: e })}>
                  <span>{what}</span>
                  <code>{e}</code>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      {failed && <Failed err={failed} retry={() => setAttempt(n => n + 1)} />}
      {expr && !failed && !found && <Loading what="Asking" />}
      {found && found.length > 0 && (
        <>
          <h2 class="sr">Answer</h2>
          <ChartCard chart={chart} scene={scene} />
        </>
      )}
      {found && found.length > 0 && <ResultRows found={found} />}
      {found?.length === 0 && <Empty>No series matches now. Is the name spelled as the agent sends it?</Empty>}
    </>
  );
}
