// Kernel parameters of a host: name, now, since, advice; a row opens its time line.

import { Fragment } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import * as api from '../api';
import type { Scene } from '../feeds';
import { SYSCTLS, fill, parameterChart } from '../model/charts';
import type { Mark, Parameter } from '../model/parameters';
import { matching, parameterRows } from '../model/parameters';
import { rangeText } from '../model/range';
import { href, route, setParams } from '../router';
import type { Host, Instant } from '../shapes';
import { catchUp, useCell } from '../store';
import { MISSING, plain, when } from '../units';
import { ChartCard } from './chart_card';
import { Empty, Failed, Loading } from './faces';
import { Icon } from './icon';

interface Props {
  host: Host;
  scene: Scene;
  marks: readonly Mark[];
}

function TimeLine({ row, scene, marks }: { row: Parameter; scene: Scene; marks: readonly Mark[] }) {
  return (
    <tr class="opened">
      <td colSpan={4}>
        <ChartCard plain chart={parameterChart(row.name, row.labels)} scene={scene} marks={marks.filter(m => m.name === row.name)} />
      </td>
    </tr>
  );
}

export function Parameters({ host, scene, marks }: Props) {
  const params = useCell(route)?.params ?? {};
  const missed = useCell(catchUp);
  const [values, setValues] = useState<Instant[] | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    api.query(fill(SYSCTLS, { host: host.name, windowS: 0 }), undefined, stop.signal).then(
      found => (setValues(found), setFailed(null)),
      (e: unknown) => !stop.signal.aborted && setFailed(e instanceof Error ? e : new Error(String(e))),
    );
    return () => stop.abort();
  }, [host.name, attempt, missed, marks]);

  if (failed) return <Failed err={failed} retry={() => setAttempt(n => n + 1)} />;
  if (!values) return <Loading what="Reading kernel parameters" />;
  if (values.length === 0) return <Empty>No kernel parameters have been reported by {host.name} yet.</Empty>;
  const text = params['parameter'] ?? '';
  const opened = params['open'];
  const rows = matching(parameterRows(values, marks, host), text);
  return (
    <>
      <label class="search">
        <Icon name="search" />
        <span class="sr">Search parameters</span>
        <input
          type="search"
          placeholder="Search parameters"
          value={text}
          onInput={e => setParams({ parameter: e.currentTarget.value }, true)}
        />
      </label>
      <div class="card list">
        <table class="parameters">
          <thead>
            <tr>
              <th>Parameter</th>
              <th class="num">Now</th>
              <th>Changed in this range</th>
              <th>Advice</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <Fragment key={row.key}>
                <tr data-row={row.name} data-parameter={row.name}>
                  <td>
                    <a
                      class="mono"
                      aria-expanded={opened === row.name}
                      href={href('host', { ...params, open: opened === row.name ? undefined : row.name })}
                    >
                      <Icon name="right" />
                      {row.name}
                    </a>
                  </td>
                  <td class="num mono">{plain(row.value)}</td>
                  <td>{row.sinceS === null ? <span class="muted">{MISSING}</span> : when(row.sinceS * 1000, Date.now())}</td>
                  <td>{row.advice !== null && <strong>set to {row.advice}</strong>}</td>
                </tr>
                {opened === row.name && <TimeLine row={row} scene={scene} marks={marks} />}
              </Fragment>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && (
          <Empty>
            No parameter matches "{text}".{' '}
            <button type="button" onClick={() => setParams({ parameter: undefined })}>
              Drop the filter
            </button>
          </Empty>
        )}
      </div>
      <p class="note">Changes are looked for in the range shown: {rangeText(scene.range).toLowerCase()}.</p>
    </>
  );
}
