// Parts of one page, each with an address of its own.

import { useEffect, useRef } from 'preact/hooks';

export interface Tab {
  id: string;
  text: string;
  href: string;
}

export function Tabs({ tabs, chosen, label }: { tabs: readonly Tab[]; chosen: string; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const at = box.current?.querySelector<HTMLElement>('[aria-current]');
    if (box.current && at) box.current.scrollLeft = at.offsetLeft - (box.current.clientWidth - at.offsetWidth) / 2;
  }, [chosen]);
  return (
    <div class="tabs" ref={box} role="navigation" aria-label={label}>
      {tabs.map(t => (
        <a key={t.id} href={t.href} data-tab={t.id} aria-current={t.id === chosen ? 'page' : undefined}>
          {t.text}
        </a>
      ))}
    </div>
  );
}
