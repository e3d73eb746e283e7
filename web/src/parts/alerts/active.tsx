// Alerts that are not over, the worst first: what, where, since when, who takes care, who is told.

import { useState } from 'preact/hooks';
import { activeAlerts, alertsFailed, rereadAlerts } from '../../alerts_feed';
import * as api from '../../api_alerts';
import { chosenAlerts, matcherText, severityWord } from '../../model/alerts';
import { act } from '../../reading';
import { href, route, setParams } from '../../router';
import type { Alert } from '../../shapes_alerts';
import { isOperator, now, serverTime, session, useCell } from '../../store';
import { age, dateTime, number } from '../../units';
import { Badge } from '../badge';
import { Empty, Failed, Forbidden, Loading } from '../faces';
import { NoteDialog } from './note_dialog';
import { SilenceDialog } from './silence_dialog';

type Asking = { alert: Alert; what: 'acknowledge' | 'resolve' | 'silence' };

/** The agent takes a snapshot when an alert fires; it has come by then. */
const SNAPSHOT_MS = 15_000;
const SILENT_LABELS: readonly string[] = ['severity'];
/** What makes this alert this alert; its level may change. */
const matchersOf = (a: Alert): string[] =>
  Object.entries(a.labels)
    .filter(([name, v]) => v && !SILENT_LABELS.includes(name))
    .map(([name, v]) => matcherText(name, v));

function Filters({ all }: { all: readonly Alert[] }) {
  const p = useCell(route)?.params ?? {};
  const distinct = (values: string[]): string[] => [...new Set(values)].filter(Boolean).sort();
  const choices = [
    { name: 'state', text: 'State', of: ['firing', 'pending'] },
    { name: 'severity', text: 'Severity', of: distinct(['critical', 'warning', 'info', ...all.map(a => a.severity)]) },
    { name: 'host', text: 'Host', of: distinct([...all.map(a => a.host), p['host'] ?? '']) },
  ];
  return (
    <div class="filters" role="search">
      {choices.map(c => (
        <label key={c.name}>
          {c.text}
          <select name={c.name} value={p[c.name] ?? ''} onChange={e => setParams({ [c.name]: e.currentTarget.value })}>
            <option value="">All</option>
            {c.of.map(v => (
              <option key={v} value={v}>
                {v}
              </option>
            ))}
          </select>
        </label>
      ))}
    </div>
  );
}

interface RowProps {
  a: Alert;
  nowMs: number;
  quiet: string;
  operator: boolean;
  ask: (what: Asking['what']) => void;
}

function Row({ a, nowMs, quiet, operator, ask }: RowProps) {
  return (
    <li class="card alert" data-alert={a.name} data-row={a.id} data-state={a.state}>
      <div class="what">
        <Badge word={severityWord(a.severity)} quiet />
        <h2>{a.name}</h2>
        {a.state === 'pending' && <span class="chip">pending</span>}
        {a.acknowledged_by && (
          <span class="chip" title={dateTime(a.acknowledged_ms)}>
            acknowledged by {a.acknowledged_by}
          </span>
        )}
        {quiet && <span class="chip">{quiet}</span>}
        <span class="spring" />
        <span class="note" title={dateTime(a.active_ms)}>
          for {age((nowMs - a.active_ms) / 1000)}
        </span>
      </div>
      <p>{a.annotations['summary'] ?? a.annotations['description'] ?? ''}</p>
      <p class="note">
        {a.host && <a href={href('host', { host: a.host })}>{a.host}</a>} value {a.value === null ? 'NaN' : number(a.value)}
        {a.note && `, note: ${a.note}`}
        {a.host && a.fired_ms > 0 && (
          <>
            {', '}
            <a data-then href={href('host', { host: a.host, tab: 'processes', at: String(a.fired_ms + SNAPSHOT_MS) })}>
              processes at that moment
            </a>
          </>
        )}
      </p>
      {operator && (
        <div class="acts">
          {!a.acknowledged_by && (
            <button type="button" class="small" onClick={() => ask('acknowledge')}>
              Acknowledge
            </button>
          )}
          <button type="button" class="small" onClick={() => ask('silence')}>
            Silence
          </button>
          <button type="button" class="small" onClick={() => ask('resolve')}>
            Resolve
          </button>
        </div>
      )}
    </li>
  );
}

export function ActiveAlerts() {
  const p = useCell(route)?.params ?? {};
  const all = useCell(activeAlerts);
  const failed = useCell(alertsFailed);
  const operator = isOperator(useCell(session));
  useCell(now);
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = (): void => setAsking(null);

  if (!all) return failed ? <Failed err={failed} retry={() => void rereadAlerts()} /> : <Loading what="Reading the alerts" />;
  const nowMs = serverTime.nowMs();
  const shown = chosenAlerts(all, p);
  const quiet = (a: Alert): string => {
    const by = all.find(b => b.id === a.inhibited_by);
    return a.silenced_by ? 'silenced' : a.inhibited_by ? `inhibited by ${by?.name ?? 'another alert'}` : '';
  };
  const run = async (doing: Promise<void>, done: string): Promise<void> => {
    await act(() => doing, done);
    await rereadAlerts();
  };
  return (
    <>
      <Filters all={all} />
      {failed && <Failed err={failed} retry={() => void rereadAlerts()} />}
      {!operator && <Forbidden what="acknowledge, silence or resolve alerts" role="operator" />}
      <ul class="alerts">
        {shown.map(a => (
          <Row key={a.id} a={a} nowMs={nowMs} quiet={quiet(a)} operator={operator} ask={what => setAsking({ alert: a, what })} />
        ))}
      </ul>
      {shown.length === 0 && (
        <Empty>
          {all.length === 0 ? 'Nothing fires. ' : 'No alert matches these filters. '}
          {all.length === 0 ? (
            <a href={href('alerts', { tab: 'rules' })}>What is watched</a>
          ) : (
            <button type="button" onClick={() => setParams({ state: undefined, severity: undefined, host: undefined })}>
              Drop the filters
            </button>
          )}
        </Empty>
      )}
      {asking?.what === 'acknowledge' && (
        <NoteDialog
          title={`Acknowledge ${asking.alert.name}?`}
          text="You take care of it: it is not repeated, its end is told."
          act="Acknowledge"
          onYes={note => void run(api.acknowledge(asking.alert.id, note), 'Acknowledged.')}
          onClose={close}
        />
      )}
      {asking?.what === 'resolve' && (
        <NoteDialog
          title={`Resolve ${asking.alert.name}?`}
          text="It is over, you say: it fires again only after its condition has ended once."
          act="Resolve"
          onYes={note => void run(api.resolve(asking.alert.id, note), 'Resolved.')}
          onClose={close}
        />
      )}
      {asking?.what === 'silence' && <SilenceDialog matchers={matchersOf(asking.alert)} onDone={() => void rereadAlerts()} onClose={close} />}
    </>
  );
}
