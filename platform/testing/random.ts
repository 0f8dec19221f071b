/** A source of numbers that look random. The same seed always gives the same numbers. */
export interface Random {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
}

/** Creates a source with a seed of several parts. It hashes the parts with FNV-1a and continues with mulberry32. */
export function createRandom(...seed: readonly unknown[]): Random {
  let state = 0x811c9dc5;
  for (const character of seed.join('\u0000')) {
    state = Math.imul(state ^ (character.codePointAt(0) as number), 0x01000193);
  }
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}
