// Data: what is stored of whom, how long it stays, and what can be done with it: clean up, check,
// back up, export.

import { storage as readStorage } from '../api_data';
import { bytesPerSample, diskUse } from '../model/data';
import { Backups } from '../parts/backups';
import { Level } from '../parts/bars';
import { CleanUp } from '../parts/clean_up';
import { DataCheckCard } from '../parts/data_check';
import { ExportCard } from '../parts/export';
import { Empty, Failed, Loading } from '../parts/faces';
import { StorageTable } from '../parts/storage_table';
import { useReading } from '../reading';
import { href } from '../router';
import type { Storage } from '../shapes_data';
import { MISSING, bytes, dateTime, duration, number, share, short } from '../units';

const REREAD_MS = 30_000;

function Totals({ s }: { s: Storage }) {
  const { totals, retention, disk } = s;
  const each = bytesPerSample(s);
  return (
    <div class="figures">
      <section class="card figure">
        <h2>Samples</h2>
        <strong data-samples={totals.samples}>{short(totals.samples)}</strong>
        <p class="note">
          {totals.series.toLocaleString('en')} series of {s.hosts.length} {s.hosts.length === 1 ? 'host' : 'hosts'}
        </p>
      </section>
      <section class="card figure">
        <h2>On disk</h2>
        <strong>{bytes(totals.bytes)}</strong>
        <p class="note">
          {bytes(totals.log_bytes)} of it log
          {each !== null && `, ${number(each)} B a sample`}
        </p>
      </section>
      <section class="card figure">
        <h2>Free on its disk</h2>
        <strong>{bytes(disk.free_bytes)}</strong>
        <Level share={diskUse(disk)} label={`${share(diskUse(disk))} of the disk in use`} />
        <p class="note">
          {share(diskUse(disk))} of {bytes(disk.bytes)} in use
        </p>
      </section>
      <section class="card figure">
        <h2>Kept for</h2>
        <strong>{retention.time_ms ? duration(retention.time_ms / 1000) : 'ever'}</strong>
        <p class="note">
          {retention.bytes ? `at most ${bytes(retention.bytes)}; ` : 'no limit of size; '}
          oldest from {totals.samples ? dateTime(totals.first_ms) : MISSING}
        </p>
      </section>
      {(totals.damaged > 0 || totals.lost_records > 0) && (
        <p class="error">
          {totals.damaged} damaged blocks, {totals.lost_records} records of the log lost: check the data below.
        </p>
      )}
    </div>
  );
}

export function DataView() {
  const stored = useReading(readStorage, 'storage', { everyMs: REREAD_MS });
  const s = stored.value;
  return (
    <>
      <div class="title">
        <h1>Data</h1>
        <span class="sub">what is stored, for how long, and how it comes and goes</span>
      </div>
      {stored.failed && <Failed err={stored.failed} retry={stored.again} />}
      {!stored.failed && !s && <Loading what="Counting samples" height={300} />}
      {s && <Totals s={s} />}
      {s && s.hosts.length > 0 && <StorageTable hosts={s.hosts} onDeleted={stored.again} />}
      {s?.hosts.length === 0 && (
        <Empty>
          Nothing is stored yet. <a href={href('settings')}>Add a host</a>
        </Empty>
      )}
      {s && (
        <div class="pair">
          <CleanUp storage={s} onDone={stored.again} />
          <DataCheckCard />
          <Backups />
          <ExportCard />
        </div>
      )}
    </>
  );
}
