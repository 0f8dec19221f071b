import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { book, type Client, createEvent, signUp, signUpAdmin } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(() => system?.stop());

async function download(eventId: string, client?: Client) {
  const response = await fetch(`${system.urls.gateway}/events/${eventId}/attendees.csv`, {
    headers: client === undefined ? {} : { authorization: `Bearer ${client.accessToken}` },
  });
  return { status: response.status, lines: (await response.text()).split('\r\n') };
}

it('the organizer and admins download the attendees of an event, all pages of them, and nobody else does', async () => {
  const { graphqlUrl } = system;
  const [ada, bob, eve] = await Promise.all(
    ['Ada', '@Bob, "the builder"', 'Eve'].map((name) => signUp(graphqlUrl, name)),
  );
  const admin = await signUpAdmin(system);
  if (ada === undefined || bob === undefined || eve === undefined) throw new Error('nobody signed up');
  const eventId = await createEvent(ada, { totalSeats: 1_000, timeZone: 'Asia/Tokyo' });
  const first = (await book(bob, eventId, { seatCount: 3 })).booking.id;
  await bob.send('mutation Cancel($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', { id: first });
  for (let batch = 0; batch < 5; batch += 1) await Promise.all(Array.from({ length: 50 }, () => book(eve, eventId)));

  for (const reader of [ada, admin]) {
    const { status, lines } = await download(eventId, reader);
    expect(status).toBe(200);
    expect(lines[0]).toBe('booking,name,email,seats,status,created at (Asia/Tokyo)');
    expect(lines).toHaveLength(1 + 251 + 1);
    expect(new Set(lines.slice(1, -1).map((line) => line.split(',')[0])).size).toBe(251);
    const tokyo = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Tokyo' }).format(Date.now());
    expect(lines.at(-2)).toMatch(
      new RegExp(`^${first},"'@Bob, ""the builder""",[^,]+@example.com,3,CANCELLED,${tokyo} \\d\\d:\\d\\d:\\d\\d$`),
    );
  }
  for (const reader of [bob, eve]) expect((await download(eventId, reader)).status).toBe(403);
  expect((await download(eventId)).status).toBe(401);
  expect((await download(randomUUID(), ada)).status).toBe(404);
  expect((await download('nonsense', ada)).status).toBe(404);
});

it('the data of a user who has deleted their account is blank', async () => {
  const [ada, bob] = [await signUp(system.graphqlUrl, 'Ada'), await signUp(system.graphqlUrl, 'Bob')];
  const eventId = await createEvent(ada);
  const { booking } = await book(bob, eventId);
  await bob.send('mutation Delete($input: DeleteAccountInput!) { deleteAccount(input: $input) { __typename } }', {
    input: { password: 'correct horse battery' },
  });
  const { lines } = await download(eventId, ada);
  expect(lines[1]).toMatch(new RegExp(`^${booking.id},,,1,CONFIRMED,`));
});
