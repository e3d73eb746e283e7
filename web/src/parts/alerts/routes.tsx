// Who is told what: routes in their order, what none takes, and the daily summary.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { hoursText, listed } from '../../model/alerts';
import { withRoute, withSummary, withoutRoute } from '../../model/routes';
import { asError, useReading } from '../../reading';
import type { Routes } from '../../shapes_alerts';
import { isAdmin, session, toast, useCell } from '../../store';
import { Confirm } from '../dialog';
import { Failed, Forbidden, Loading } from '../faces';
import { Icon } from '../icon';
import { usualHours } from './hours_fields';
import { RouteDialog } from './route_dialog';

type Save = (whole: Record<string, unknown>) => Promise<void>; // throws what failed

function SummaryForm({ routes, save }: { routes: Routes; save: Save }) {
  const s = routes.routes.summary;
  const [on, setOn] = useState(s !== null);
  const [at, setAt] = useState(s?.at ?? '08:00');
  const [zone, setZone] = useState(s?.zone ?? usualHours().zone ?? 'UTC');
  const [channels, setChannels] = useState((s?.channels ?? ['*']).join(', '));
  const [failed, setFailed] = useState('');
  return (
    <section class="card" data-part="summary">
      <form
        class="form"
        onSubmit={e => {
          e.preventDefault();
          void save(withSummary(routes.whole, on ? { at, zone, channels: listed(channels) } : null)).then(
            () => setFailed(''),
            e => setFailed(asError(e).message),
          );
        }}
      >
        <h2>Daily summary</h2>
        <label class="check">
          <input type="checkbox" name="summary" checked={on} onChange={e => setOn(e.currentTarget.checked)} />
          Once a day, tell what fires
        </label>
        {on && (
          <div class="filters">
            <label>
              At
              <input type="time" name="at" required value={at} onInput={e => setAt(e.currentTarget.value)} />
            </label>
            <label>
              Zone
              <input name="zone" required value={zone} onInput={e => setZone(e.currentTarget.value)} />
            </label>
            <label>
              Channels (*: all)
              <input name="channels" required value={channels} onInput={e => setChannels(e.currentTarget.value)} />
            </label>
          </div>
        )}
        <p class="error" role="alert">
          {failed}
        </p>
        <div class="acts">
          <button type="submit">Save</button>
        </div>
      </form>
    </section>
  );
}

export function AlertRoutes() {
  const admin = isAdmin(useCell(session));
  const read = useReading(api.routes, 'routes');
  const [editing, setEditing] = useState<number | null>(null); // -1: a new one
  const [doomed, setDoomed] = useState<number | null>(null);
  const r = read.value;
  if (read.failed) return <Failed err={read.failed} retry={read.again} />;
  if (!r) return <Loading what="Reading the routes" />;
  const list = r.routes.routes ?? [];
  const save: Save = async whole => {
    await api.saveRoutes(r, whole);
    toast('Routes saved.');
    read.again();
  };
  const remove = (i: number): Promise<void> => save(withoutRoute(r.whole, i)).catch(e => toast(asError(e).message, true));
  return (
    <>
      {!admin && <Forbidden what="change routes" role="admin" />}
      <section class="card form" data-part="routes">
        <h2>Routes</h2>
        <p class="muted">The first route that fits takes an alert{r.default && '. These are the ones that Galen begins with'}.</p>
        <ol class="rows">
          {list.map((one, i) => (
            <li key={i} data-route={one.name ?? ''}>
              <span class="grow-1">
                <strong>{one.name ?? `Route ${i + 1}`}</strong>{' '}
                <span class="mono">{one.matchers?.length ? one.matchers.join(', ') : 'every alert'}</span> to{' '}
                {(one.channels ?? ['*']).join(', ').replace('*', 'all channels')}
                <span class="note">
                  {one.hours && ` ${hoursText(one.hours)}`}
                  {one.continue && ' later routes too'}
                </span>
              </span>
              {admin && (
                <>
                  <button type="button" class="small" onClick={() => setEditing(i)}>
                    Edit
                  </button>
                  <button type="button" class="ghost" title="Delete" aria-label={`Delete the route ${one.name ?? i + 1}`} onClick={() => setDoomed(i)}>
                    <Icon name="trash" />
                  </button>
                </>
              )}
            </li>
          ))}
          <li>
            <span class="grow-1">
              <strong>Everything else</strong> to {(r.routes.channels ?? ['*']).join(', ').replace('*', 'all channels')}
            </span>
          </li>
        </ol>
        {admin && (
          <div class="acts">
            <button type="button" onClick={() => setEditing(-1)}>
              Add a route
            </button>
          </div>
        )}
      </section>
      {admin && <SummaryForm key={r.version} routes={r} save={save} />}
      {editing !== null && (
        <RouteDialog
          route={list[editing] ?? null}
          onSave={form => save(withRoute(r.whole, editing, form))}
          onClose={() => setEditing(null)}
        />
      )}
      {doomed !== null && (
        <Confirm
          title={`Delete the route ${list[doomed]?.name ?? ''}?`}
          text="Its alerts go to the next route that fits, or to the channels of everything else."
          act="Delete"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}
