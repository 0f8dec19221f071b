/** Why a variable is refused, in all the words that graphql has for it, once what it repeats itself is gone. */
const REASON = [
  'Field "\\w*" [a-z ]+ "[^"]+"[a-z ]*\\.',
  'Expected (?:non-nullable )?type "[^"]+"[a-z ]*\\.',
  '(?:\\w+|Enum "\\w+") cannot represent [\\w -]{0,40}value\\.',
  'Value "\\w*" does not exist in "\\w+" enum\\.',
  'DateTime must be a string\\.',
].join('|');

/**
 * Where GraphQL's own messages repeat a value, and what is left of it; names and positions stay. What may stand between
 * two words is bounded: a value can be long, and hold those words many times.
 */
const REPETITIONS: readonly [repetition: RegExp, left: string][] = [
  [/(cannot represent [\w -]{0,40}value): .*$/s, '$1.'],
  // All of a variable, though one field of it is wrong: `got invalid value {...} at "input.name"; because`.
  [new RegExp(`(got invalid value) .*?(?=(?: at "[\\w.[\\]]+")?; (?:${REASON})$|$)`, 's'), '$1'],
  [/(Expected value of type "[^"]+"), found .*$/s, '$1.'],
  [/\b((?:Block)?String|Int|Float) ".*"/s, '$1'],
];

/**
 * A message of GraphQL's without the client's values. One of them may be a password, and error messages end up where
 * passwords must not: in a front end's logs and in reports of its errors.
 */
export const withoutValues = (message: string): string =>
  REPETITIONS.reduce((text, [repetition, left]) => text.replace(repetition, left), message);
