// Acknowledge or resolve, with a note that goes to the history.

import { useState } from 'preact/hooks';
import { Dialog } from '../dialog';

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
    <Dialog title={p.title} onClose={p.onClose}>
      <form
        class="form"
        onSubmit={e => {
          e.preventDefault();
          p.onYes(note.trim());
          p.onClose();
        }}
      >
        <p>{p.text}</p>
        <label>
          Note (for the history)
          <input name="note" maxLength={1000} value={note} onInput={e => setNote(e.currentTarget.value)} />
        </label>
        <footer>
          <button type="button" onClick={p.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {p.act}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
