// The processes that use most of a host, now or at a moment of the past: of each minute of the last
// seven days there is a snapshot. A click on the chart chooses the moment.

import { useState } from 'preact/hooks';
import * as hostApi from '../api_host';
import { ApiError } from '../api';
import type { Scene } from '../feeds';
import { CPU_CHART } from '../model/charts';
import type { Mark } from '../model/parameters';
import { ORDERS, causeWord, census, fromInput, momentOf, orderOf, ranked, stateWord, toInput } from '../model/processes';
import { route, setParams } from '../router';
import type { Host } from '../shapes';
import type { Process } from '../shapes_host';
import { isOperator, serverTime, session, toast, useCell } from '../store';
import { MISSING, bytes, dateTime, duration, format, number, percent, when } from '../units';
import { ChartCard } from './chart_card';
import { Empty, Failed, Loading } from './faces';
import { useReading } from '../reading';

const NOW_EVERY_MS = 10_000;
const ASKED_AFTER_MS = 1500;
const MINUTE_MS = 60_000;

const or = (v: number | null, text: (v: number) => string): string => (v === null ? MISSING : text(v));

function Row({ p, atMs }: { p: Process; atMs: number }) {
  return (
    <tr data-row={p.pid}>
      <td class="process">
        <strong>{p.name}</strong> <span class="sub">{[p.pid, p.user, stateWord(p.state)].filter(Boolean).join(' · ')}</span>
        {p.command && <span class="command mono">{p.command}</span>}
      </td>
      <td data-label="CPU" class="num">{or(p.cpu, v => percent(v * 100))}</td>
      <td data-label="Memory" class="num">{or(p.resident_bytes, bytes)}</td>
      <td data-label="Read" class="num">{format('bytes/s', p.read_bytes_per_s)}</td>
      <td data-label="Written" class="num">{format('bytes/s', p.write_bytes_per_s)}</td>
      <td data-label="Descriptors" class="num" title={p.descriptors_limit === null ? undefined : `Limit ${number(p.descriptors_limit)}`}>
        {or(p.descriptors, number)}
        {p.descriptors !== null && p.descriptors_limit !== null && <span class="sub"> of {number(p.descriptors_limit)}</span>}
      </td>
      <td data-label="Runs for" class="num">{or(p.started_ms, v => duration((atMs - v) / 1000))}</td>
    </tr>
  );
}

function Moment({ atMs, shownMs }: { atMs: number | undefined; shownMs: number | undefined }) {
  const to = (ms: number | undefined): void => setParams({ at: ms === undefined ? undefined : String(Math.round(ms)) });
  const from = atMs ?? shownMs ?? serverTime.nowMs();
  return (
    <div class="moment">
      <div class="segments" role="group" aria-label="Moment">
        <label>
          <input type="radio" name="moment" checked={atMs === undefined} onChange={() => to(undefined)} />
          <span>Now</span>
        </label>
        <label>
          <input type="radio" name="moment" checked={atMs !== undefined} onChange={() => to(from)} />
          <span>At</span>
        </label>
      </div>
      <input
        type="datetime-local"
        step="1"
        aria-label="Moment of the snapshot"
        value={toInput(from)}
        onChange={e => to(fromInput(e.currentTarget.value))}
      />
      <button type="button" onClick={() => to(from - MINUTE_MS)}>
        1 min earlier
      </button>
      <button type="button" disabled={atMs === undefined} onClick={() => to(from + MINUTE_MS)}>
        1 min later
      </button>
    </div>
  );
}

function AskNow({ host, again }: { host: Host; again: () => void }) {
  const [busy, setBusy] = useState(false);
  if (!isOperator(useCell(session))) return null;
  const ask = async (): Promise<void> => {
    setBusy(true);
    try {
      await hostApi.askProcesses(host.id);
      setTimeout(() => (again(), setBusy(false)), ASKED_AFTER_MS);
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), true);
      setBusy(false);
    }
  };
  return (
    <button type="button" disabled={busy} onClick={() => void ask()}>
      Take one now
    </button>
  );
}

export function Processes({ host, scene, marks }: { host: Host; scene: Scene; marks: readonly Mark[] }) {
  const params = useCell(route)?.params ?? {};
  const by = orderOf(params['by']);
  const atMs = momentOf(params['at']);
  const answer = useReading(
    stop => hostApi.processes(host.id, atMs, stop),
    `processes ${host.id} ${atMs ?? 'now'}`,
    { everyMs: atMs === undefined ? NOW_EVERY_MS : 0 },
  );
  const s = answer.value;
  const none = answer.failed instanceof ApiError && answer.failed.status === 404;
  return (
    <>
      <div class="toolbar">
        <div class="segments" role="group" aria-label="Largest by">
          {ORDERS.map(o => (
            <label key={o.id}>
              <input type="radio" name="order" checked={o.id === by} onChange={() => setParams({ by: o.id })} />
              <span>{o.text}</span>
            </label>
          ))}
        </div>
        <Moment atMs={atMs} shownMs={s?.at_ms} />
        <span class="spring" />
        {atMs === undefined && <AskNow host={host} again={answer.again} />}
      </div>
      <ChartCard chart={CPU_CHART} scene={scene} marks={marks} onPick={tS => setParams({ at: String(Math.round(tS * 1000)) })} />
      {none && (
        <Empty>
          {atMs === undefined
            ? 'No snapshot yet: the agent sends one each minute.'
            : `No snapshot from ${when(atMs, Date.now())} or before. They are kept for 7 days.`}
        </Empty>
      )}
      {answer.failed && !none && <Failed err={answer.failed} retry={answer.again} />}
      {!s && !answer.failed && <Loading what="Reading processes" />}
      {s && (
        <>
          <p class="sub" data-snapshot={s.at_ms}>
            <strong>{dateTime(s.at_ms)}</strong>, {causeWord(s.cause)} · {census(s)}
          </p>
          <div class="card list">
            <table class="processes">
              <thead>
                <tr>
                  <th>Process</th>
                  <th class="num" title="Of one processor">CPU</th>
                  <th class="num">Memory</th>
                  <th class="num">Read</th>
                  <th class="num">Written</th>
                  <th class="num">Descriptors</th>
                  <th class="num">Runs for</th>
                </tr>
              </thead>
              <tbody>
                {ranked(s, by).map(p => (
                  <Row key={p.pid} p={p} atMs={s.at_ms} />
                ))}
              </tbody>
            </table>
            {ranked(s, by).length === 0 && (
              <Empty>No process is in this order yet: a rate needs two looks, and other users' processes need the right to see them.</Empty>
            )}
          </div>
        </>
      )}
    </>
  );
}
