import { LocalError } from '#scripts/local/settings.ts';

type Values<Name extends string> = Readonly<Partial<Record<Name, string | undefined>>>;

/** Returns the number in an option, if it is given. @throws LocalError when it is no number, or below 0 */
export function readNumber<Name extends string>(values: Values<Name>, name: Name): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (text.trim() !== '' && Number(text) >= 0) return Number(text);
  throw new LocalError(`--${name} takes a number, not ${text}.`);
}

/** Returns the whole number in an option. @throws LocalError when it is none, or below 1 */
export function readCount<Name extends string>(values: Values<Name>, name: Name): number {
  if (/^[1-9]\d*$/.test(values[name] ?? '')) return Number(values[name]);
  throw new LocalError(`--${name} takes a whole number above 0, not ${values[name]}.`);
}
