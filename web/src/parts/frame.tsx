// What is around every page: the pages at the left (below on small screens), the bar on top, and
// the dialogs and messages that belong to no page.

import type { ComponentChildren } from 'preact';
import * as api from '../api';
import { KEYS, helpOpen } from '../keys';
import { parseRange } from '../model/range';
import type { Page } from '../router';
import { go, href, route } from '../router';
import { hosts, session, theme, toast, useCell } from '../store';
import { nextTheme } from '../theme';
import { AlertBadge } from './alerts/alert_count';
import { ConnectionBadge } from './connection';
import { Dialog } from './dialog';
import { Icon } from './icon';
import { RangePicker } from './range';
import { Toasts } from './toast';

/** more: on small screens it is behind "More", so that five fit. */
const PAGES: readonly { page: Page; text: string; also?: Page; more?: true }[] = [
  { page: 'fleet', text: 'Fleet', also: 'host' },
  { page: 'advice', text: 'Advice' },
  { page: 'results', text: 'Results' },
  { page: 'explore', text: 'Explore', more: true },
  { page: 'alerts', text: 'Alerts' },
  { page: 'data', text: 'Data', more: true },
  { page: 'settings', text: 'Settings', more: true },
];
const WITH_RANGE: readonly Page[] = ['host', 'explore'];
const THEME_ICONS = { system: 'system', light: 'sun', dark: 'moon' };

function PageLink({ of: p, page }: { of: (typeof PAGES)[number]; page: Page | undefined }) {
  return (
    <a href={href(p.page)} aria-current={page === p.page || page === p.also ? 'page' : undefined} title={p.text}>
      <Icon name={p.page} size={18} />
      <span>{p.text}</span>
      {p.page === 'alerts' && <AlertBadge />}
    </a>
  );
}

function Nav({ page }: { page: Page | undefined }) {
  return (
    <nav aria-label="Pages">
      <a class="brand" href={href('fleet')} aria-label="Galen, fleet">
        <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="ground" />
          <path d="M5 17h6l3-8 5 15 3-7h5" class="pulse" />
        </svg>
        <span>Galen</span>
      </a>
      <ul>
        {PAGES.map(p => (
          <li key={p.page} class={p.more && 'beyond'}>
            <PageLink of={p} page={page} />
          </li>
        ))}
        <li class="more">
          <details key={page}>
            <summary data-current={PAGES.some(p => p.more && p.page === page)}>
              <Icon name="more" size={18} />
              <span>More</span>
            </summary>
            <ul>
              {PAGES.filter(p => p.more).map(p => (
                <li key={p.page}>
                  <PageLink of={p} page={page} />
                </li>
              ))}
            </ul>
          </details>
        </li>
      </ul>
    </nav>
  );
}

function HostPicker() {
  const all = useCell(hosts) ?? [];
  const r = useCell(route);
  const chosen = r?.page === 'host' ? (r.params['host'] ?? '') : '';
  return (
    <label class="picker host">
      <span class="sr">Host</span>
      <select
        value={chosen}
        onChange={e => go('host', { ...(r?.page === 'host' ? r.params : {}), host: e.currentTarget.value })}
      >
        {!chosen && <option value="">Choose a host</option>}
        {all.map(h => (
          <option key={h.id} value={h.name}>
            {h.name}
          </option>
        ))}
      </select>
    </label>
  );
}

export async function signOut(): Promise<void> {
  try {
    await api.logout();
  } catch (e) {
    toast(e instanceof Error ? e.message : String(e), true);
    return;
  }
  session.set(null);
}

function TopBar({ page, params }: { page: Page | undefined; params: Record<string, string> }) {
  const who = useCell(session);
  const chosen = useCell(theme);
  return (
    <header class="top">
      <HostPicker />
      <span class="spring" />
      <ConnectionBadge />
      {page && WITH_RANGE.includes(page) && <RangePicker range={parseRange(params)} />}
      <button
        type="button"
        class="ghost"
        aria-label={`Theme: ${chosen}. Switch`}
        title={`Theme: ${chosen} (t)`}
        onClick={nextTheme}
      >
        <Icon name={THEME_ICONS[chosen]} />
      </button>
      <a class="who" href={href('settings')} title={`Signed in as ${who?.user} (${who?.role})`}>
        <Icon name="user" /> <span>{who?.user}</span>
      </a>
    </header>
  );
}

function Help() {
  return (
    <Dialog title="Keys" onClose={() => helpOpen.set(false)}>
      <dl class="keys">
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export function Frame({ children }: { children: ComponentChildren }) {
  const r = useCell(route);
  const help = useCell(helpOpen);
  return (
    <div class="frame">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <Nav page={r?.page} />
      <TopBar page={r?.page} params={r?.params ?? {}} />
      <main id="page">{children}</main>
      {help && <Help />}
      <Toasts />
    </div>
  );
}
