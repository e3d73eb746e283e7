// Starts the console: theme, router, session, live data; then shows the page that the address
// names.

import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import './theme.css';
import './host_pages.css';
import { alertsFeed } from './alerts_feed';
import * as api from './api';
import { startKeys } from './keys';
import * as live from './live';
import { Failed, Loading } from './parts/faces';
import { Frame } from './parts/frame';
import { Toasts } from './parts/toast';
import type { Page } from './router';
import { href, route, startRouter } from './router';
import { cell, hosts, now, session, useCell } from './store';
import { startTheme } from './theme';
import { AdviceView } from './views/advice';
import { AlertsView } from './views/alerts';
import { DataView } from './views/data';
import { ExploreView } from './views/explore';
import { FleetView } from './views/fleet';
import { HostView } from './views/host';
import { LoginView } from './views/login';
import { PasswordView } from './views/password';
import { ResultsView } from './views/results';
import { SettingsView } from './views/settings';

const VIEWS: Record<Page, () => preact.JSX.Element> = {
  fleet: FleetView,
  host: HostView,
  advice: AdviceView,
  results: ResultsView,
  explore: ExploreView,
  alerts: AlertsView,
  data: DataView,
  settings: SettingsView,
};

const startFailure = cell<Error | null>(null);

function askWho(): void {
  startFailure.set(null);
  api.session().then(session.set, (e: unknown) => {
    if (e instanceof api.ApiError && e.status === 401) session.set(null);
    else startFailure.set(e instanceof Error ? e : new Error(String(e)));
  });
}

function App() {
  const who = useCell(session);
  const r = useCell(route);
  const failed = useCell(startFailure);
  const signedIn = Boolean(who && !who.must_change_password);
  useEffect(() => {
    if (!signedIn) return;
    live.connect();
    const stopAlerts = alertsFeed();
    return () => {
      stopAlerts();
      live.disconnect();
      hosts.set(undefined);
    };
  }, [signedIn]);

  if (failed) return <Failed err={failed} retry={askWho} />;
  if (who === undefined) return <Loading what="Asking who you are" />;
  if (who === null) return <LoginView />;
  if (who.must_change_password)
    return (
      <>
        <PasswordView />
        <Toasts />
      </>
    );
  const View = r ? VIEWS[r.page] : Nowhere;
  return (
    <Frame>
      <View />
    </Frame>
  );
}

function Nowhere() {
  return (
    <div class="face">
      There is no such page. <a href={href('fleet')}>Go to the fleet</a>
    </div>
  );
}

startTheme();
startRouter();
startKeys();
api.whenSignedOut(() => session.set(null));
setInterval(() => now.set(Date.now()), 1000);
addEventListener('online', live.retryNow);
askWho();
render(<App />, document.getElementById('app')!);
