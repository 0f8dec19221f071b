import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBookingTestDatabase, makeEvent } from '../testing.ts';
import { type EventSnapshot, findInventories, saveEventSnapshots } from './inventories.ts';

const NO_RULES = { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null };
const RULES = {
  salesStartAt: new Date('2030-05-01T09:00:00.123Z'),
  salesEndAt: new Date('2030-05-31T21:59:59.999Z'),
  maxSeatsPerUser: 4,
};

describe('the rules of an event in its snapshots', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: ReturnType<typeof test.connect>['database'];
  beforeAll(async () => {
    test = await createBookingTestDatabase();
    ({ database } = test.connect());
  });
  afterAll(() => test.remove());

  const save = (facts: EventSnapshot) => saveEventSnapshots(database, [facts]);
  async function rulesOf({ eventId }: EventSnapshot) {
    const [{ salesStartAt, salesEndAt, maxSeatsPerUser } = {}] = await findInventories(database, [eventId]);
    return { salesStartAt, salesEndAt, maxSeatsPerUser };
  }

  it('of the sale are saved with millisecond precision, and null removes them', async () => {
    const facts = await makeEvent(database, RULES);
    expect(await rulesOf(facts)).toEqual(RULES);
    await save({ ...facts, version: 2, ...NO_RULES });
    expect(await rulesOf(facts)).toEqual(NO_RULES);
  });

  it('of the sale do not change through an older version', async () => {
    const facts = await makeEvent(database, { version: 2, ...RULES });
    await save({ ...facts, version: 1, ...NO_RULES });
    expect(await rulesOf(facts)).toEqual(RULES);
  });

  it('of the sale do not change when a publisher of an older release leaves them out', async () => {
    const without = await makeEvent(database);
    expect(await rulesOf(without)).toEqual(NO_RULES);
    const facts = await makeEvent(database, RULES);
    await save({ ...without, eventId: facts.eventId, version: 2, status: 'CANCELLED' });
    expect(await rulesOf(facts)).toEqual(RULES);
    expect(await findInventories(database, [facts.eventId])).toMatchObject([{ status: 'CANCELLED' }]);
  });

  it('of the sale are added when an older release has saved the same version without them', async () => {
    const facts = await makeEvent(database);
    await save({ ...facts, ...RULES });
    expect(await rulesOf(facts)).toEqual(RULES);
  });

  const deadlineOf = async ({ eventId }: EventSnapshot) =>
    (await findInventories(database, [eventId]))[0]?.cancellationDeadline;
  const DEADLINE = new Date('2030-05-31T19:30:00.123Z');

  it('of cancellations are saved, removed by null, and not changed by an older version', async () => {
    const facts = await makeEvent(database, { version: 2, cancellationDeadline: DEADLINE });
    await save({ ...facts, version: 1, cancellationDeadline: null });
    expect(await deadlineOf(facts)).toEqual(DEADLINE);
    await save({ ...facts, version: 3, cancellationDeadline: null });
    expect(await deadlineOf(facts)).toBeNull();
  });

  it('of cancellations do not change when a publisher of an older release leaves them out, even if it sends rules of the sale', async () => {
    const facts = await makeEvent(database, { cancellationDeadline: DEADLINE });
    const { cancellationDeadline: _, ...older } = facts;
    await save({ ...older, ...RULES, version: 2 });
    expect(await deadlineOf(facts)).toEqual(DEADLINE);
    expect(await findInventories(database, [facts.eventId])).toMatchObject([RULES]);
  });

  it('of cancellations are added when an older release has saved the same version without them', async () => {
    const facts = await makeEvent(database);
    await save({ ...facts, cancellationDeadline: DEADLINE });
    expect(await deadlineOf(facts)).toEqual(DEADLINE);
  });
});
