/** Longer words are found by this many of their first characters. */
const PREFIX_LENGTH_MAX = 16;

/** Finds the words also in scripts that put no spaces between them, such as Chinese and Thai. */
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
const LETTERS_AND_DIGITS = /[\p{L}\p{N}]+/gu;
const MARKS = /\p{M}/gu;

/** The distinct words of a text, in lower case and without accents, each cut at 16 characters. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replaceAll(MARKS, '').normalize('NFKC').toLowerCase();
  const words = [...segmenter.segment(plain)].flatMap(({ segment }) => segment.match(LETTERS_AND_DIGITS) ?? []);
  return [...new Set(words.map((word) => [...word].slice(0, PREFIX_LENGTH_MAX).join('')))];
}

/** Every beginning of every word of a name, once: what a search for a part of the name may ask for. */
export function namePrefixesOf(name: string): string[] {
  const prefixes = wordsOf(name).flatMap((word) => {
    const characters = [...word];
    return characters.map((_, index) => characters.slice(0, index + 1).join(''));
  });
  return [...new Set(prefixes)];
}
