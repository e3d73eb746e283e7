// The first ten minutes: four steps that tick themselves. Shown while there is at most one host,
// until someone hides it.

import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { ChartCard } from '../parts/chart_card';
import { Icon } from '../parts/icon';
import { JoinHost } from '../parts/join';
import { CPU_CHART } from '../model/charts';
import { adviceWords } from '../model/fleet';
import { href } from '../router';
import type { Host } from '../shapes';
import { now, remember, remembered, serverTime, useCell } from '../store';
import { duration } from '../units';

const FIRST_LOOK_S = 60;
const RANGE = { kind: 'last', seconds: 300 } as const;

function Step(p: { done: boolean; title: string; children?: ComponentChildren }) {
  return (
    <li class={p.done ? 'done' : ''}>
      <Icon name={p.done ? 'helped' : 'checking'} label={p.done ? 'Done' : 'To come'} />
      <div>
        <h3>{p.title}</h3>
        {p.children}
      </div>
    </li>
  );
}

function FirstLook({ host }: { host: Host }) {
  useCell(now);
  if (host.advice)
    return (
      <p>
        {adviceWords(host)}. <a href={href('host', { host: host.name })}>Read why</a>
      </p>
    );
  const left = FIRST_LOOK_S - (serverTime.nowMs() - host.first_seen_ms) / 1000;
  return <p>{left > 0 ? `Comes within ${duration(left)}.` : 'Any moment now.'}</p>;
}

export function FirstRun({ host }: { host: Host | undefined }) {
  const [hidden, setHidden] = useState(remembered('first-run') === 'hidden');
  if (hidden && host) return null;
  const hide = (): void => {
    remember('first-run', 'hidden');
    setHidden(true);
  };
  return (
    <section class="card first-run" aria-label="First steps">
      <header>
        <h2>First steps</h2>
        {host && (
          <button type="button" class="ghost" aria-label="Hide the first steps" title="Hide" onClick={hide}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <ol>
        <Step done title="Password chosen" />
        <Step done={Boolean(host)} title={host ? `${host.name} is reporting` : 'This host reports'}>
          {host && <ChartCard plain chart={CPU_CHART} scene={{ host: host.name, range: RANGE, intervalS: 5 }} />}
          {!host && <p>No host yet. Paste the line of the last step on one.</p>}
        </Step>
        <Step done={Boolean(host?.advice)} title="First look">
          {host && <FirstLook host={host} />}
        </Step>
        <Step done={false} title="Next host">
          <p>It appears here when it reports.</p>
          <JoinHost />
        </Step>
      </ol>
    </section>
  );
}
