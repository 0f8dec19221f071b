import type { Delivery } from './delivery.ts';
import type { NotificationKind } from './notification.ts';

/** The content of a mail. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const WORDS: Readonly<Record<NotificationKind, { title: string; sentence: string }>> = {
  BOOKING_CONFIRMED: { title: 'Booking confirmed', sentence: 'your booking is confirmed.' },
  BOOKING_CANCELLED: { title: 'Booking cancelled', sentence: 'your booking is cancelled. Its seats are free again.' },
};

export const FOR_PEOPLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' });

/** Writes the mail about a booking, as plain text and as HTML. Names cannot add a line, header or markup, whatever they contain. */
export function composeMail({ notification, recipient, event }: Delivery): MailContent {
  const { title, sentence } = WORDS[notification.kind];
  const eventName = onOneLine(event.name);
  const greeting = `Hello ${onOneLine(recipient.name)},`;
  const facts: readonly (readonly [label: string, value: string])[] = [
    ['Event', eventName],
    ...(event.venue === null ? [] : [['Venue', onOneLine(event.venue)] as const]),
    ['Time', timeIn(event.timeZone, event.startsAt)],
    ['Seats', String(notification.seatCount)],
    ...(notification.reason === null ? [] : [['Reason', onOneLine(notification.reason)] as const]),
    ['Booking', notification.bookingId],
  ];
  return {
    subject: `${title}: ${eventName}`,
    text: [greeting, '', sentence, '', ...facts.map(([label, value]) => `${label}: ${value}`), ''].join('\n'),
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body>
<p>${escapeHtml(greeting)}</p>
<p>${sentence}</p>
<table>
${facts.map(([label, value]) => `<tr><th align="left">${label}</th><td>${escapeHtml(value)}</td></tr>`).join('\n')}
</table>
</body>
</html>
`,
  };
}

/**
 * Returns a time in a time zone with the name of the zone, and in UTC. A zone that this process does not know becomes UTC:
 * the data of the event subgraph's Node.js may be newer.
 */
export function timeIn(timeZone: string, time: Date): string {
  const iso = time.toISOString();
  if (timeZone === 'UTC' || !isKnown(timeZone)) return `${FOR_PEOPLE.format(time)} UTC (${iso})`;
  const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone }).format(time);
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'long', timeZone })
    .formatToParts(time)
    .find(({ type }) => type === 'timeZoneName');
  return `${local} ${zone?.value}, ${timeZone} (${iso})`;
}

function isKnown(timeZone: string): boolean {
  try {
    return Intl.DateTimeFormat('en-GB', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Replaces each run of control characters and line separators by one space. */
export const onOneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
