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
  WAITLIST_OFFERED: {
    title: 'Seats available',
    sentence: 'the seats that you waited for are held for you. Book them in time, or somebody else gets them.',
  },
};

export const FOR_PEOPLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' });

/**
 * Writes the mail about a booking or an offer, as plain text and as HTML. Names cannot add a line, header or markup,
 * whatever they contain.
 */
export function composeMail({ notification, recipient, event }: Delivery): MailContent {
  const { title, sentence } = WORDS[notification.kind];
  const eventName = onOneLine(event.name);
  const greeting = `Hello ${onOneLine(recipient.name)},`;
  const facts: readonly (readonly [label: string, value: string])[] = [
    ['Event', eventName],
    ...(event.venue === null ? [] : [['Venue', onOneLine(event.venue)] as const]),
    ['Time', timeText(event.startsAt)],
    ['Seats', String(notification.seatCount)],
    ...(notification.expiresAt === null ? [] : [['Book until', timeText(notification.expiresAt)] as const]),
    [notification.kind === 'WAITLIST_OFFERED' ? 'Hold' : 'Booking', notification.bookingId],
  ];
  return {
    subject: `${title}: ${eventName}`,
    text: [greeting, '', sentence, '', ...facts.map(([label, value]) => `${label}: ${value}`), ''].join('\n'),
    html: htmlPage(title, [
      `<p>${escapeHtml(greeting)}</p>`,
      `<p>${sentence}</p>`,
      '<table>',
      ...facts.map(([label, value]) => `<tr><th align="left">${label}</th><td>${escapeHtml(value)}</td></tr>`),
      '</table>',
    ]),
  };
}

/** Returns the page of a mail. The title and the lines of the body must be HTML. */
export const htmlPage = (title: string, body: readonly string[]): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body>
${body.join('\n')}
</body>
</html>
`;

const timeText = (time: Date): string => `${FOR_PEOPLE.format(time)} UTC (${time.toISOString()})`;

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
