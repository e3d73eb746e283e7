// The table of analyses: a row opens what was measured and what came of it; an admin may delete.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { href } from '../router';
import type { Result } from '../shapes';
import { hosts, isAdmin, session, toast, useCell } from '../store';
import { dateTime } from '../units';
import { KINDS, kindOfClass } from '../words';
import { Badge } from './badge';
import { Confirm } from './dialog';
import { Icon } from './icon';

function sentence(r: Result): string {
  const summary = (r.result as { summary?: unknown } | null)?.summary;
  return typeof summary === 'string' ? summary : r.recommendation;
}

function Row(p: { r: Result; host: string; open: boolean; admin: boolean; onOpen: () => void; onDelete: () => void }) {
  const { r } = p;
  return (
    <>
      <tr data-row={r.id}>
        <td>
          <button type="button" class="ghost fold" aria-expanded={p.open} onClick={p.onOpen}>
            <Icon name="right" />
            <time dateTime={r.created_at}>{dateTime(Date.parse(r.created_at))}</time>
          </button>
        </td>
        <td>{p.host && <a href={href('host', { host: p.host })}>{p.host}</a>}</td>
        <td>
          <Badge word={KINDS[kindOfClass(r.predicted_class)]} quiet />
        </td>
        <td class="grow">{sentence(r)}</td>
        {p.admin && (
          <td class="num">
            <button type="button" class="ghost" aria-label="Delete this result" title="Delete" onClick={p.onDelete}>
              <Icon name="trash" />
            </button>
          </td>
        )}
      </tr>
      {p.open && (
        <tr class="opened">
          <td colSpan={p.admin ? 5 : 4}>
            <div class="halves">
              <div>
                <h3>Measured</h3>
                <pre>{JSON.stringify(r.data, null, 2)}</pre>
              </div>
              <div>
                <h3>Result</h3>
                <pre>{JSON.stringify(r.result, null, 2)}</pre>
              </div>
            </div>
          </td>
        </tr>
      )}
    </>
  );
}

export function ResultTable({ rows, onDeleted }: { rows: readonly Result[]; onDeleted: () => void }) {
  const admin = isAdmin(useCell(session));
  const all = useCell(hosts);
  const [open, setOpen] = useState<string | null>(null);
  const [doomed, setDoomed] = useState<Result | null>(null);
  const nameOf = (r: Result): string => r.host ?? all?.find(h => h.id === r.server_id)?.name ?? r.server_id ?? '';

  const remove = async (r: Result): Promise<void> => {
    try {
      await api.deleteResult(r.id);
      toast('Result deleted.');
      onDeleted();
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), true);
    }
  };

  return (
    <div class="card list">
      <table class="results">
        <thead>
          <tr>
            <th>Time</th>
            <th>Host</th>
            <th>Recommendation</th>
            <th>Summary</th>
            {admin && <th class="num">Delete</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(r => (
            <Row
              key={r.id}
              r={r}
              host={nameOf(r)}
              open={open === r.id}
              admin={admin}
              onOpen={() => setOpen(open === r.id ? null : r.id)}
              onDelete={() => setDoomed(r)}
            />
          ))}
        </tbody>
      </table>
      {doomed && (
        <Confirm
          title="Delete this result?"
          text={`The analysis of ${nameOf(doomed)} at ${dateTime(Date.parse(doomed.created_at))} will be gone for good. Its samples stay.`}
          act="Delete"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </div>
  );
}
