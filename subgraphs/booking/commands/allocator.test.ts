import { describe, expect, it, vi } from 'vitest';
import {
  type BookOutcome,
  type BookRequest,
  decide,
  type LockedState,
  type SeatRequest,
} from '../domain/allocation.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { AllocateBatch } from './allocate-batch.ts';
import { createAllocator } from './allocator.ts';

const book = (bookingId: string, change: Partial<BookRequest> = {}): BookRequest => ({
  kind: 'book',
  bookingId,
  eventId: 'concert',
  userId: 'ada',
  seatCount: 1,
  callerId: 'ada',
  idempotencyKey: `key-of-${bookingId}`,
  requestId: 'test',
  ...change,
});

const inventory: Inventory = {
  eventId: 'concert',
  organizerId: 'olga',
  startsAt: new Date('2030-01-01T00:00:00.000Z'),
  status: 'SCHEDULED',
  totalSeats: 1_000,
  availableSeats: 1_000,
};

/** A database in memory that commits a batch at a time, and fails on demand before or after a commit. */
function createFakeDatabase() {
  const batches: string[][] = [];
  let state: LockedState = {
    now: new Date('2026-11-22T09:30:00.000Z'),
    inventories: new Map([['concert', inventory]]),
    bookings: new Map(),
    keys: new Map(),
  };
  const hooks = {
    before: async (_batch: readonly SeatRequest[]): Promise<void> => undefined,
    after: async (_batch: readonly SeatRequest[]): Promise<void> => undefined,
  };
  const allocateBatch: AllocateBatch = async (batch) => {
    batches.push(batch.map((request) => (request.kind === 'book' ? request.bookingId : request.kind)));
    await hooks.before(batch);
    const { outcomes, writes } = decide(batch, state);
    const keys = new Map(state.keys);
    for (const { booking, request } of writes.booked)
      keys.set(`${request.callerId} ${request.idempotencyKey}`, booking);
    const inventories = new Map(state.inventories);
    for (const changed of writes.inventories) inventories.set(changed.eventId, changed);
    state = { ...state, inventories, keys };
    await hooks.after(batch);
    return outcomes;
  };
  return { batches, hooks, allocateBatch, availableSeats: () => state.inventories.get('concert')?.availableSeats };
}

const failure = (errno: number) => Object.assign(new Error(`error ${errno}`), { errno });
const LOST_CONNECTION = 45_009;
const DEADLOCK = 1_213;
const DUPLICATE_KEY = 1_062;
const CHECK_VIOLATED = 4_025;
const unavailable = expect.objectContaining({
  extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 }),
});

const start = (allocateBatch: AllocateBatch, { queueMax = 1_000, queueTimeoutMs = 5_000 } = {}) =>
  createAllocator({ allocateBatch, queueMax, queueTimeoutMs });

const idOf = (outcome: BookOutcome) => (outcome.outcome === 'booked' ? outcome.booking.id : outcome.outcome);

/** A promise, and what opens it. */
const gate = () => Promise.withResolvers<void>();

describe('the allocator', () => {
  it('commits what comes at once together, and what comes meanwhile in the next batch, in order of arrival', async () => {
    const { batches, hooks, allocateBatch } = createFakeDatabase();
    const commit = gate();
    const begun = gate();
    hooks.before = async () => {
      begun.resolve();
      await commit.promise;
    };
    const allocator = start(allocateBatch);
    const first = ['a', 'b'].map((id) => allocator.submit(book(id)));
    await begun.promise;
    const second = ['c', 'd', 'e'].map((id) => allocator.submit(book(id)));
    commit.resolve();
    expect((await Promise.all([...first, ...second])).map(idOf)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  it('never puts more than 256 into a batch', async () => {
    const { batches, allocateBatch } = createFakeDatabase();
    const allocator = start(allocateBatch);
    await Promise.all(Array.from({ length: 600 }, (_, index) => allocator.submit(book(`b${index}`))));
    expect(batches.map(({ length }) => length)).toEqual([256, 256, 88]);
  });

  it('does not let large requests starve a small one, nor one that does not fit hold up those behind it', async () => {
    const { allocateBatch } = createFakeDatabase();
    const allocator = start(allocateBatch);
    const requests = [
      book('most', { seatCount: 995 }),
      book('large', { seatCount: 10 }),
      book('small', { seatCount: 5 }),
    ];
    const outcomes = await Promise.all(requests.map((request) => allocator.submit(request)));
    expect(outcomes.map(idOf)).toEqual(['most', 'sold-out', 'small']);
  });

  it('refuses at once what does not fit into the queue, and goes on with the rest', async () => {
    const { allocateBatch } = createFakeDatabase();
    const allocator = start(allocateBatch, { queueMax: 3 });
    const waiting = ['a', 'b', 'c'].map((id) => allocator.submit(book(id)));
    await expect(allocator.submit(book('d'))).rejects.toEqual(unavailable);
    expect((await Promise.all(waiting)).map(idOf)).toEqual(['a', 'b', 'c']);
    expect(idOf(await allocator.submit(book('e')))).toBe('e');
  });

  it('does not book what has waited beyond its time before its batch began', async () => {
    const { hooks, allocateBatch, availableSeats } = createFakeDatabase();
    const commit = gate();
    const begun = gate();
    hooks.before = async () => {
      begun.resolve();
      await commit.promise;
    };
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const allocator = start(allocateBatch, { queueTimeoutMs: 100 });
    const first = allocator.submit(book('a'));
    await begun.promise;
    const late = allocator.submit(book('late'));
    vi.spyOn(performance, 'now').mockReturnValue(101);
    commit.resolve();
    await first;
    await expect(late).rejects.toEqual(unavailable);
    expect(availableSeats()).toBe(999);
    vi.restoreAllMocks();
  });

  it('keeps a request that fails from failing its neighbours', async () => {
    const { hooks, allocateBatch } = createFakeDatabase();
    hooks.before = async (batch) => {
      if (batch.some((one) => one.kind === 'book' && one.bookingId === 'bad')) throw failure(CHECK_VIOLATED);
    };
    const allocator = start(allocateBatch);
    const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it.each([
    ['the victim of a deadlock', DEADLOCK, 1],
    ['refused by a database that comes back', LOST_CONNECTION, 2],
  ])('tries a batch again, whole, when it was %s', async (_why, errno, times) => {
    const { batches, hooks, allocateBatch } = createFakeDatabase();
    let left = times;
    hooks.before = async () => {
      if (left-- > 0) throw failure(errno);
    };
    const allocator = start(allocateBatch);
    const outcomes = await Promise.all(['a', 'b'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(idOf)).toEqual(['a', 'b']);
    expect(batches).toHaveLength(times + 1);
  });

  it('gives up on a database that stays away, after a bounded number of attempts, for all who wait', async () => {
    const { batches, hooks, allocateBatch } = createFakeDatabase();
    hooks.before = async () => {
      throw failure(LOST_CONNECTION);
    };
    const allocator = start(allocateBatch);
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(batches.length).toBeLessThanOrEqual(5);
  });

  it('answers with what was committed when the connection was lost during the commit', async () => {
    const { hooks, allocateBatch, availableSeats } = createFakeDatabase();
    let lost = false;
    hooks.after = async () => {
      if (lost) return;
      lost = true;
      throw failure(LOST_CONNECTION);
    };
    const allocator = start(allocateBatch);
    const outcomes = await Promise.all(['a', 'b'].map((id) => allocator.submit(book(id))));
    expect(outcomes).toMatchObject([
      { booking: { id: 'a' }, replayed: false },
      { booking: { id: 'b' }, replayed: false },
    ]);
    expect(availableSeats()).toBe(998);
  });

  it('reads a key that another process has used meanwhile', async () => {
    const { hooks, allocateBatch } = createFakeDatabase();
    const elsewhere = start(allocateBatch);
    let raced = false;
    hooks.before = async () => {
      if (raced) return;
      raced = true;
      await elsewhere.submit(book('theirs', { idempotencyKey: 'the-same-key' }));
      throw failure(DUPLICATE_KEY);
    };
    const outcome = await start(allocateBatch).submit(book('ours', { idempotencyKey: 'the-same-key' }));
    expect(outcome).toMatchObject({ booking: { id: 'theirs' }, replayed: true });
  });

  it('decides what waits before it stops', async () => {
    const { allocateBatch, availableSeats } = createFakeDatabase();
    const allocator = start(allocateBatch);
    const waiting = Promise.all(Array.from({ length: 300 }, (_, index) => allocator.submit(book(`b${index}`))));
    await allocator.stop();
    expect(availableSeats()).toBe(700);
    await waiting;
  });
});
