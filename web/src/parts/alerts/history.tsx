// What became of alerts and who did it, newest first.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { severityWord } from '../../model/alerts';
import { asError, useReading } from '../../reading';
import { href, route, setParams } from '../../router';
import type { AlertEvent } from '../../shapes_alerts';
import { toast, useCell } from '../../store';
import { dateTime } from '../../units';
import { Badge } from '../badge';
import { Empty, Failed, Loading } from '../faces';

const KINDS = ['firing', 'resolved', 'acknowledged', 'pending'];

export function AlertHistory() {
  const p = useCell(route)?.params ?? {};
  const filter: api.HistoryFilter = {};
  if (p['host']) filter.host = p['host'];
  if (p['severity']) filter.severity = p['severity'];
  if (p['what']) filter.state = p['what'];
  const key = JSON.stringify(filter);
  const first = useReading(s => api.history(filter, undefined, s), key, { keep: true });
  const [more, setMore] = useState<AlertEvent[]>([]);
  const [next, setNext] = useState<string | null>(null);
  useEffect(() => {
    setMore([]);
    setNext(first.value?.next ?? null);
  }, [first.value]);
  const readMore = async (cursor: string): Promise<void> => {
    try {
      const page = await api.history(filter, cursor);
      setMore(all => [...all, ...page.history]);
      setNext(page.next);
    } catch (e) {
      toast(asError(e).message, true);
    }
  };
  if (first.failed) return <Failed err={first.failed} retry={first.again} />;
  if (!first.value) return <Loading what="Reading the history" />;
  const rows = [...first.value.history, ...more];
  return (
    <>
      <div class="filters" role="search">
        <label>
          What
          <select name="what" value={p['what'] ?? ''} onChange={e => setParams({ what: e.currentTarget.value })}>
            <option value="">All</option>
            {KINDS.map(k => (
              <option key={k} value={k}>
                {k}
              </option>
            ))}
          </select>
        </label>
        <label>
          Host
          <input name="host" value={p['host'] ?? ''} placeholder="All" onChange={e => setParams({ host: e.currentTarget.value })} />
        </label>
      </div>
      {rows.length === 0 && <Empty>No alert has left a line here{key === '{}' ? ' yet' : ' that matches'}.</Empty>}
      {rows.length > 0 && (
        <div class="card list">
          <table class="history labelled">
            <thead>
              <tr>
                <th>Time</th>
                <th>Alert</th>
                <th>Host</th>
                <th>What</th>
                <th>Who</th>
                <th>Note</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(e => (
                <tr key={e.id} data-row={e.id} data-what={e.what}>
                  <td class="nowrap">{dateTime(e.at_ms)}</td>
                  <td>
                    <Badge word={{ ...severityWord(e.severity), text: e.name }} quiet />
                  </td>
                  <td>{e.host && <a href={href('host', { host: e.host })}>{e.host}</a>}</td>
                  <td>{e.what}</td>
                  <td data-label="by">{e.who}</td>
                  <td>{e.note}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <p class="more">
          <button type="button" onClick={() => void readMore(next)}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}
