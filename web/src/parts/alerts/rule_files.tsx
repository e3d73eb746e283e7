// Rule groups of this installation, as YAML: the server reads them before they take effect and
// names the place of a fault.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { act, useReading } from '../../reading';
import type { RuleFile } from '../../shapes_alerts';
import { isAdmin, session, toast, useCell } from '../../store';
import { dateTime } from '../../units';
import { Confirm } from '../dialog';
import { Failed, Forbidden } from '../faces';
import { FormDialog } from '../form_dialog';
import { Icon } from '../icon';

const EXAMPLE = `groups:
  - name: mine
    rules:
      - alert: QueueLong
        expr: app_queue_length > 1000
        for: 5m
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.instance }}: {{ $value }} wait"
`;

function Editor({ file, onDone, onClose }: { file: RuleFile | null; onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState(file?.name ?? '');
  const [text, setText] = useState(file?.text ?? EXAMPLE);
  const save = async (): Promise<void> => {
    await api.saveRuleFile(file, name.trim(), text);
    toast('The rules hold.');
    onDone();
  };
  return (
    <FormDialog title={file ? `Rules: ${file.name}` : 'New rules'} act="Check and save" wide mono onSave={save} onClose={onClose}>
      <label>
        Name
        <input name="name" required value={name} onInput={e => setName(e.currentTarget.value)} />
      </label>
      <label>
        Groups, as Prometheus has them (YAML)
        <textarea class="mono" name="text" rows={16} spellcheck={false} value={text} onInput={e => setText(e.currentTarget.value)} />
      </label>
    </FormDialog>
  );
}

export function RuleFiles({ onChanged }: { onChanged: () => void }) {
  const admin = isAdmin(useCell(session));
  const files = useReading(api.ruleFiles, 'rule-files');
  const [editing, setEditing] = useState<{ file: RuleFile | null } | null>(null);
  const [doomed, setDoomed] = useState<RuleFile | null>(null);
  const changed = (): void => (files.again(), onChanged());
  const remove = async (f: RuleFile): Promise<void> => {
    if (await act(() => api.deleteRuleFile(f.id), 'Rules deleted.')) changed();
  };
  return (
    <section class="card form" data-part="rule-files">
      <h2>Rules of your own</h2>
      {files.failed && <Failed err={files.failed} retry={files.again} />}
      {files.value?.length === 0 && <p class="note">None yet. Prometheus rule files work as they are.</p>}
      <ul class="rows">
        {files.value?.map(f => (
          <li key={f.id} data-file={f.name}>
            <span class="grow-1">
              <strong>{f.name}</strong>{' '}
              <span class="note">
                changed {dateTime(f.changed_ms)} by {f.changed_by}
              </span>
            </span>
            {admin && (
              <>
                <button type="button" class="small" onClick={() => setEditing({ file: f })}>
                  Edit
                </button>
                <button type="button" class="ghost" title="Delete" aria-label={`Delete the rules ${f.name}`} onClick={() => setDoomed(f)}>
                  <Icon name="trash" />
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      {admin ? (
        <div class="acts">
          <button type="button" onClick={() => setEditing({ file: null })}>
            Add rules
          </button>
        </div>
      ) : (
        <Forbidden what="write rules" role="admin" />
      )}
      {editing && <Editor file={editing.file} onDone={changed} onClose={() => setEditing(null)} />}
      {doomed && (
        <Confirm
          title={`Delete the rules ${doomed.name}?`}
          text="Their alerts end. The text is gone for good."
          act="Delete"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </section>
  );
}
