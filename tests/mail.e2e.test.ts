import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { book, createEvent, signUp } from './support/client.ts';
import { startMailServer } from './support/mail-server.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

let system: TestSystem;
let server: Awaited<ReturnType<typeof startMailServer>>;

beforeAll(async () => {
  server = await startMailServer();
  system = await startTestSystem({ env: { SMTP_URL: server.url } });
});
afterAll(async () => {
  await system?.stop();
  await server?.stop();
});

it('a booking, a change of its event and its cancellation each send one mail', async () => {
  const ada = await signUp(system.graphqlUrl, 'Ada Lovelace');
  const eventId = await createEvent(ada, {
    name: 'Chamber Music',
    venue: 'The Old Mill',
    startsAt: '2030-06-01T19:30:00Z',
  });
  const { booking } = await book(ada, eventId, { seatCount: 2 });
  await vi.waitFor(() => expect(server.mails).toHaveLength(1), { timeout: 20_000 });
  expect(server.mails[0]).toMatchObject({
    subject: 'Booking confirmed: Chamber Music',
    to: [{ name: 'Ada Lovelace', address: expect.stringContaining('@example.com') }],
  });
  for (const value of ['The Old Mill', '1 June 2030 at 19:30 UTC', '2030-06-01T19:30:00.000Z', booking.id]) {
    expect(server.mails[0]?.text).toContain(value);
    expect(server.mails[0]?.html).toContain(value);
  }
  const notifications = async () =>
    (await ada.send('{ notifications { nodes { kind channel status attempts } } }')).data.notifications.nodes;
  const sent = { channel: 'EMAIL', status: 'SENT' };
  await vi.waitFor(async () => expect(await notifications()).toMatchObject([{ kind: 'BOOKING_CONFIRMED', ...sent }]), {
    timeout: 20_000,
  });

  const moved = { id: eventId, expectedVersion: 1, venue: 'The New Mill', timeZone: 'Europe/Berlin' };
  const change = `mutation Move($input: UpdateEventInput!) {
    updateEvent(input: $input) { ... on UpdateEventPayload { event { version timeZone } } }
  }`;
  expect((await ada.send(change, { input: moved })).data.updateEvent.event).toEqual({
    version: 2,
    timeZone: 'Europe/Berlin',
  });
  await vi.waitFor(() => expect(server.mails).toHaveLength(2), { timeout: 40_000 });
  expect(server.mails[1]?.subject).toBe('Event changed: Chamber Music');
  const time = 'at 21:30 Central European Summer Time, Europe/Berlin (2030-06-01T19:30:00.000Z)';
  for (const line of ['Venue: The New Mill\n', 'Venue before: The Old Mill\n', time])
    expect(server.mails[1]?.text).toContain(line);
  const query = `{ notifications(first: 1) { nodes {
    kind booking { id } event { id venue } change { venue previousVenue startsAt previousStartsAt }
  } } }`;
  const startsAt = '2030-06-01T19:30:00.000Z';
  expect((await ada.send(query)).data.notifications.nodes).toEqual([
    {
      kind: 'EVENT_CHANGED',
      booking: null,
      event: { id: eventId, venue: 'The New Mill' },
      change: { venue: 'The New Mill', previousVenue: 'The Old Mill', startsAt, previousStartsAt: startsAt },
    },
  ]);

  await ada.send('mutation Cancel($id: ID!) { cancelBooking(input: { id: $id, reason: "I am ill" }) { __typename } }', {
    id: booking.id,
  });
  await vi.waitFor(() => expect(server.mails).toHaveLength(3), { timeout: 20_000 });
  expect(server.mails[2]).toMatchObject({ subject: 'Booking cancelled: Chamber Music' });
  expect(server.mails[2]?.text).toContain('Reason: I am ill\n');
});
