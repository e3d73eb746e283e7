// How many alerts of a host fire, as a link to them; nothing when none does.

import { activeAlerts } from '../../alerts_feed';
import { firing, severityWord } from '../../model/alerts';
import { href } from '../../router';
import { useCell } from '../../store';
import { Icon } from '../icon';

export function AlertCount({ host }: { host: string }) {
  const mine = firing(useCell(activeAlerts)).filter(a => a.host === host);
  if (mine.length === 0) return null;
  const worst = severityWord(mine.some(a => a.severity === 'critical') ? 'critical' : (mine[0]?.severity ?? ''));
  const words = `${mine.length} ${mine.length === 1 ? 'alert' : 'alerts'}`;
  return (
    <a class={`alert-count ${worst.tone}`} href={href('alerts', { host })} data-alerts={mine.length}>
      <Icon name={worst.icon} /> {words}
    </a>
  );
}

export function AlertBadge() {
  const n = firing(useCell(activeAlerts)).length;
  return n > 0 ? (
    <b class="count-badge" data-firing={n} aria-label={`${n} firing`}>
      {n > 99 ? '99+' : n}
    </b>
  ) : null;
}
