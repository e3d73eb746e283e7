// A dialog that is one form: it closes when what it says is done, and shows why when it failed.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { asError } from '../reading';
import { Dialog } from './dialog';

interface Props {
  title: string;
  act: string;
  wide?: boolean;
  mono?: boolean; // failures name places in a text
  onSave: () => Promise<void> | void; // throws what failed
  onClose: () => void;
  children: ComponentChildren;
}

export function FormDialog({ title, act, wide = false, mono = false, onSave, onClose, children }: Props) {
  const [failed, setFailed] = useState('');
  const save = async (): Promise<void> => {
    try {
      await onSave();
    } catch (e) {
      return setFailed(asError(e).message);
    }
    onClose();
  };
  return (
    <Dialog title={title} wide={wide} onClose={onClose}>
      <form
        class="form"
        onSubmit={e => {
          e.preventDefault();
          void save();
        }}
      >
        {children}
        <p class={mono ? 'error mono' : 'error'} role="alert">
          {failed}
        </p>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {act}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
