// Settings, as far as they go today: the next host, how this browser shows things, signing out.

import { singleKeys } from '../keys';
import { About } from '../parts/about';
import { signOut } from '../parts/frame';
import { JoinHost } from '../parts/join';
import type { Theme } from '../store';
import { session, theme, useCell } from '../store';
import { THEMES } from '../theme';
import { zone } from '../units';

const THEME_WORDS: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' };

export function SettingsView() {
  const who = useCell(session);
  const chosen = useCell(theme);
  const keys = useCell(singleKeys);
  return (
    <>
      <div class="title">
        <h1>Settings</h1>
      </div>
      <div class="settings">
        <section class="card">
          <h2>Next host</h2>
          <p class="note">One line makes another Linux host report here. It appears in the fleet by itself.</p>
          <JoinHost />
        </section>
        <section class="card">
          <h2>This browser</h2>
          <fieldset>
            <legend>Theme</legend>
            <div class="segments">
              {THEMES.map(t => (
                <label key={t}>
                  <input type="radio" name="theme" checked={chosen === t} onChange={() => theme.set(t)} />
                  <span>{THEME_WORDS[t]}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <label class="check">
            <input type="checkbox" checked={keys} onChange={e => singleKeys.set(e.currentTarget.checked)} />
            Single keys act (press ? for the list)
          </label>
          <p class="note">Times are shown in this browser's zone, {zone()}.</p>
        </section>
        <section class="card">
          <h2>About</h2>
          <About />
        </section>
        <section class="card">
          <h2>Account</h2>
          <p>
            Signed in as <strong>{who?.user}</strong>, {who?.role}.
          </p>
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </section>
      </div>
    </>
  );
}
