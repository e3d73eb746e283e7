// Brings samples of a file into the store: first the file is only looked at and its bad lines are
// shown, then, when the person says so, the rest is imported.

import { useState } from 'preact/hooks';
import * as adviceApi from '../api_advice';
import { fits, importWords } from '../model/results';
import type { Imported } from '../shapes_advice';
import { Dialog } from './dialog';
import { asError } from '../reading';

function BadLines({ seen }: { seen: Imported }) {
  if (seen.bad === 0) return null;
  return (
    <div class="scroll" data-bad={seen.bad}>
      <table>
        <thead>
          <tr>
            <th class="num">Line</th>
            <th>Why it cannot be used</th>
          </tr>
        </thead>
        <tbody>
          {seen.bad_lines.map(b => (
            <tr key={b.line}>
              <td class="num">{b.line}</td>
              <td>{b.why}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {seen.bad > seen.bad_lines.length && (
        <p class="note">
          The first {seen.bad_lines.length} of {seen.bad}.
        </p>
      )}
    </div>
  );
}

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [host, setHost] = useState('');
  const [seen, setSeen] = useState<Imported | null>(null);
  const [done, setDone] = useState<Imported | null>(null);
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);

  const again = (): void => (setSeen(null), setDone(null), setFailed(''));
  const send = async (dryRun: boolean): Promise<void> => {
    if (!file) return;
    setBusy(true);
    setFailed('');
    try {
      (dryRun ? setSeen : setDone)(await adviceApi.importFile(file, { dryRun, host: host.trim() }));
    } catch (e) {
      setFailed(asError(e).message);
    }
    setBusy(false);
  };
  const tooLarge = file !== null && !fits(file.size);
  return (
    <Dialog title="Import metrics" onClose={onClose} wide>
      <form
        class="import"
        onSubmit={e => {
          e.preventDefault();
          void send(!seen);
        }}
      >
        <p class="note">
          A file of samples: CSV, Prometheus text, OpenMetrics, JSON lines, or payloads of POST /analyze. At most 64 GiB. It
          is only looked at first.
        </p>
        <label>
          File
          <input
            type="file"
            required
            accept=".csv,.json,.jsonl,.ndjson,.prom,.om,.txt,.gz"
            onChange={e => (setFile(e.currentTarget.files?.[0] ?? null), again())}
          />
        </label>
        <label>
          Host of lines that name none
          <input value={host} placeholder="web1" onInput={e => (setHost(e.currentTarget.value), again())} />
        </label>
        {tooLarge && <p class="error">The file is larger than 64 GiB. Cut it in pieces, or use galen import.</p>}
        {failed && (
          <p class="error" role="alert">
            {failed}
          </p>
        )}
        {(done ?? seen) && <p data-import={done ? 'done' : 'seen'}>{importWords(done ?? seen!)}</p>}
        {seen && !done && <BadLines seen={seen} />}
        <footer>
          <button type="button" onClick={onClose}>
            {done ? 'Close' : 'Keep everything as it is'}
          </button>
          {!done && (
            <button type="submit" class="primary" disabled={busy || !file || tooLarge || (seen !== null && seen.samples === 0)}>
              {!seen ? 'Look at the file' : `Import ${seen.samples.toLocaleString('en')} samples`}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}
