// Parts of one page, each with an address of its own.

export interface Tab {
  id: string;
  text: string;
  href: string;
}

export function Tabs({ tabs, chosen, label }: { tabs: readonly Tab[]; chosen: string; label: string }) {
  return (
    <div class="tabs" role="navigation" aria-label={label}>
      {tabs.map(t => (
        <a key={t.id} href={t.href} data-tab={t.id} aria-current={t.id === chosen ? 'page' : undefined}>
          {t.text}
        </a>
      ))}
    </div>
  );
}
