import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addNotifications, createNotificationDatabase } from '../testing.ts';
import { insertDeadLetters } from './dead-letters.ts';
import { pruneDeadLetters, pruneEventDetails, pruneNotifications } from './retention.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
/** Returns an id that was made so many days ago. */
const idOf = (days: number) => v7({ msecs: daysAgo(days).getTime() });

let fixture: Awaited<ReturnType<typeof createNotificationDatabase>>;
beforeAll(async () => {
  fixture = await createNotificationDatabase();
});
afterAll(() => fixture.close());
beforeEach(() => fixture.empty());

test('SENT and FAILED notifications are pruned after the retention period, but PENDING ones are not', async () => {
  const ids = Array.from({ length: 7 }, (_, index) => idOf(index < 5 ? 91 : 89));
  const [pending = '', failed = '', ...rest] = ids;
  await addNotifications(
    fixture.database,
    ids.map((id) => ({ id })),
  );
  await fixture.database.notification.updateMany({ where: { id: { in: rest } }, data: { status: 'SENT' } });
  await fixture.database.notification.update({ where: { id: failed }, data: { status: 'FAILED' } });
  const prune = pruneNotifications(fixture.database, 90);
  expect([await prune(3), await prune(3), await prune(3)]).toEqual([3, 1, 0]);
  const left = await fixture.database.notification.findMany({ orderBy: { id: 'asc' } });
  expect(left.map(({ id }) => id)).toEqual([pending, ...ids.slice(5)].toSorted());
});

test('dead letters are pruned after the retention period, counted from the redrive or the storage', async () => {
  const letter = { consumer: 'c', subject: 's', payload: new Uint8Array(1), reason: 'r', deliveries: 5 };
  const stored = { old: idOf(91), recent: idOf(89), putBackLongAgo: idOf(200), putBackRecently: idOf(201) };
  await fixture.database.$transaction((transaction) =>
    insertDeadLetters(
      transaction,
      Object.values(stored).map((id) => ({ ...letter, id })),
    ),
  );
  const putBack = (id: string, days: number) =>
    fixture.database.deadLetter.update({ where: { id }, data: { redrivenAt: daysAgo(days) } });
  await putBack(stored.putBackLongAgo, 91);
  await putBack(stored.putBackRecently, 89);
  const prune = pruneDeadLetters(fixture.database, 90);
  expect([await prune(1), await prune(5), await prune(5)]).toEqual([1, 1, 0]);
  const left = await fixture.database.deadLetter.findMany();
  expect(left.map(({ id }) => id).toSorted()).toEqual([stored.recent, stored.putBackRecently].toSorted());
});

test('event facts are pruned 30 days after the retention period of notifications', async () => {
  const facts = (days: number) => ({ eventId: v7(), name: 'Concert', startsAt: daysAgo(days), version: 1 });
  const kept = [facts(119), facts(0), facts(-10)];
  await fixture.database.eventFact.createMany({ data: [facts(121), facts(400), ...kept] });
  const prune = pruneEventDetails(fixture.database, 90);
  expect([await prune(1), await prune(5), await prune(5)]).toEqual([1, 1, 0]);
  const left = await fixture.database.eventFact.findMany();
  expect(left.map(({ eventId }) => eventId).toSorted()).toEqual(kept.map(({ eventId }) => eventId).toSorted());
});

test('the bookings of an event are pruned in batches before its facts', async () => {
  const [old, recent] = [121, 119].map((days) => ({
    eventId: v7(),
    name: 'Concert',
    startsAt: daysAgo(days),
    version: 1,
  }));
  if (old === undefined || recent === undefined) throw new Error('no events');
  await fixture.database.eventFact.createMany({ data: [old, recent] });
  await fixture.database.eventBooking.createMany({
    data: [old, old, old, recent].map(({ eventId }) => ({ eventId, userId: v7(), bookingId: v7(), seatCount: 1 })),
  });
  const prune = pruneEventDetails(fixture.database, 90);
  expect([await prune(2), await prune(2), await prune(2)]).toEqual([2, 2, 0]);
  expect(await fixture.database.eventBooking.findMany()).toMatchObject([{ eventId: recent.eventId }]);
  expect(await fixture.database.eventFact.findMany()).toMatchObject([{ eventId: recent.eventId }]);
});
