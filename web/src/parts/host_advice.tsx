// The advice of one host: cards of what to change with their buttons, what is being checked, what
// is held back, and the small print; or the reasoned "no change".

import * as adviceApi from '../api_advice';
import type { Scene } from '../feeds';
import { inShort } from '../model/advice';
import type { Mark } from '../model/parameters';
import { href } from '../router';
import type { Analysis, HeldBack, Host } from '../shapes';
import type { Kept } from '../shapes_advice';
import { now, serverTime, useCell } from '../store';
import { when } from '../units';
import { FINDINGS } from '../words';
import { AdviceCard } from './advice_card';
import { Badge } from './badge';
import { FindingActs } from './finding_acts';
import { useReading } from '../reading';
import { Checked, Closest, NoChangeCard, Probabilities } from './verdict_card';

const EVERY_MS = 10_000;

function Waiting({ host }: { host: Host }) {
  return (
    <article class="card verdict" data-verdict="waiting">
      <div class="main">
        <h2>{host.analysis ? 'First look under way' : 'Analysis is off'}</h2>
        <p class="sentence">
          {host.analysis
            ? 'It comes within a minute of the first sample, and says what it could not see yet.'
            : 'Nothing is advised for this host until analysis is started.'}
        </p>
      </div>
    </article>
  );
}

/** Findings whose parameter was changed: the check goes on by itself. */
function Following({ host, kept }: { host: Host; kept: readonly Kept[] }) {
  if (kept.length === 0) return null;
  return (
    <ul class="card calm" aria-label="Being checked">
      {kept.map(k => (
        <li key={k.id} data-following={k.finding?.rule}>
          <Badge word={FINDINGS[k.state]} quiet />{' '}
          <a href={href('advice', { host: host.name, state: k.state, open: String(k.id) })}>{inShort(k)}</a>
          <span class="sub">: we check whether it helped, at comparable load</span>
        </li>
      ))}
    </ul>
  );
}

function Held({ held }: { held: readonly HeldBack[] }) {
  if (held.length === 0) return null;
  return (
    <ul class="card calm" aria-label="Held back">
      {held.map(h => (
        <li key={h.rule + (h.parameter ?? '')} data-held={h.rule}>
          <strong>Held back: {h.title}</strong>
          {h.parameter && <span class="mono"> ({h.parameter})</span>}: {h.why}
          <span class="sub">{h.until_ms === null ? ', until somebody lets it speak again' : `, until ${when(h.until_ms, Date.now())}`}</span>
        </li>
      ))}
    </ul>
  );
}

interface Props {
  host: Host;
  scene: Scene;
  marks: readonly Mark[];
}

function Cards({ a, host, scene, marks }: Props & { a: Analysis }) {
  const acts = a.findings.filter(f => f.class !== 'none');
  const calm = a.findings.filter(f => f.class === 'none');
  const kept = useReading(
    async stop => (await adviceApi.findings({ host: host.id }, undefined, stop)).findings,
    `findings ${host.id}`,
    { everyMs: EVERY_MS },
  );
  const found = kept.value ?? [];
  return (
    <>
      {acts.map(f => {
        const mine = found.find(k => k.id === f.id && k.finding?.rule === f.rule);
        return (
          <AdviceCard
            key={f.rule + (f.parameter ?? f.subject ?? '')}
            finding={f}
            scene={scene}
            marks={marks}
            acts={mine && <FindingActs kept={mine} onDone={kept.again} />}
          />
        );
      })}
      {acts.length === 0 && <NoChangeCard a={a} nowMs={serverTime.nowMs()} />}
      <Following host={host} kept={found.filter(k => k.state === 'applied' && !acts.some(f => f.id === k.id))} />
      {calm.length > 0 && (
        <ul class="card calm">
          {calm.map(f => (
            <li key={f.rule}>
              <strong>{f.title}.</strong> {f.sentence}
            </li>
          ))}
        </ul>
      )}
      <Held held={a.held_back ?? []} />
      {acts.length > 0 && (
        <article class="card verdict small">
          <Checked a={a} />
          <Closest a={a} />
          <Probabilities a={a} />
        </article>
      )}
    </>
  );
}

export function HostAdvice(p: Props) {
  useCell(now);
  return p.host.advice ? <Cards {...p} a={p.host.advice} /> : <Waiting host={p.host} />;
}
