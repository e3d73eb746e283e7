// Findings with their life, changes with what came of them, profiles, rules, model, imports.

import type { Finding } from './shapes';
import { finding } from './shapes';
import { flag, list, nullable, num, object, oneOf, text } from './check';

export const FINDING_STATES = ['open', 'applied', 'helped', 'no_effect', 'harmed', 'dismissed', 'ended'] as const;
export type FindingState = (typeof FINDING_STATES)[number];
export interface Kept {
  id: number;
  host: string;
  host_name: string;
  state: FindingState;
  opened_ms: number | null;
  seen_ms: number | null;
  decided_ms: number | null;
  verdict: string | null;
  verdict_by: string | null;
  outcome: string | null;
  finding: Finding | null;
}
const kept = object<Kept>({
  id: num,
  host: text,
  host_name: text,
  state: oneOf<FindingState>(...FINDING_STATES),
  opened_ms: nullable(num),
  seen_ms: nullable(num),
  decided_ms: nullable(num),
  verdict: nullable(text),
  verdict_by: nullable(text),
  outcome: nullable(text),
  finding: nullable(finding),
});
export interface KeptPage {
  findings: Kept[];
  next: string | null;
}
export const keptPage = object<KeptPage>({ findings: list(kept), next: nullable(text) });
export { kept };

export type Outcome = 'pending' | 'helped' | 'no_effect' | 'harmed' | 'unjudged';
export interface Change {
  id: number;
  at_ms: number;
  host: string;
  host_name: string;
  parameter: string;
  from: string;
  to: string;
  cause: string;
  finding: number | null;
  rule: string | null;
  verdict: Outcome;
  outcome: string | null;
  judged_ms: number | null;
}
export const changes = object<{ changes: Change[]; next: string | null }>({
  changes: list(
    object<Change>({
      id: num,
      at_ms: num,
      host: text,
      host_name: text,
      parameter: text,
      from: text,
      to: text,
      cause: text,
      finding: nullable(num),
      rule: nullable(text),
      verdict: oneOf<Outcome>('pending', 'helped', 'no_effect', 'harmed', 'unjudged'),
      outcome: nullable(text),
      judged_ms: nullable(num),
    }),
  ),
  next: nullable(text),
});

// ---- profiles ----

export type AuditResult = 'PASS' | 'WARN' | 'FAIL' | '?';
const auditResult = oneOf<AuditResult>('PASS', 'WARN', 'FAIL', '?');
export interface AuditCheck {
  name: string;
  value: number | null;
  wanted: string | null;
  use: number | null;
  share: number | null;
  result: AuditResult;
  line: string | null;
  file: string | null;
  why: string | null;
}
export interface Audit {
  profile: string;
  title: string;
  result: AuditResult;
  source: string | null;
  checks: AuditCheck[];
}
export const audits = object<{ profiles: Audit[] }>({
  profiles: list(
    object<Audit>({
      profile: text,
      title: text,
      result: auditResult,
      source: nullable(text),
      checks: list(
        object<AuditCheck>({
          name: text,
          value: nullable(num),
          wanted: nullable(text),
          use: nullable(num),
          share: nullable(num),
          result: auditResult,
          line: nullable(text),
          file: nullable(text),
          why: nullable(text),
        }),
      ),
    }),
  ),
});
export interface Profile {
  profile: string;
  title: string;
}
export const profiles = object<{ profiles: Profile[] }>({ profiles: list(object<Profile>({ profile: text, title: text })) });

// ---- what the analysis knows ----

export interface Model {
  loaded: boolean;
  file: string | null;
  checksum: string | null;
  version: string | null;
  inputs: number | null;
  outputs: number | null;
}
export const model = object<Model>({
  loaded: flag,
  file: nullable(text),
  checksum: nullable(text),
  version: nullable(text),
  inputs: nullable(num),
  outputs: nullable(num),
});
export const rules = object<{ rules: { id: string; file: string | null }[] }>({
  rules: list(object({ id: text, file: nullable(text) })),
});
export const reloaded = object<{ rules: number }>({ rules: num });
/** Of openapi.json, which names the version that runs. */
export const about = object<{ info: { version: string } }>({ info: object({ version: text }) });

// ---- imports ----

export interface Imported {
  bad_lines: { line: number; why: string }[];
  format: string;
  dry_run: boolean;
  lines: number;
  samples: number;
  bad: number;
  imported: number;
  duplicates: number;
  refused: number;
  refused_why: string | null;
  new_series: number;
}
export const imported = object<Imported>({
  bad_lines: list(object({ line: num, why: text })),
  format: text,
  dry_run: flag,
  lines: num,
  samples: num,
  bad: num,
  imported: num,
  duplicates: num,
  refused: num,
  refused_why: nullable(text),
  new_series: num,
});
