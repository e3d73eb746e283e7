// What a machine is made of, and what of it has changed.

import { ApiError } from '../api';
import * as hostApi from '../api_host';
import type { Grid, Step } from '../model/inventory';
import { blocks, grids, steps } from '../model/inventory';
import type { Host } from '../shapes';
import { MISSING, dateTime } from '../units';
import { Empty, Failed, Loading } from './faces';
import { useReading } from '../reading';

function GridCard({ g }: { g: Grid }) {
  return (
    <section class="card list wide">
      <h2>{g.title}</h2>
      <table>
        <thead>
          <tr>
            {g.columns.map(c => (
              <th key={c}>{c}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {g.rows.map(r => (
            <tr key={r.join()}>
              {r.map((v, i) => (
                <td key={g.columns[i]} data-label={g.columns[i]}>
                  {v || MISSING}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Steps({ all }: { all: readonly Step[] }) {
  if (all.length === 0) return <p class="note">Nothing of it has changed since this host was first seen.</p>;
  return (
    <ol class="steps">
      {all.map(s => (
        <li key={s.version}>
          <h3>{dateTime(s.atMs)}</h3>
          <ul>
            {s.differences.map(d => (
              <li key={d.name}>
                {d.name}: {d.from || 'none'} → <strong>{d.to || 'none'}</strong>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

export function InventoryPart({ host }: { host: Host }) {
  const answer = useReading(stop => hostApi.inventory(host.id, stop), 'inventory ' + host.id);
  if (answer.failed instanceof ApiError && answer.failed.status === 404)
    return <Empty>{host.name} has not told its inventory yet. Its agent does when it connects.</Empty>;
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading the inventory" height={320} />;
  const { facts } = answer.value.inventory;
  return (
    <div class="inventory" data-version={answer.value.version}>
      {blocks(facts).map(b => (
        <section class="card" key={b.title}>
          <h2>{b.title}</h2>
          <dl class="facts">
            {b.rows.map(r => (
              <div key={r.name}>
                <dt>{r.name}</dt>
                <dd>{r.value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      {grids(facts).map(g => (
        <GridCard key={g.title} g={g} />
      ))}
      <section class="card wide">
        <h2>Changes</h2>
        <Steps all={steps(answer.value)} />
      </section>
    </div>
  );
}
