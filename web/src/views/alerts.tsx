// Alerts: what fires, what fired, what is quiet, and who is told by which rule.

import { activeAlerts } from '../alerts_feed';
import { TABS, firing, tabOf } from '../model/alerts';
import { ActiveAlerts } from '../parts/alerts/active';
import { Channels } from '../parts/alerts/channels';
import { AlertHistory } from '../parts/alerts/history';
import { AlertRoutes } from '../parts/alerts/routes';
import { AlertRules } from '../parts/alerts/rules';
import { Silences } from '../parts/alerts/silences';
import { href, route } from '../router';
import { useCell } from '../store';

const VIEWS = {
  active: ActiveAlerts,
  history: AlertHistory,
  silences: Silences,
  rules: AlertRules,
  channels: Channels,
  routes: AlertRoutes,
};

export function AlertsView() {
  const p = useCell(route)?.params ?? {};
  const all = useCell(activeAlerts);
  const tab = tabOf(p);
  const View = VIEWS[tab];
  return (
    <>
      <div class="title">
        <h1>Alerts</h1>
        {all && (
          <span class="sub">
            {firing(all).length} firing, {all.length - firing(all).length} pending
          </span>
        )}
      </div>
      <div class="subnav" role="navigation" aria-label="Alerts">
        {TABS.map(t => (
          <a
            key={t.id}
            href={href('alerts', { tab: t.id === 'active' ? undefined : t.id, host: p['host'] })}
            aria-current={t.id === tab ? 'page' : undefined}
          >
            {t.text}
          </a>
        ))}
      </div>
      <View />
    </>
  );
}
