/** All the reasons that the graphql library gives for a refused variable, after its values have been removed. */
const REASON = [
  'Field "\\w*" [a-z ]+ "[^"]+"[a-z ]*\\.',
  'Expected (?:non-nullable )?type "[^"]+"[a-z ]*\\.',
  '(?:\\w+|Enum "\\w+") cannot represent [\\w -]{0,40}value\\.',
  'Value "\\w*" does not exist in "\\w+" enum\\.',
  'DateTime must be a string\\.',
].join('|');

/**
 * Patterns for messages of the graphql library that repeat a value, each with its replacement. Names and positions
 * stay. The gap between two words of a pattern is bounded: a value can be long and can contain those words many times.
 */
const REPETITIONS: readonly [repetition: RegExp, left: string][] = [
  [/(cannot represent [\w -]{0,40}value): .*$/s, '$1.'],
  // graphql prints the whole variable even if only one field is wrong: `got invalid value {...} at "input.name";
  // reason`.
  [new RegExp(`(got invalid value) .*?(?=(?: at "[\\w.[\\]]+")?; (?:${REASON})$|$)`, 's'), '$1'],
  [/(Expected value of type "[^"]+"), found .*$/s, '$1.'],
  [/\b((?:Block)?String|Int|Float) ".*"/s, '$1'],
];

/**
 * Removes the client's values from an error message of the graphql library. A value can be a password, and front ends
 * write error messages to their logs and error reports.
 */
export const withoutValues = (message: string): string =>
  REPETITIONS.reduce((text, [repetition, left]) => text.replace(repetition, left), message);
