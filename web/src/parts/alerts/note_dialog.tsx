// Acknowledge or resolve, with a note that goes to the history.

import { useState } from 'preact/hooks';
import { FormDialog } from '../form_dialog';

interface Props {
  title: string;
  text: string;
  act: string;
  onYes: (note: string) => void;
  onClose: () => void;
}

export function NoteDialog(p: Props) {
  const [note, setNote] = useState('');
  return (
    <FormDialog title={p.title} act={p.act} onSave={() => p.onYes(note.trim())} onClose={p.onClose}>
      <p>{p.text}</p>
      <label>
        Note (for the history)
        <input name="note" maxLength={1000} value={note} onInput={e => setNote(e.currentTarget.value)} />
      </label>
    </FormDialog>
  );
}
