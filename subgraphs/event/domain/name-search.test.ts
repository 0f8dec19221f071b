import { describe, expect, it } from 'vitest';
import { namePrefixesOf, wordsOf } from './name-search.ts';

const isFound = (name: string, text: string) => {
  const prefixes = new Set(namePrefixesOf(name));
  return wordsOf(text).every((word) => prefixes.has(word));
};

describe('the words of a name', () => {
  it('consist of letters and digits in lower case, without accents, and each word is listed once', () => {
    expect(wordsOf(' "Émile\'s" Jazz-Night, JAZZ & 3 Gäste (№ 7)! ')).toEqual([
      'emile',
      's',
      'jazz',
      'night',
      '3',
      'gaste',
      'no',
      '7',
    ]);
  });

  it('are an empty list for text without letters and digits', () => {
    expect(wordsOf(' %_% -- 🎟 ')).toEqual([]);
  });

  it('are found in text without spaces between words', () => {
    expect(isFound('東京ジャズフェスティバル', 'ジャズ')).toBe(true);
  });

  it('are cut at 16 characters, both in names and in searches', () => {
    expect(namePrefixesOf('Donaudampfschifffahrt').at(-1)).toBe('donaudampfschiff');
    expect(isFound('Donaudampfschifffahrt', 'Donaudampfschifffahrtsgesellschaft')).toBe(true);
  });
});

describe('a search', () => {
  it.each([
    ['Berlin Jazz Night', 'jazz'],
    ['Berlin Jazz Night', 'b'],
    ['Berlin Jazz Night', 'nig berl'],
    ['Café del Mar', 'cafe'],
    ['Cafe del Mar', 'CAFÉ'],
  ])('finds the name %j for the text %j', (name, text) => expect(isFound(name, text)).toBe(true));

  it.each([
    ['Berlin Jazz Night', 'azz'],
    ['Berlin Jazz Night', 'jazz day'],
    ['Berlin Jazz Night', 'nights'],
  ])('does not find the name %j for the text %j', (name, text) => expect(isFound(name, text)).toBe(false));
});

it('a name of 200 characters has at most 200 prefixes', () => {
  for (const name of ['a'.repeat(200), 'ab '.repeat(66), '東'.repeat(200), [...'abcdefghij'].join(' ').repeat(10)]) {
    expect(namePrefixesOf(name.slice(0, 200)).length).toBeLessThanOrEqual(200);
  }
});
