// Light, dark or as the system has it; remembered by this browser.

import { readPalette } from './chart';
import type { Theme } from './store';
import { colours, remember, remembered, theme } from './store';

export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const systemDark = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const chosen = theme.get();
  const dark = chosen === 'dark' || (chosen === 'system' && systemDark.matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  readPalette();
  colours.update(n => n + 1);
}

export function startTheme(): void {
  const kept = THEMES.find(t => t === remembered('theme'));
  if (kept) theme.set(kept);
  apply();
  systemDark.addEventListener('change', apply);
  theme.on(t => {
    remember('theme', t);
    apply();
  });
}

export const nextTheme = (): void => theme.update(t => THEMES[(THEMES.indexOf(t) + 1) % THEMES.length] ?? 'system');
