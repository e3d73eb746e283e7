// Short messages at the edge, read out by screen readers.

import { toasts, useCell } from '../store';

export function Toasts() {
  const all = useCell(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map(t => (
        <div key={t.id} class={`toast${t.bad ? ' bad' : ''}`}>
          {t.text}
        </div>
      ))}
    </div>
  );
}
