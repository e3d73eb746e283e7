// The form of an agent's settings: what is typed is text until it is saved.

import type { Preset, Settings } from '../shapes_host';

export const NUMBERS = ['collect_s', 'send_s', 'display_s', 'processes_top'] as const;
export type NumberField = (typeof NUMBERS)[number];
export const LISTS = ['collectors_off', 'services_off', 'services'] as const;
export type ListField = (typeof LISTS)[number];

export type Draft = Record<NumberField, string> & Record<ListField, string[]>;
export type Faults = Readonly<Record<string, string>>;

export const draftOf = (s: Settings): Draft => ({
  collect_s: String(s.collect_s),
  send_s: String(s.send_s),
  display_s: String(s.display_s),
  processes_top: String(s.processes_top),
  collectors_off: [...s.collectors_off].sort(),
  services_off: [...s.services_off].sort(),
  services: [...s.services].sort(),
});

export const same = (a: Draft, b: Draft): boolean => JSON.stringify(a) === JSON.stringify(b);

const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text.trim().replace(',', '.')));

/** The preset whose numbers these are; its lists are everyone's own. */
export const presetOf = (d: Draft, presets: readonly Preset[]): string | null =>
  presets.find(p => NUMBERS.every(f => numberOf(d[f]) === p.settings[f]))?.name ?? null;

export const withPreset = (d: Draft, p: Preset): Draft => ({
  ...d,
  ...(Object.fromEntries(NUMBERS.map(f => [f, String(p.settings[f])])) as Record<NumberField, string>),
});

/** What to save, or what is no number at all; ranges are the server's to judge. */
export function settingsOf(d: Draft, presets: readonly Preset[]): { settings: Settings } | { faults: Faults } {
  const faults: Record<string, string> = {};
  for (const f of NUMBERS) if (!Number.isFinite(numberOf(d[f]))) faults[f] = 'must be a number';
  if (Object.keys(faults).length > 0) return { faults };
  return {
    settings: {
      preset: presetOf(d, presets),
      collect_s: numberOf(d.collect_s),
      send_s: numberOf(d.send_s),
      display_s: numberOf(d.display_s),
      processes_top: numberOf(d.processes_top),
      collectors_off: d.collectors_off,
      services_off: d.services_off,
      services: d.services,
    },
  };
}

/** On becomes off and off becomes on; sorted, so that there and back is no change. */
export const toggled = (names: readonly string[], name: string): string[] =>
  names.includes(name) ? names.filter(n => n !== name) : [...names, name].sort();

/** What can be switched: known by its series or answers, and what is off already. */
export const switches = (known: readonly string[], off: readonly string[]): string[] =>
  [...new Set([...known, ...off])].sort();

/** "nginx, my-app" as names. */
export const namesOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))].sort();
