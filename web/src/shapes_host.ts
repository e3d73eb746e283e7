// What agents tell of themselves and their machines: settings, processes, services, inventory.

import { type Check, anything, flag, list, nullable, num, object, oneOf, record, text } from './check';

// ---- settings ----

export interface Settings {
  preset: string | null;
  collect_s: number;
  send_s: number;
  display_s: number;
  processes_top: number;
  collectors_off: string[];
  services: string[];
  services_off: string[];
}
const settings = object<Settings>({
  preset: nullable(text),
  collect_s: num,
  send_s: num,
  display_s: num,
  processes_top: num,
  collectors_off: list(text),
  services: list(text),
  services_off: list(text),
});

export type LinkState = 'applied' | 'pending' | 'refused' | 'offline';
export interface AgentLink {
  connected: boolean;
  state: LinkState;
  applied_version: number;
  detail: string | null;
  effective: Settings | null;
  fixed: string[] | null;
  agent_version: string;
  connected_ms: number;
}
export interface AgentSettings {
  version: number;
  settings: Settings;
  changed_ms: number;
  changed_by: string;
  link: AgentLink;
}
export const agentSettings = object<AgentSettings>({
  version: num,
  settings,
  changed_ms: num,
  changed_by: text,
  link: object<AgentLink>({
    connected: flag,
    state: oneOf<LinkState>('applied', 'pending', 'refused', 'offline'),
    applied_version: num,
    detail: nullable(text),
    effective: nullable(settings),
    fixed: nullable(list(text)),
    agent_version: text,
    connected_ms: num,
  }),
});

export interface Preset {
  name: string;
  for: string;
  settings: Settings;
}
export const presets = object<{ presets: Preset[] }>({
  presets: list(object<Preset>({ name: text, for: text, settings })),
});

// ---- processes ----

export interface Process {
  pid: number;
  name: string;
  state: string | null;
  threads: number | null;
  started_ms: number | null;
  cpu: number | null; // of one processor, 0 to 1 and more
  resident_bytes: number | null;
  read_bytes_per_s: number | null;
  write_bytes_per_s: number | null;
  descriptors: number | null;
  descriptors_limit: number | null;
  user: string | null;
  command: string | null;
  unit: string | null;
}
export interface Snapshot {
  at_ms: number;
  cause: string;
  processes: {
    count: number;
    threads: number | null;
    states: Record<string, number>;
    top: Record<string, number[]>;
    processes: Process[];
  };
}
const process = object<Process>({
  pid: num,
  name: text,
  state: nullable(text),
  threads: nullable(num),
  started_ms: nullable(num),
  cpu: nullable(num),
  resident_bytes: nullable(num),
  read_bytes_per_s: nullable(num),
  write_bytes_per_s: nullable(num),
  descriptors: nullable(num),
  descriptors_limit: nullable(num),
  user: nullable(text),
  command: nullable(text),
  unit: nullable(text),
});
export const snapshot = object<Snapshot>({
  at_ms: num,
  cause: text,
  processes: object<Snapshot['processes']>({
    count: num,
    threads: nullable(num),
    states: record(num),
    top: record(list(num)),
    processes: list(process),
  }),
});

// ---- services ----

export type Health = 'healthy' | 'degraded' | 'down' | 'unknown';
export interface ServiceCheck {
  name: string;
  target: string;
  ok: boolean | null; // null: does not count, nobody listens where it was guessed
  seconds: number | null;
  reason: string | null;
}
export interface Service {
  name: string;
  state: string;
  health: Health;
  reason: string | null;
  source: string | null;
  unit: string | null;
  since_ms: number | null;
  at_ms: number | null;
  checks: ServiceCheck[];
}
export interface Services {
  at_ms: number;
  services: Service[];
}
export const services = object<Services>({
  at_ms: num,
  services: list(
    object<Service>({
      name: text,
      state: text,
      health: oneOf<Health>('healthy', 'degraded', 'down', 'unknown'),
      reason: nullable(text),
      source: nullable(text),
      unit: nullable(text),
      since_ms: nullable(num),
      at_ms: nullable(num),
      checks: list(
        object<ServiceCheck>({ name: text, target: text, ok: nullable(flag), seconds: nullable(num), reason: nullable(text) }),
      ),
    }),
  ),
});

// ---- inventory ----

/** Facts are a tree whose keys grow with each kind of machine: read by name, shown when there. */
export type Facts = Record<string, unknown>;
export interface Inventory {
  version: number;
  from_ms: number;
  inventory: { facts: Facts };
  history: { version: number; from_ms: number; until_ms: number; inventory: { facts: Facts } }[];
}
const facts: Check<{ facts: Facts }> = object({ facts: record(anything) });
export const inventory = object<Inventory>({
  version: num,
  from_ms: num,
  inventory: facts,
  history: list(object({ version: num, from_ms: num, until_ms: num, inventory: facts })),
});
