// Every host as a row, the most urgent first: state, advice in words, and the few figures that
// tell where to look.

import { Fragment } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { fleetFeed } from '../feeds';
import type { Figures, Row } from '../model/fleet';
import { COUNTED, adviceWords, countKinds, filterRows, fleetRows } from '../model/fleet';
import { AlertCount } from '../parts/alerts/alert_count';
import { Badge } from '../parts/badge';
import { Level, Spark } from '../parts/bars';
import { Empty, Loading } from '../parts/faces';
import { Icon } from '../parts/icon';
import { href, route, setParams } from '../router';
import { hosts, now, serverTime, useCell } from '../store';
import { MISSING, age, duration, percent } from '../units';
import { KINDS, STATES } from '../words';
import { FirstRun } from './first_run';

const share = (v: number | undefined): string => (v === undefined ? MISSING : percent(v));

function Meter({ v, label, words }: { v: number | undefined; label: string; words?: string | undefined }) {
  return (
    <span class="meter">
      {v === undefined ? <span class="level none" /> : <Level share={v / 100} label={`${label} ${percent(v)}`} ticks={false} />}
      <span class="num">{share(v)}</span>
      {words !== undefined && <span class="of">{words}</span>}
    </span>
  );
}

/** A parameter's name may break after a dot, and nowhere else. */
const Dotted = ({ text }: { text: string }) => (
  <span>
    {text.split(/(?<=\.)(?=\w)/).map((part, i) => (
      <Fragment key={i}>
        {i > 0 && <wbr />}
        {part}
      </Fragment>
    ))}
  </span>
);

const FIRST_WORD: Record<Row['kind'], boolean> = {
  increase: true,
  decrease: true,
  upgrade: true,
  none: true,
  silent: false,
  new: false,
};

function HostRow({ row }: { row: Row }) {
  const { host } = row;
  const silent = host.state === 'silent';
  return (
    <tr data-row={host.name} class={silent ? 'stale' : ''}>
      <td class="state">
        <Badge word={STATES[host.state]} quiet />
      </td>
      <td class="name">
        <a href={href('host', { host: host.name })}>{host.name}</a>
        <AlertCount host={host.name} />
      </td>
      <td class="words">
        {FIRST_WORD[row.kind] && <Icon name={KINDS[row.kind].icon} label={KINDS[row.kind].text} />}
        <Dotted text={adviceWords(host)} />
      </td>
      <td data-label="CPU">
        <Meter v={row.cpu} label="CPU busy" />
      </td>
      <td data-label="Memory">
        <Meter v={row.memory} label="Memory not available" />
      </td>
      <td data-label="Fullest mount" class="second">
        <Meter v={row.mount?.used} label="Used" words={row.mount?.path} />
      </td>
      <td data-label="Pressure" class="second third">
        <Meter v={row.pressure?.share} label="Waiting" words={row.pressure?.of} />
      </td>
      <td class="second third">{row.spark && <Spark values={row.spark} label="CPU over the last hour" />}</td>
      <td data-label="Last seen" class="num second">
        {silent ? duration(row.silentS) : age(row.silentS)}
      </td>
    </tr>
  );
}

function Counts({ rows, chosen }: { rows: readonly Row[]; chosen: string | undefined }) {
  const n = countKinds(rows);
  return (
    <div class="counts" role="group" aria-label="Filter by recommendation">
      {COUNTED.map(k => (
        <button
          type="button"
          key={k}
          class={`count ${n[k] > 0 ? KINDS[k].tone : 'quiet'}`}
          aria-pressed={chosen === k}
          onClick={() => setParams({ show: chosen === k ? undefined : k })}
        >
          <strong>{n[k]}</strong>
          <span>
            <Icon name={KINDS[k].icon} /> {KINDS[k].text}
          </span>
        </button>
      ))}
    </div>
  );
}

export function FleetView() {
  const all = useCell(hosts);
  const r = useCell(route);
  useCell(now);
  const [known, setKnown] = useState<Map<string, Figures>>(new Map());
  useEffect(() => fleetFeed(setKnown), []);
  const nowMs = serverTime.nowMs();
  const rows = useMemo(() => fleetRows(all ?? [], known, nowMs), [all, known, nowMs]);
  const { show, q } = r?.params ?? {};
  const shown = filterRows(rows, show, q ?? '');

  if (!all) return <Loading what="Reading the hosts" />;
  return (
    <>
      <div class="title">
        <h1>Fleet</h1>
        <span class="sub">
          {all.length} {all.length === 1 ? 'host' : 'hosts'}
        </span>
        <span class="spring" />
        <label class="search">
          <Icon name="search" />
          <span class="sr">Search hosts</span>
          <input
            type="search"
            data-search
            placeholder="Search hosts"
            value={q ?? ''}
            onInput={e => setParams({ q: e.currentTarget.value }, true)}
          />
        </label>
      </div>
      {all.length <= 1 && <FirstRun host={all[0]} />}
      {all.length > 0 && <Counts rows={rows} chosen={show} />}
      {all.length > 0 && (
        <div class="card list">
          <table class="fleet">
            <thead>
              <tr>
                <th class="w-state">State</th>
                <th class="w-host">Host</th>
                <th>Advice</th>
                <th class="w-meter">CPU</th>
                <th class="w-meter" title="Share of memory that is not available: what file cache gives back does not count">
                  Memory in use
                </th>
                <th class="w-mount second">Fullest mount</th>
                <th class="w-pressure second third" title="The largest share of time that something waited">
                  Worst pressure
                </th>
                <th class="w-spark second third">CPU, last hour</th>
                <th class="w-seen num second">Last seen</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(row => (
                <HostRow key={row.host.id} row={row} />
              ))}
            </tbody>
          </table>
          {shown.length === 0 && (
            <Empty>
              No host matches {show && `"${KINDS[show as Row['kind']]?.text ?? show}"`}
              {show && q && ' and '}
              {q && `"${q}"`}.{' '}
              <button type="button" onClick={() => setParams({ show: undefined, q: undefined })}>
                Drop the filter
              </button>
            </Empty>
          )}
        </div>
      )}
    </>
  );
}
