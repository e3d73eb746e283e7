// What the server says about its data: docs/API.md, storage and backups.

import { flag, list, nullable, num, object, record, text } from './check';

export interface StoredHost {
  id: string | null; // null: no host of this name is known
  host: string;
  samples: number;
  series: number;
  bytes: number;
  first_ms: number;
  last_ms: number;
}
export interface Storage {
  totals: {
    samples: number;
    series: number;
    bytes: number;
    log_bytes: number;
    blocks: number;
    first_ms: number;
    last_ms: number;
    damaged: number;
    lost_records: number;
  };
  retention: { time_ms: number; bytes: number }; // 0 bytes: no limit
  disk: { bytes: number; free_bytes: number };
  hosts: StoredHost[];
}
export const storage = object<Storage>({
  totals: object<Storage['totals']>({
    samples: num,
    series: num,
    bytes: num,
    log_bytes: num,
    blocks: num,
    first_ms: num,
    last_ms: num,
    damaged: num,
    lost_records: num,
  }),
  retention: object<Storage['retention']>({ time_ms: num, bytes: num }),
  disk: object<Storage['disk']>({ bytes: num, free_bytes: num }),
  hosts: list(
    object<StoredHost>({
      id: nullable(text),
      host: text,
      samples: num,
      series: num,
      bytes: num,
      first_ms: num,
      last_ms: num,
    }),
  ),
});

export interface CheckFinding {
  kind: string;
  file: string | null;
  host: string | null;
  from_ms: number | null;
  to_ms: number | null;
  text: string;
}
export interface DataCheck {
  ok: boolean;
  faults: number;
  blocks: number;
  hosts: number;
  series: number;
  samples: number;
  unchecked_samples: number;
  bytes: number;
  found: Record<string, number>;
  findings: CheckFinding[];
}
export const dataCheck = object<DataCheck>({
  ok: flag,
  faults: num,
  blocks: num,
  hosts: num,
  series: num,
  samples: num,
  unchecked_samples: num,
  bytes: num,
  found: record(num),
  findings: list(
    object<CheckFinding>({
      kind: text,
      file: nullable(text),
      host: nullable(text),
      from_ms: nullable(num),
      to_ms: nullable(num),
      text,
    }),
  ),
});

export interface CleanedUp {
  before_ms: number;
  samples: number;
  bytes: number;
}
export const cleanedUp = object<CleanedUp>({ before_ms: num, samples: num, bytes: num });

export interface Backup {
  id: string;
  at_ms: number;
  files: number;
  bytes: number;
  samples: number;
  version: string;
}
export const backup = object<Backup>({ id: text, at_ms: num, files: num, bytes: num, samples: num, version: text });
export const backups = object<{ backups: Backup[] }>({ backups: list(backup) });

/** Labels of series that a selector finds. */
export const seriesFound = object<{ data: Record<string, string>[] }>({ data: list(record(text)) });
