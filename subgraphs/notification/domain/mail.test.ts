import { expect, test } from 'vitest';
import type { Delivery, EventDetails } from './delivery.ts';
import { composeMail } from './mail.ts';
import type { Notification } from './notification.ts';

const NOTIFICATION: Notification = {
  id: 'notification-1',
  bookingId: 'booking-1',
  userId: 'user-1',
  eventId: 'event-1',
  seatCount: 3,
  kind: 'BOOKING_CONFIRMED',
  channel: 'EMAIL',
  status: 'PENDING',
  attempts: 1,
  createdAt: new Date(0),
  sentAt: null,
  expiresAt: null,
  requestId: null,
  traceparent: null,
  reason: null,
  changeId: null,
};
const EVENT: EventDetails = {
  name: 'Concert',
  venue: 'Hall',
  startsAt: new Date('2030-06-01T19:30:00.000Z'),
  timeZone: 'UTC',
};

const compose = ({
  notification,
  event,
  name = 'Ada Lovelace',
}: {
  notification?: Partial<Notification>;
  event?: Partial<EventDetails>;
  name?: string;
} = {}) => {
  const delivery: Delivery = {
    notification: { ...NOTIFICATION, ...notification },
    recipient: { name, email: 'ada@example.com' },
    event: { ...EVENT, ...event },
  };
  return composeMail(delivery);
};

test('a confirmation contains the event, venue, time, seats and booking, as text and as HTML', () => {
  const { subject, text, html } = compose();
  expect(subject).toBe('Booking confirmed: Concert');
  // The comma depends on the version of Node's language data.
  expect(text.replace('Saturday,', 'Saturday')).toBe(`Hello Ada Lovelace,

your booking is confirmed.

Event: Concert
Venue: Hall
Time: Saturday 1 June 2030 at 19:30 UTC (2030-06-01T19:30:00.000Z)
Seats: 3
Booking: booking-1
`);
  for (const line of text.split('\n').filter((one) => one.includes(': '))) {
    const [label, ...value] = line.split(': ');
    expect(html).toContain(`<tr><th align="left">${label}</th><td>${value.join(': ')}</td></tr>`);
  }
  expect(html).toContain('<p>Hello Ada Lovelace,</p>\n<p>your booking is confirmed.</p>');
});

test('a cancellation is stated in the subject, the text and the HTML', () => {
  const { subject, text, html } = compose({ notification: { kind: 'BOOKING_CANCELLED' } });
  expect(subject).toBe('Booking cancelled: Concert');
  for (const form of [text, html]) {
    expect(form).toContain('your booking is cancelled.');
    expect(form).not.toContain('confirmed');
  }
});

test('an offer says until when the seats are held, and names the hold', () => {
  const expiresAt = new Date('2030-05-31T08:00:00.000Z');
  const { subject, text, html } = compose({ notification: { kind: 'WAITLIST_OFFERED', expiresAt } });
  expect(subject).toBe('Seats available: Concert');
  for (const form of [text, html]) {
    expect(form).toContain('the seats that you waited for are held for you.');
    expect(form).toContain('(2030-05-31T08:00:00.000Z)');
  }
  expect(text).toMatch(/^Book until: .*31 May 2030/m);
  expect(text).toContain('\nHold: booking-1\n');
});

test('an offer says in the time zone of the event until when the seats are held', () => {
  const expiresAt = new Date('2030-05-31T08:00:00.000Z');
  const { text } = compose({
    notification: { kind: 'WAITLIST_OFFERED', expiresAt },
    event: { timeZone: 'Europe/Berlin' },
  });
  expect(text).toMatch(/^Book until: .*31 May 2030 at 10:00 Central European Summer Time, Europe\/Berlin/m);
});

test('a cancellation with a reason states it on one line', () => {
  const reason = 'The pianist\nis <ill>';
  const { text, html } = compose({ notification: { kind: 'BOOKING_CANCELLED', reason } });
  expect(text).toContain('\nReason: The pianist is <ill>\n');
  expect(html).toContain('The pianist is &lt;ill&gt;');
  expect(compose().text).not.toContain('Reason');
});

test('a change of the event shows the old and new values of what has changed', () => {
  const previous = { previousStartsAt: new Date('2030-05-31T18:00:00.000Z'), previousVenue: '<Barn>' };
  const now = { startsAt: EVENT.startsAt, venue: 'Hall' };
  const composeChange = (change: Delivery['change']) =>
    composeMail({
      notification: { ...NOTIFICATION, kind: 'EVENT_CHANGED' },
      recipient: { name: 'Ada', email: 'ada@example.com' },
      event: EVENT,
      change,
    });
  const both = composeChange({ ...now, ...previous });
  expect(both.subject).toBe('Event changed: Concert');
  expect(both.text.replaceAll('day,', 'day')).toContain(`
Venue: Hall
Venue before: <Barn>
Time: Saturday 1 June 2030 at 19:30 UTC (2030-06-01T19:30:00.000Z)
Time before: Friday 31 May 2030 at 18:00 UTC (2030-05-31T18:00:00.000Z)
Seats: 3
`);
  expect(both.html).toContain('&lt;Barn&gt;');
  expect(both.text).not.toContain('Booking:');
  const moved = composeChange({ ...now, ...previous, previousVenue: 'Hall' }).text;
  expect(moved).toContain('Time before');
  expect(moved).not.toContain('Venue before');
  const elsewhere = composeChange({ ...now, venue: null, ...previous, previousStartsAt: now.startsAt }).text;
  expect(elsewhere).toContain('\nVenue: to be announced\nVenue before: <Barn>\n');
  expect(elsewhere).not.toContain('Time before');
});

test.each([
  ['2030-06-01T19:30:00.000Z', 'Saturday 1 June 2030 at 21:30 Central European Summer Time, Europe/Berlin'],
  ['2030-12-31T23:30:00.000Z', 'Wednesday 1 January 2031 at 00:30 Central European Standard Time, Europe/Berlin'],
  // The hour that summer time skips, and one that exists twice.
  ['2030-03-31T01:00:00.000Z', 'Sunday 31 March 2030 at 03:00 Central European Summer Time, Europe/Berlin'],
  ['2030-10-27T01:30:00.000Z', 'Sunday 27 October 2030 at 02:30 Central European Standard Time, Europe/Berlin'],
])('the mail shows %s in the time zone of the event', (iso, local) => {
  const { text } = compose({ event: { startsAt: new Date(iso), timeZone: 'Europe/Berlin' } });
  expect(text.replace(/(day),/, '$1')).toContain(`\nTime: ${local} (${iso})\n`);
});

test('the mail shows the time in UTC if the time zone is not known here', () => {
  const { text } = compose({ event: { timeZone: 'Mars/Base' } });
  expect(text).toMatch(/at 19:30 UTC \(2030-06-01T19:30:00.000Z\)\n/);
});

test('the mail has no venue line if the event has no venue', () => {
  const { text, html } = compose({ event: { venue: null } });
  for (const form of [text, html]) expect(form).not.toMatch(/venue|null/i);
});

test('names cannot add markup', () => {
  const evil = `<img src="x" onerror='alert(1)'> & co`;
  const { text, html } = compose({ event: { name: evil, venue: evil }, name: evil });
  expect(html).not.toContain('<img');
  expect(html.match(/&lt;img src=&quot;x&quot; onerror=&#39;alert\(1\)&#39;&gt; &amp; co/g)).toHaveLength(3);
  expect(text).toContain(`Event: ${evil}\nVenue: ${evil}\n`);
});

test.each(['\r\n', '\n', '\r', '\0', '\u2028', '\u2029', '\u0085'])('names cannot add a line with %j', (lineEnd) => {
  const evil = `Concert${lineEnd}${lineEnd}Bcc: eve@example.com`;
  const { subject, text } = compose({ event: { name: evil, venue: evil }, name: evil });
  expect(subject).toBe('Booking confirmed: Concert Bcc: eve@example.com');
  expect(text.split('\n')).toHaveLength(compose().text.split('\n').length);
  expect(text).toContain('Hello Concert Bcc: eve@example.com,\n');
});

test('long names and names in any script stay unchanged', () => {
  const name = `${'𝕃ö'.repeat(60)} 👩‍👩‍👧 שלום مرحبا`;
  const { subject, text, html } = compose({ event: { name, venue: name }, name });
  expect(subject).toBe(`Booking confirmed: ${name}`);
  for (const form of [text, html]) expect(form.split(name)).toHaveLength(4);
});
