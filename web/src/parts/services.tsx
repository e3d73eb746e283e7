// Services of a host: how each is, why, and what each of its checks found.

import { ApiError } from '../api';
import * as hostApi from '../api_host';
import { href, route, setParams } from '../router';
import type { Host } from '../shapes';
import type { Health, Service, ServiceCheck } from '../shapes_host';
import { useCell } from '../store';
import { seconds, when } from '../units';
import { HEALTH } from '../words';
import { Badge } from './badge';
import { Empty, Failed, Loading } from './faces';
import { useReading } from '../reading';

const EVERY_MS = 5000;
const ORDER: readonly Health[] = ['down', 'degraded', 'unknown', 'healthy'];

const verdictOf = (c: ServiceCheck): Health => (c.ok === null ? 'unknown' : c.ok ? 'healthy' : 'down');

function Check({ c }: { c: ServiceCheck }) {
  const word = c.ok === null ? { ...HEALTH.unknown, text: 'does not count' } : { ...HEALTH[verdictOf(c)], text: c.ok ? 'answers' : 'fails' };
  return (
    <li data-check={c.name}>
      <Badge word={word} quiet />
      <span class="mono">{c.target}</span>
      {c.seconds !== null && <span class="sub">{seconds(c.seconds)}</span>}
      {c.reason && <span>{c.reason}</span>}
    </li>
  );
}

function Card({ s }: { s: Service }) {
  const where = [s.state.replace('_', ' '), s.unit, s.source && s.source !== s.unit ? `by ${s.source}` : null].filter(Boolean);
  return (
    <li class="card service" data-service={s.name} data-health={s.health}>
      <header>
        <h3>{s.name}</h3>
        <Badge word={HEALTH[s.health]} />
        <span class="spring" />
        {s.since_ms !== null && s.since_ms > 0 && <span class="sub">since {when(s.since_ms, Date.now())}</span>}
      </header>
      {s.reason && <p>{s.reason}</p>}
      <p class="sub">{where.join(' · ')}</p>
      {s.checks.length > 0 && (
        <ul class="checks">
          {s.checks.map(c => (
            <Check key={c.name + c.target} c={c} />
          ))}
        </ul>
      )}
    </li>
  );
}

export function Services({ host }: { host: Host }) {
  const params = useCell(route)?.params ?? {};
  const answer = useReading(stop => hostApi.services(host.id, stop), 'services ' + host.id, { everyMs: EVERY_MS });
  const none = answer.failed instanceof ApiError && answer.failed.status === 404;
  if (none || answer.value?.services.length === 0)
    return (
      <Empty>
        No service is watched on {host.name} yet. Name some under <a href={href('host', { host: host.name, tab: 'agent' })}>Agent</a>.
      </Empty>
    );
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading services" />;
  const all = [...answer.value.services].sort(
    (a, b) => ORDER.indexOf(a.health) - ORDER.indexOf(b.health) || a.name.localeCompare(b.name),
  );
  const chosen = params['health'];
  return (
    <>
      <div class="chips" role="group" aria-label="Filter by state">
        {ORDER.map(h => {
          const n = all.filter(s => s.health === h).length;
          return (
            <button
              type="button"
              key={h}
              class={n > 0 ? HEALTH[h].tone : 'quiet'}
              aria-pressed={chosen === h}
              disabled={n === 0}
              onClick={() => setParams({ health: chosen === h ? undefined : h })}
            >
              <Badge word={HEALTH[h]} quiet /> {n}
            </button>
          );
        })}
      </div>
      <ul class="services">
        {all
          .filter(s => !chosen || s.health === chosen)
          .map(s => (
            <Card key={s.name} s={s} />
          ))}
      </ul>
    </>
  );
}
