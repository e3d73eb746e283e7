// A question whose answer has to be typed: for what cannot be taken back.

import { useState } from 'preact/hooks';
import { Dialog } from './dialog';

interface Props {
  title: string;
  text: string;
  name: string;
  act: string;
  onYes: () => void;
  onClose: () => void;
}

export function AskName(p: Props) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog title={p.title} onClose={p.onClose}>
      <form
        class="form"
        onSubmit={e => {
          e.preventDefault();
          if (typed === p.name) (p.onYes(), p.onClose());
        }}
      >
        <p>{p.text}</p>
        <label>
          Type {p.name} to go on
          <input name="confirm" autocomplete="off" value={typed} onInput={e => setTyped(e.currentTarget.value)} />
        </label>
        <footer>
          <button type="button" onClick={p.onClose}>
            Keep
          </button>
          <button type="submit" class="danger" disabled={typed !== p.name}>
            {p.act}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
