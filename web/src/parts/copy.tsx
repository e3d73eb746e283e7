// Lines to copy, and the button that does: what is copied is exactly what is shown.

import { toast } from '../store';
import { Icon } from './icon';

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`);
  } catch {
    // no clipboard over plain HTTP: select it, so that one key press does the rest
    const shown = [...document.querySelectorAll('pre')].find(p => p.textContent === text);
    if (shown) getSelection()?.selectAllChildren(shown);
    toast(shown ? 'Selected: press Ctrl+C.' : 'The browser does not allow copying here.', !shown);
  }
}

export function CopyLines({ text, caption, what }: { text: string; caption?: string | null; what: string }) {
  return (
    <figure class="lines">
      {caption && <figcaption>{caption}</figcaption>}
      <div class="block">
        <pre>{text}</pre>
        <button type="button" class="small" data-copy={what} onClick={() => void copyText(text, what)}>
          <Icon name="copy" /> Copy
        </button>
      </div>
    </figure>
  );
}
