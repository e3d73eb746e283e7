// What runs: versions, the classifier with its checksum, the rules; an admin may read them again.

import { useState } from 'preact/hooks';
import * as adviceApi from '../api_advice';
import { isAdmin, session, toast, useCell } from '../store';
import { MISSING } from '../units';
import { Failed, Forbidden, Loading } from './faces';
import { useReading } from '../reading';

async function read(stop: AbortSignal) {
  const [version, model, rules] = await Promise.all([
    adviceApi.version(stop),
    adviceApi.model(stop),
    adviceApi.rules(stop),
  ]);
  return { version, model, rules: rules.rules.length, files: new Set(rules.rules.map(r => r.file)).size };
}

function Reload({ onDone }: { onDone: () => void }) {
  const [refused, setRefused] = useState('');
  const [busy, setBusy] = useState(false);
  if (!isAdmin(useCell(session))) return <Forbidden what="reload rules" role="admin" />;
  const reload = async (): Promise<void> => {
    setBusy(true);
    setRefused('');
    try {
      toast(`${(await adviceApi.reloadRules()).rules} rules are loaded.`);
      onDone();
    } catch (e) {
      setRefused(e instanceof Error ? e.message : String(e));
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void reload()}>
        Reload rules
      </button>
      {refused && (
        <p class="error mono" role="alert" data-refused>
          {refused}
        </p>
      )}
    </>
  );
}

export function About() {
  const answer = useReading(read, 'about');
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading versions" height={120} />;
  const { version, model, rules, files } = answer.value;
  const rows: [string, string | null, boolean?][] = [
    ['Server', version],
    ['Rules', `${rules} in ${files} ${files === 1 ? 'file' : 'files'}`],
    ['Model', model.loaded ? `${model.version ?? MISSING}, ${model.inputs} inputs, ${model.outputs} classes` : 'none is loaded: rules alone decide'],
    ['Model file', model.file, true],
    ['Checksum', model.checksum && `sha256 ${model.checksum}`, true],
  ];
  return (
    <>
      <dl class="facts about">
        {rows.map(
          ([name, text, mono]) =>
            text && (
              <div key={name} data-about={name}>
                <dt>{name}</dt>
                <dd class={mono ? 'mono' : ''}>{text}</dd>
              </div>
            ),
        )}
      </dl>
      <Reload onDone={answer.again} />
    </>
  );
}
