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
    ['Time', `${FOR_PEOPLE.format(event.startsAt)} UTC (${event.startsAt.toISOString()})`],
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
