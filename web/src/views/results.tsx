// Results: how many analyses there were, over time and by recommendation, and each of them.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../api';
import { filterOf, withEmptyDays } from '../model/results';
import { BarList, Columns } from '../parts/bars';
import { Empty, Failed, Loading } from '../parts/faces';
import { Icon } from '../parts/icon';
import { ImportDialog } from '../parts/import_dialog';
import { ResultTable } from '../parts/result_table';
import { asError } from '../reading';
import { route, setParams } from '../router';
import type { Result, Summary } from '../shapes';
import { hosts, isAdmin, session, useCell } from '../store';
import { day } from '../units';
import { CLASSES, KINDS, kindOfClass } from '../words';

const TYPING_MS = 300;

function Filters() {
  const p = useCell(route)?.params ?? {};
  const all = useCell(hosts) ?? [];
  return (
    <div class="filters" role="search">
      <label>
        From
        <input type="date" value={p['from'] ?? ''} onChange={e => setParams({ from: e.currentTarget.value })} />
      </label>
      <label>
        To
        <input type="date" value={p['to'] ?? ''} onChange={e => setParams({ to: e.currentTarget.value })} />
      </label>
      <label>
        Server
        <select value={p['server'] ?? ''} onChange={e => setParams({ server: e.currentTarget.value })}>
          <option value="">All servers</option>
          {all.map(h => (
            <option key={h.id} value={h.id}>
              {h.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Recommendation
        <select value={p['class'] ?? ''} onChange={e => setParams({ class: e.currentTarget.value })}>
          <option value="">All recommendations</option>
          {CLASSES.map((c, i) => (
            <option key={c.kind} value={String(i)}>
              {c.text}
            </option>
          ))}
        </select>
      </label>
      <label class="search">
        <Icon name="search" />
        <span class="sr">Search results</span>
        <input
          type="search"
          data-search
          placeholder="Search results"
          value={p['q'] ?? ''}
          onInput={e => setParams({ q: e.currentTarget.value }, true)}
        />
      </label>
    </div>
  );
}

function Overview({ summary }: { summary: Summary }) {
  const days = withEmptyDays(summary.by_day);
  return (
    <div class="overview">
      <section class="card figure">
        <h2>Analyses</h2>
        <strong data-total={summary.total}>{summary.total.toLocaleString('en')}</strong>
      </section>
      <section class="card">
        <h2>By recommendation</h2>
        <BarList
          bars={CLASSES.map((c, i) => {
            const count = summary.by_recommendation.find(b => b.predicted_class === i)?.count ?? 0;
            return {
              key: c.kind,
              count,
              tone: KINDS[c.kind].tone,
              label: (
                <span class="nowrap">
                  <Icon name={KINDS[c.kind].icon} /> {KINDS[kindOfClass(i as 0 | 1 | 2 | 3)].text}
                </span>
              ),
            };
          })}
        />
      </section>
      <section class="card over-time">
        <h2>Over time, by day</h2>
        {days.length === 0 && <p class="note">Nothing to count.</p>}
        <Columns columns={days.map(d => ({ key: d.day, count: d.count, label: day(Date.parse(d.day + 'T12:00:00')) }))} />
      </section>
    </div>
  );
}

export function ResultsView() {
  const p = useCell(route)?.params ?? {};
  const filter = filterOf(p);
  const key = JSON.stringify(filter);
  const [summary, setSummary] = useState<Summary | null>(null);
  const [rows, setRows] = useState<Result[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [importing, setImporting] = useState(false);

  useEffect(() => {
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const [sum, page] = await Promise.all([api.summary(filter, stop.signal), api.results(filter, undefined, stop.signal)]);
      setSummary(sum);
      setRows(page.results);
      setNext(page.next);
      setFailed(null);
    };
    const timer = setTimeout(() => {
      read().catch((e: unknown) => !stop.signal.aborted && setFailed(asError(e)));
    }, rows ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, attempt]);

  const more = async (): Promise<void> => {
    if (!next) return;
    try {
      const page = await api.results(filter, next);
      setRows(all => [...(all ?? []), ...page.results]);
      setNext(page.next);
    } catch (e) {
      setFailed(asError(e));
    }
  };

  return (
    <>
      <div class="title">
        <h1>Results</h1>
        <span class="sub">every analysis of every host, newest first</span>
        <span class="spring" />
        {isAdmin(useCell(session)) && (
          <button type="button" onClick={() => setImporting(true)}>
            Import metrics
          </button>
        )}
      </div>
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
      <Filters />
      {failed && <Failed err={failed} retry={() => setAttempt(n => n + 1)} />}
      {!failed && !summary && <Loading what="Reading results" height={300} />}
      {summary && <Overview summary={summary} />}
      {rows && rows.length > 0 && <ResultTable rows={rows} onDeleted={() => setAttempt(n => n + 1)} />}
      {rows?.length === 0 && (
        <Empty>
          {key === '{}' ? 'No analysis yet: the first comes within a minute of a host.' : 'No result matches these filters. '}
          {key !== '{}' && (
            <button
              type="button"
              onClick={() => setParams({ from: undefined, to: undefined, server: undefined, class: undefined, q: undefined })}
            >
              Drop the filters
            </button>
          )}
        </Empty>
      )}
      {next && (
        <p class="more">
          <button type="button" onClick={() => void more()}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}
