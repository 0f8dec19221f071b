import { LocalError } from '#scripts/local/settings.ts';

/** Returns the number in an option. @throws LocalError when it is no number, or below `min` */
export function readNumber<Name extends string>(
  values: Readonly<Partial<Record<Name, string | undefined>>>,
  name: Name,
  min = Number.MIN_VALUE,
): number {
  const value = Number(values[name]);
  if (values[name]?.trim() && Number.isFinite(value) && value >= min) return value;
  throw new LocalError(`--${name} takes a number${min > 0 ? ' above 0' : ''}, not ${values[name]}.`);
}

/** Returns the number in an option, if it is given. */
export const readOptional = <Name extends string>(
  values: Readonly<Partial<Record<Name, string | undefined>>>,
  name: Name,
): number | undefined => (values[name] === undefined ? undefined : readNumber(values, name));
