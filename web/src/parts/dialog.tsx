// Dialogs on the browser's own <dialog>: focus stays inside, Escape closes.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon';

export function Dialog(p: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={p.wide ? 'wide' : ''}
      aria-label={p.title}
      onClose={p.onClose}
      onClick={e => e.target === ref.current && p.onClose()}
    >
      <div class="dialog">
        <header>
          <h2>{p.title}</h2>
          <button type="button" class="ghost" aria-label="Close" onClick={p.onClose}>
            <Icon name="close" />
          </button>
        </header>
        {p.children}
      </div>
    </dialog>
  );
}

export function Confirm(p: { title: string; text: string; act: string; onYes: () => void; onClose: () => void }) {
  return (
    <Dialog title={p.title} onClose={p.onClose}>
      <p>{p.text}</p>
      <footer>
        <button type="button" onClick={p.onClose}>
          Keep
        </button>
        <button type="button" class="danger" onClick={() => (p.onYes(), p.onClose())}>
          {p.act}
        </button>
      </footer>
    </Dialog>
  );
}
