// Samples to take away: a selector and a span of time, as CSV, JSON or OpenMetrics.

import * as api from '../api_data';
import { FORMATS, SPANS, exportSpan } from '../model/data';
import { useReading } from '../reading';
import { route, setParams } from '../router';
import { serverTime, useCell } from '../store';

const TYPING_MS = 400;
const COUNTED_MOST = 10_000;

function Preview({ of, ending }: { of: api.ExportOf; ending: string }) {
  const key = `${of.match} ${ending}`;
  const count = useReading(signal => api.countSeries(of, COUNTED_MOST, signal), key, { waitMs: TYPING_MS, keep: true });
  if (count.failed)
    return (
      <p class="error" role="alert">
        {count.failed.message}
      </p>
    );
  const n = count.value;
  if (n === null) return <p class="note">Counting the series</p>;
  return (
    <p class="note" data-series={n}>
      {n === 0 && 'No series of that name has samples then.'}
      {n > 0 && `${n.toLocaleString('en')}${n >= COUNTED_MOST ? ' or more' : ''} series.`}
    </p>
  );
}

export function ExportCard() {
  const p = useCell(route)?.params ?? {};
  const span = exportSpan(p, serverTime.nowMs());
  const chosen = SPANS.find(s => s.id === p['span'])?.id ?? '24h';
  const format = FORMATS.find(f => f.id === p['format'])?.id ?? 'csv';
  const of = span && { match: p['match'] ?? '', ...span };
  return (
    <section class="card form" data-part="export">
      <h2>Export</h2>
      <label>
        Series (a PromQL selector; every series without one)
        <input
          class="mono"
          name="match"
          spellcheck={false}
          placeholder={'node_load1{instance="web-1"}'}
          value={p['match'] ?? ''}
          onInput={e => setParams({ match: e.currentTarget.value }, true)}
        />
      </label>
      <div class="filters">
        <label>
          Time
          <select name="span" value={chosen} onChange={e => setParams({ span: e.currentTarget.value })}>
            {SPANS.map(s => (
              <option key={s.id} value={s.id}>
                {s.text}
              </option>
            ))}
          </select>
        </label>
        {chosen === 'days' &&
          (['from', 'to'] as const).map(name => (
            <label key={name}>
              {name === 'from' ? 'From' : 'To'}
              <input type="date" name={name} value={p[name] ?? ''} onChange={e => setParams({ [name]: e.currentTarget.value })} />
            </label>
          ))}
        <label>
          Format
          <select name="format" value={format} onChange={e => setParams({ format: e.currentTarget.value })}>
            {FORMATS.map(f => (
              <option key={f.id} value={f.id}>
                {f.text}
              </option>
            ))}
          </select>
        </label>
        {of && (
          <a class="button" href={api.exportAddress(of, format)} download="">
            Download
          </a>
        )}
      </div>
      {of ? (
        <Preview of={of} ending={`${chosen} ${p['from']} ${p['to']}`} />
      ) : (
        <p class="note">Choose the first and the last day.</p>
      )}
    </section>
  );
}
