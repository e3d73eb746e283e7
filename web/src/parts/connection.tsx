// Tells how fresh the data is: the age of the newest sample, not whether a socket is open.

import * as live from '../live';
import type { Connection } from '../store';
import { connection, newestSampleMs, now, paused, serverTime, useCell } from '../store';
import { age, clock, duration } from '../units';
import { Icon } from './icon';

const LATE_S = 20;

interface Said {
  tone: string;
  icon: string;
  text: string;
}

export function freshness(c: Connection, ageS: number | null, isPaused: boolean, nowMs: number): Said {
  if (c.state === 'offline') {
    const wait = Math.max(0, (c.retryAtMs - nowMs) / 1000);
    return { tone: 'bad', icon: 'offline', text: `offline since ${clock(c.sinceMs, false)}, retry in ${duration(wait)}` };
  }
  if (isPaused) return { tone: 'quiet', icon: 'paused', text: 'paused' };
  if (c.state === 'connecting') return { tone: 'quiet', icon: 'checking', text: 'connecting' };
  if (ageS === null) return { tone: 'quiet', icon: 'silent', text: 'no samples yet' };
  if (ageS > LATE_S) return { tone: 'warn', icon: 'attention', text: `newest sample ${duration(ageS)} ago` };
  return { tone: 'good', icon: 'healthy', text: `live ${age(ageS)}` };
}

export function ConnectionBadge() {
  const c = useCell(connection);
  const newest = useCell(newestSampleMs);
  const t = useCell(now);
  const isPaused = useCell(paused);
  const ageS = newest > 0 ? Math.max(0, (serverTime.nowMs() - newest) / 1000) : null;
  const said = freshness(c, ageS, isPaused, t);
  return (
    <button
      type="button"
      class={`connection ${said.tone}`}
      title={isPaused ? 'Go on drawing (p)' : 'Pause drawing (p)'}
      onClick={() => (c.state === 'offline' ? live.retryNow() : paused.set(!isPaused))}
    >
      <Icon name={said.icon} />
      <span>{said.text}</span>
    </button>
  );
}
