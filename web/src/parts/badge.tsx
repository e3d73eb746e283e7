// A state or class: shape, colour and word together.

import type { Word } from '../words';
import { Icon } from './icon';

export function Badge({ word, quiet = false }: { word: Word; quiet?: boolean }) {
  return (
    <span class={`badge ${word.tone}${quiet ? ' plain' : ''}`}>
      <Icon name={word.icon} />
      {word.text}
    </span>
  );
}
