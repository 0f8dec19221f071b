import type { ChangedFacts, Delivery, EventDetails } from './delivery.ts';
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
  EVENT_CHANGED: { title: 'Event changed', sentence: 'the time or the place of an event that you booked has changed.' },
};

export const FOR_PEOPLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' });

/**
 * Writes the mail about a booking, an offer or a changed event, as plain text and as HTML. Names cannot add a line, header
 * or markup, whatever they contain.
 */
export function composeMail({ notification, recipient, event, change }: Delivery): MailContent {
  const { title, sentence } = WORDS[notification.kind];
  const eventName = onOneLine(event.name);
  const greeting = `Hello ${onOneLine(recipient.name)},`;
  const facts: readonly Fact[] = [
    ['Event', eventName],
    ...(change === undefined ? factsOf(event) : changedFacts(change, event)),
    ['Seats', String(notification.seatCount)],
    ...(notification.expiresAt === null
      ? []
      : [['Book until', timeIn(event.timeZone, notification.expiresAt)] as const]),
    ...(notification.reason === null ? [] : [['Reason', onOneLine(notification.reason)] as const]),
    ...(change === undefined
      ? [[notification.kind === 'WAITLIST_OFFERED' ? 'Hold' : 'Booking', notification.bookingId] as const]
      : []),
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

type Fact = readonly [label: string, value: string];

const factsOf = ({ venue, startsAt, timeZone }: EventDetails): Fact[] => [
  ...(venue === null ? [] : [['Venue', onOneLine(venue)] as const]),
  ['Time', timeIn(timeZone, startsAt)],
];

/** The facts after a change, with the earlier values of those that have changed. */
function changedFacts({ venue, startsAt, previousVenue, previousStartsAt }: ChangedFacts, { timeZone }: EventDetails) {
  const venueText = (value: string | null) => (value === null ? 'to be announced' : onOneLine(value));
  const isMoved = startsAt.getTime() !== previousStartsAt.getTime();
  const facts: Fact[] = [
    ['Venue', venueText(venue)],
    ...(venue === previousVenue ? [] : [['Venue before', venueText(previousVenue)] as const]),
    ['Time', timeIn(timeZone, startsAt)],
    ...(isMoved ? [['Time before', timeIn(timeZone, previousStartsAt)] as const] : []),
  ];
  return facts;
}

/**
 * Returns a time in a time zone with the name of the zone, and in UTC. A zone that this process does not know becomes UTC:
 * the data of the event subgraph's Node.js may be newer.
 */
function timeIn(timeZone: string, time: Date): string {
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
