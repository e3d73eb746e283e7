// What is stored of each host, sortable; an admin may delete a host with all of it.

import { useState } from 'preact/hooks';
import { deleteHost } from '../api_data';
import type { Order } from '../model/sorting';
import { orderOf, sorted } from '../model/sorting';
import { act } from '../reading';
import { href, route } from '../router';
import type { StoredHost } from '../shapes_data';
import { isAdmin, session, useCell } from '../store';
import { bytes, dateTime, duration } from '../units';
import { AskName } from './ask_name';
import { Icon } from './icon';
import { SortHead } from './sort_head';

type Column = 'host' | 'samples' | 'series' | 'bytes' | 'first_ms' | 'last_ms';
const COLUMNS: readonly { key: Column; text: string; numeric: boolean }[] = [
  { key: 'host', text: 'Host', numeric: false },
  { key: 'samples', text: 'Samples', numeric: true },
  { key: 'series', text: 'Series', numeric: true },
  { key: 'bytes', text: 'Blocks', numeric: true },
  { key: 'first_ms', text: 'First sample', numeric: true },
  { key: 'last_ms', text: 'Last sample', numeric: true },
];
const USUAL: Order<Column> = { key: 'samples', down: true };

const whole = (n: number): string => n.toLocaleString('en');

function Row({ h, admin, onDelete }: { h: StoredHost; admin: boolean; onDelete: () => void }) {
  return (
    <tr data-row={h.host}>
      <td>{h.id ? <a href={href('host', { host: h.host })}>{h.host}</a> : <span class="muted">{h.host || 'no host'}</span>}</td>
      <td class="num" data-label="Samples">
        {whole(h.samples)}
      </td>
      <td class="num" data-label="Series">
        {whole(h.series)}
      </td>
      <td class="num" data-label="Blocks">
        {bytes(h.bytes)}
      </td>
      <td class="num" data-label="First">
        {dateTime(h.first_ms)}
      </td>
      <td class="num" data-label="Last" title={`${duration((h.last_ms - h.first_ms) / 1000)} of samples`}>
        {dateTime(h.last_ms)}
      </td>
      {admin && (
        <td class="num">
          {h.id && (
            <button type="button" class="ghost" title="Delete" aria-label={`Delete ${h.host} with its data`} onClick={onDelete}>
              <Icon name="trash" />
            </button>
          )}
        </td>
      )}
    </tr>
  );
}

export function StorageTable({ hosts, onDeleted }: { hosts: readonly StoredHost[]; onDeleted: () => void }) {
  const admin = isAdmin(useCell(session));
  const order = orderOf(
    useCell(route)?.params['sort'],
    COLUMNS.map(c => c.key),
    USUAL,
  );
  const [doomed, setDoomed] = useState<StoredHost | null>(null);
  const remove = async (h: StoredHost): Promise<void> => {
    if (await act(() => deleteHost(h.id ?? ''), `${h.host} and its data are deleted.`)) onDeleted();
  };
  return (
    <div class="card list">
      <table class="storage labelled">
        <thead>
          <tr>
            {COLUMNS.map(c => (
              <SortHead key={c.key} by={c.key} now={order} usual={USUAL} numeric={c.numeric}>
                {c.text}
              </SortHead>
            ))}
            {admin && <th class="num">Delete</th>}
          </tr>
        </thead>
        <tbody>
          {sorted(hosts, order).map(h => (
            <Row key={h.host} h={h} admin={admin} onDelete={() => setDoomed(h)} />
          ))}
        </tbody>
      </table>
      {doomed && (
        <AskName
          title={`Delete ${doomed.host} with its data?`}
          text={
            `${whole(doomed.samples)} samples of ${whole(doomed.series)} series, its results, advice and events go ` +
            'for good; backups keep theirs. An agent that still runs there brings the host back, empty.'
          }
          name={doomed.host}
          act="Delete host"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </div>
  );
}
