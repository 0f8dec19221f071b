/** Words are cut at this length, both in names and in searches. */
const PREFIX_LENGTH_MAX = 16;

/** Splits text into words, also in scripts without spaces between words, such as Chinese and Thai. */
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
const LETTERS_AND_DIGITS = /[\p{L}\p{N}]+/gu;
const MARKS = /\p{M}/gu;

/** Returns the distinct words of a text, in lower case and without accents, each cut at 16 characters. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replaceAll(MARKS, '').normalize('NFKC').toLowerCase();
  const words = [...segmenter.segment(plain)].flatMap(({ segment }) => segment.match(LETTERS_AND_DIGITS) ?? []);
  return [...new Set(words.map((word) => [...word].slice(0, PREFIX_LENGTH_MAX).join('')))];
}

/** Returns all distinct prefixes of the words of a name. A search finds the name if each search word is one of them. */
export function namePrefixesOf(name: string): string[] {
  const prefixes = wordsOf(name).flatMap((word) => {
    const characters = [...word];
    return characters.map((_, index) => characters.slice(0, index + 1).join(''));
  });
  return [...new Set(prefixes)];
}
