import { z } from 'zod';

/** The zone of events whose organizer names none. */
export const DEFAULT_TIME_ZONE = 'UTC';

/** A name, not an offset like +01:00. All names of the IANA database have this form. */
const NAME = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;
const LENGTH_MAX = 64;

/** The IANA name of a time zone that this process knows, in any case. The output has the usual case. */
export const timeZoneName = () =>
  z.string().transform((name, context) => {
    const known = name.length <= LENGTH_MAX && NAME.test(name) ? findTimeZone(name) : undefined;
    if (known !== undefined) return known;
    context.addIssue({ code: 'custom', message: 'must be the IANA name of a time zone, like Europe/Berlin' });
    return z.NEVER;
  });

function findTimeZone(name: string): string | undefined {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    // For an alias, the resolved name is another one: the organizer's name stays.
    return timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name;
  } catch {
    return undefined;
  }
}
