// Is the data what was written? The server reads every block and names what it finds.

import { useState } from 'preact/hooks';
import { checkData } from '../api_data';
import { isFault } from '../model/data';
import { asError } from '../reading';
import type { CheckFinding, DataCheck } from '../shapes_data';
import { isAdmin, session, useCell } from '../store';
import { bytes, dateTime } from '../units';
import { Failed, Forbidden, Loading } from './faces';
import { Icon } from './icon';

const SHOWN_MOST = 100;

const place = (f: CheckFinding): string => f.file ?? f.host ?? '';

function Findings({ check }: { check: DataCheck }) {
  const rows = check.findings.slice(0, SHOWN_MOST);
  const total = Object.values(check.found).reduce((a, b) => a + b, 0);
  return (
    <>
      <ul class="rows">
        {rows.map((f, i) => (
          <li key={i} data-finding={f.kind}>
            <Icon name={isFault(f.kind) ? 'down' : 'attention'} label={isFault(f.kind) ? 'Fault' : 'Note'} />
            <span>
              <strong>{place(f)}</strong> {f.text}
              {f.from_ms !== null && <span class="muted"> from {dateTime(f.from_ms)}</span>}
            </span>
          </li>
        ))}
      </ul>
      {total > rows.length && (
        <p class="note">
          {rows.length} of {total.toLocaleString('en')}; `galen store check` names all.
        </p>
      )}
    </>
  );
}

export function DataCheckCard() {
  const admin = isAdmin(useCell(session));
  const [check, setCheck] = useState<DataCheck | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const run = (): void => {
    setBusy(true);
    setFailed(null);
    checkData()
      .then(setCheck, (e: unknown) => setFailed(asError(e)))
      .finally(() => setBusy(false));
  };
  return (
    <section class="card" data-part="check">
      <h2>Check</h2>
      <p class="muted">Is every stored sample still what was written? Reads all blocks and their checksums.</p>
      {admin ? (
        <div class="acts">
          <button type="button" disabled={busy} onClick={run}>
            {check ? 'Check again' : 'Check the data'}
          </button>
        </div>
      ) : (
        <Forbidden what="check the data" role="admin" />
      )}
      {busy && <Loading what="Reading every block" height={60} />}
      {failed && <Failed err={failed} retry={run} />}
      {check && !busy && (
        <>
          <p role="status" class={`verdict-line ${check.ok ? 'good' : 'bad'}`} data-ok={String(check.ok)}>
            <Icon name={check.ok ? 'helped' : 'harmed'} />
            <span>
              {check.ok ? 'The data is whole' : `${check.faults.toLocaleString('en')} faults`}:{' '}
              {check.samples.toLocaleString('en')} samples in {check.blocks.toLocaleString('en')} blocks,{' '}
              {bytes(check.bytes)}.
            </span>
          </p>
          {check.unchecked_samples > 0 && (
            <p class="note">
              {check.unchecked_samples.toLocaleString('en')} newer samples are in the log and were not checked: they become
              a block within two hours.
            </p>
          )}
          {check.findings.length > 0 && <Findings check={check} />}
        </>
      )}
    </section>
  );
}
