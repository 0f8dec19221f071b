import { describe, expect, it, vi } from 'vitest';
import { decide } from '../domain/allocation.ts';
import { type LockedState, WITHOUT_WAITLIST } from '../domain/draft.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { BookOutcome, BookRequest, SeatRequest } from '../domain/seat-requests.ts';
import { type BatchAllocation, type DecidedOutcome, HELD } from './allocate-batch.ts';
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
  salesStartAt: null,
  salesEndAt: null,
  maxSeatsPerUser: null,
  cancellationDeadline: null,
  totalSeats: 1_000,
  availableSeats: 1_000,
  heldSeats: 0,
  checkedInSeats: 0,
  nextHoldExpiresAt: null,
  waitingSeats: 0,
  lastWaitlistPlace: 0,
};

/** A database in memory. Tests can lock inventories, and make it fail before or after a commit. */
function createFakeDatabase() {
  const batches: string[][] = [];
  let state: LockedState = {
    now: new Date('2026-11-22T09:30:00.000Z'),
    inventories: new Map(['concert', 'play', 'match'].map((eventId) => [eventId, { ...inventory, eventId }])),
    bookings: new Map(),
    keys: new Map(),
    userSeats: new Map(),
    holds: new Map(),
    holdKeys: new Map(),
    expiredHolds: new Map(),
    ...WITHOUT_WAITLIST,
    offerTtlSeconds: 0,
    newId: () => 'none',
    checkIns: new Map(),
  };
  const hooks = {
    before: async (_batch: readonly SeatRequest[]): Promise<void> => undefined,
    after: async (_batch: readonly SeatRequest[]): Promise<void> => undefined,
  };
  /** The locked events. Each promise resolves when a wait for the lock ends: false means a lock time-out. */
  const held = new Map<string, PromiseWithResolvers<boolean>>();

  function commit(batch: readonly SeatRequest[]) {
    const { outcomes, writes } = decide(batch, state);
    const keys = new Map(state.keys);
    for (const { booking, request } of writes.booked)
      keys.set(`${request.callerId} ${request.idempotencyKey}`, booking);
    const inventories = new Map(state.inventories);
    for (const changed of writes.inventories) inventories.set(changed.eventId, changed);
    state = { ...state, inventories, keys };
    return outcomes;
  }
  const note = (batch: readonly SeatRequest[]) =>
    batches.push(batch.map((request) => (request.kind === 'book' ? request.bookingId : request.kind)));

  const allocation: BatchAllocation = {
    async allocateFree(batch) {
      note(batch);
      await hooks.before(batch);
      const outcomes: (DecidedOutcome | typeof HELD)[] = [];
      for (const request of batch) {
        outcomes.push(held.has(request.eventId) ? HELD : (commit([request])[0] as DecidedOutcome));
      }
      await hooks.after(batch);
      return outcomes;
    },
    async allocateHeld(eventId, take) {
      const isFree = (await held.get(eventId)?.promise) ?? true;
      if (!isFree) throw failure(LOCK_TIMEOUT);
      const batch = take();
      note(batch);
      await hooks.before(batch);
      const outcomes = commit(batch);
      await hooks.after(batch);
      return outcomes;
    },
  };
  return {
    batches,
    hooks,
    allocation,
    hold: (eventId: string) => void held.set(eventId, Promise.withResolvers()),
    free(eventId: string) {
      const lock = held.get(eventId);
      held.delete(eventId);
      lock?.resolve(true);
    },
    /** Ends the waits for an event with a lock time-out. The event stays locked. */
    timeOut(eventId: string) {
      const lock = held.get(eventId);
      held.set(eventId, Promise.withResolvers());
      lock?.resolve(false);
    },
    availableSeats: (eventId = 'concert') => state.inventories.get(eventId)?.availableSeats,
  };
}

const failure = (errno: number) => Object.assign(new Error(`error ${errno}`), { errno });
const LOST_CONNECTION = 45_009;
const DEADLOCK = 1_213;
const LOCK_TIMEOUT = 1_205;
const DUPLICATE_KEY = 1_062;
const CHECK_VIOLATED = 4_025;
const unavailable = expect.objectContaining({
  extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 }),
});

const start = (
  allocation: BatchAllocation,
  {
    queueMax = 1_000,
    queueTimeoutMs = 5_000,
    heldLanesMax = 2,
    roomLog = { failed: vi.fn(), succeeded: vi.fn() },
  } = {},
) => createAllocator({ allocation, queueMax, queueTimeoutMs, heldLanesMax, roomLog });

const idOf = (outcome: BookOutcome) => (outcome.outcome === 'booked' ? outcome.booking.id : outcome.outcome);

/** A promise that a test resolves. */
const gate = () => Promise.withResolvers<void>();

describe('the allocator', () => {
  it('commits simultaneous requests together, and requests during the commit in the next batch', async () => {
    const { batches, hooks, allocation } = createFakeDatabase();
    const commit = gate();
    const begun = gate();
    hooks.before = async () => {
      begun.resolve();
      await commit.promise;
    };
    const allocator = start(allocation);
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

  it('never puts more than 256 requests into a batch', async () => {
    const { batches, allocation } = createFakeDatabase();
    const allocator = start(allocation);
    await Promise.all(Array.from({ length: 600 }, (_, index) => allocator.submit(book(`b${index}`))));
    expect(batches.map(({ length }) => length)).toEqual([256, 256, 88]);
  });

  it('books a small request after a large one that was refused', async () => {
    const { allocation } = createFakeDatabase();
    const allocator = start(allocation);
    const requests = [
      book('most', { seatCount: 995 }),
      book('large', { seatCount: 10 }),
      book('small', { seatCount: 5 }),
    ];
    const outcomes = await Promise.all(requests.map((request) => allocator.submit(request)));
    expect(outcomes.map(idOf)).toEqual(['most', 'sold-out', 'small']);
  });

  it('refuses a request at once when the queue is full, and answers the others', async () => {
    const { allocation } = createFakeDatabase();
    const roomLog = { failed: vi.fn(), succeeded: vi.fn() };
    const allocator = start(allocation, { queueMax: 3, roomLog });
    const waiting = ['a', 'b', 'c'].map((id) => allocator.submit(book(id)));
    await expect(allocator.submit(book('d'))).rejects.toEqual(unavailable);
    expect((await Promise.all(waiting)).map(idOf)).toEqual(['a', 'b', 'c']);
    expect(idOf(await allocator.submit(book('e')))).toBe('e');
    expect([roomLog.failed.mock.calls.length, roomLog.succeeded.mock.calls.length]).toEqual([1, 4]);
  });

  it('does not book a request that expired before its batch began', async () => {
    const { hooks, allocation, availableSeats } = createFakeDatabase();
    const commit = gate();
    const begun = gate();
    hooks.before = async () => {
      begun.resolve();
      await commit.promise;
    };
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const allocator = start(allocation, { queueTimeoutMs: 100 });
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

  it('fails only the faulty request of a batch', async () => {
    const { hooks, allocation } = createFakeDatabase();
    hooks.before = async (batch) => {
      if (batch.some((one) => one.kind === 'book' && one.bookingId === 'bad')) throw failure(CHECK_VIOLATED);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it.each([
    ['ten conflicts in a row, as between two nodes of a Galera cluster', DEADLOCK, 10],
    ['a deadlock', DEADLOCK, 1],
    ['a short database outage', LOST_CONNECTION, 2],
  ])('retries the whole batch after %s', async (_why, errno, times) => {
    const { batches, hooks, allocation } = createFakeDatabase();
    let left = times;
    hooks.before = async () => {
      if (left-- > 0) throw failure(errno);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.all(['a', 'b'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(idOf)).toEqual(['a', 'b']);
    expect(batches).toHaveLength(times + 1);
  });

  it('fails all waiting requests after a bounded number of attempts when the database stays unavailable', async () => {
    const { batches, hooks, allocation } = createFakeDatabase();
    hooks.before = async () => {
      throw failure(LOST_CONNECTION);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((id) => allocator.submit(book(id))));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(batches.length).toBeLessThanOrEqual(5);
  });

  it('returns the committed bookings when the connection was lost during the commit', async () => {
    const { hooks, allocation, availableSeats } = createFakeDatabase();
    let lost = false;
    hooks.after = async () => {
      if (lost) return;
      lost = true;
      throw failure(LOST_CONNECTION);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.all(['a', 'b'].map((id) => allocator.submit(book(id))));
    expect(outcomes).toMatchObject([
      { booking: { id: 'a' }, replayed: false },
      { booking: { id: 'b' }, replayed: false },
    ]);
    expect(availableSeats()).toBe(998);
  });

  it('returns the booking of another process that has just used the same key', async () => {
    const { hooks, allocation } = createFakeDatabase();
    const elsewhere = start(allocation);
    let raced = false;
    hooks.before = async () => {
      if (raced) return;
      raced = true;
      await elsewhere.submit(book('theirs', { idempotencyKey: 'the-same-key' }));
      throw failure(DUPLICATE_KEY);
    };
    const outcome = await start(allocation).submit(book('ours', { idempotencyKey: 'the-same-key' }));
    expect(outcome).toMatchObject({ booking: { id: 'theirs' }, replayed: true });
  });

  it('retries the whole batch when another process has just used one of its keys', async () => {
    const { batches, hooks, allocation } = createFakeDatabase();
    let left = 1;
    hooks.before = async () => {
      if (left-- > 0) throw failure(DUPLICATE_KEY);
    };
    const allocator = start(allocation);
    await Promise.all(Array.from({ length: 256 }, (_, index) => allocator.submit(book(`b${index}`))));
    expect(batches.map(({ length }) => length)).toEqual([256, 256]);
  });

  it.each([
    ['violates a constraint of the table', CHECK_VIOLATED],
    ['needs a lock that is not released', LOCK_TIMEOUT],
  ])('halves a batch until the request that %s is alone', async (_what, errno) => {
    const { batches, hooks, allocation } = createFakeDatabase();
    hooks.before = async (batch) => {
      if (batch.some((one) => one.kind === 'book' && one.bookingId === 'b77')) throw failure(errno);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 256 }, (_, index) => allocator.submit(book(`b${index}`))),
    );
    expect(outcomes.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
    expect(outcomes[77]?.status).toBe('rejected');
    // The batch itself, and two halves at each of eight levels.
    expect(batches.length).toBeLessThanOrEqual(1 + 2 * 8);
  });

  it('keeps retrying the other requests of a batch after one has expired', async () => {
    const { hooks, allocation } = createFakeDatabase();
    let left = 2;
    hooks.before = async () => {
      if (left-- > 0) throw failure(LOST_CONNECTION);
    };
    const allocator = start(allocation);
    const outcomes = await Promise.allSettled([
      allocator.submit(book('hasty'), { deadlineMs: performance.now() + 1 }),
      allocator.submit(book('patient')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('decides all waiting requests before it stops', async () => {
    const { allocation, availableSeats } = createFakeDatabase();
    const allocator = start(allocation);
    const waiting = Promise.all(Array.from({ length: 300 }, (_, index) => allocator.submit(book(`b${index}`))));
    await allocator.stop();
    expect(availableSeats()).toBe(700);
    await waiting;
  });

  describe('while another transaction has locked an event', () => {
    const ofEvent = (eventId: string) => (id: string) => book(id, { eventId });
    const [concert, play] = [ofEvent('concert'), ofEvent('play')];

    it.each([2, 0])(
      'books other events at once, and the locked event in order of arrival after its release (%i lanes)',
      async (heldLanesMax) => {
        const { batches, hold, free, allocation } = createFakeDatabase();
        hold('concert');
        const allocator = start(allocation, { heldLanesMax });
        const early = allocator.submit(concert('early'));
        expect(idOf(await allocator.submit(play('other')))).toBe('other');
        const late = ['late', 'later'].map((id) => allocator.submit(concert(id)));
        expect(idOf(await allocator.submit(play('another')))).toBe('another');
        free('concert');
        expect((await Promise.all([early, ...late])).map(idOf)).toEqual(['early', 'late', 'later']);
        const inOrder = batches.flat().filter((id) => ['early', 'late', 'later'].includes(id));
        expect(inOrder.slice(-3)).toEqual(['early', 'late', 'later']);
        await allocator.stop();
      },
    );

    it('tries a locked event again with the next batch before a lane waits for it', async () => {
      const { batches, hooks, hold, free, allocation } = createFakeDatabase();
      hold('concert');
      const allocateHeld = vi.fn(allocation.allocateHeld);
      let tries = 0;
      hooks.before = async () => {
        tries += 1;
        if (tries === 2) free('concert');
      };
      const allocator = start({ ...allocation, allocateHeld });
      const waiting = ['a', 'b'].map((id) => allocator.submit(concert(id)));
      expect((await Promise.all(waiting)).map(idOf)).toEqual(['a', 'b']);
      expect(batches).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
      expect(allocateHeld).not.toHaveBeenCalled();
    });

    it('refuses requests that expire, and does not book them later', async () => {
      const { hold, free, allocation, availableSeats } = createFakeDatabase();
      hold('concert');
      const allocator = start(allocation, { queueTimeoutMs: 150 });
      const waiting = ['a', 'b', 'c'].map((id) => allocator.submit(concert(id)));
      for (const one of waiting) await expect(one).rejects.toEqual(unavailable);
      free('concert');
      expect(idOf(await allocator.submit(concert('d')))).toBe('d');
      await allocator.stop();
      expect(availableSeats()).toBe(999);
    });

    it('refuses a request at the deadline of its caller', async () => {
      const { hold, free, allocation } = createFakeDatabase();
      hold('concert');
      const allocator = start(allocation);
      const hasty = allocator.submit(concert('hasty'), { deadlineMs: performance.now() + 100 });
      const patient = allocator.submit(concert('patient'));
      await expect(hasty).rejects.toEqual(unavailable);
      free('concert');
      expect(idOf(await patient)).toBe('patient');
    });

    it('tries locked events without a lane again with later batches', async () => {
      const { hold, free, allocation } = createFakeDatabase();
      const events = Array.from({ length: 300 }, (_, index) => `held-${index}`);
      for (const eventId of events) hold(eventId);
      hold('concert');
      const allocator = start(allocation, { queueTimeoutMs: 3_000 });
      const stuck = Promise.allSettled(events.map((eventId) => allocator.submit(book(eventId, { eventId }))));
      const waiting = allocator.submit(concert('a'));
      expect(idOf(await allocator.submit(play('b')))).toBe('b');
      free('concert');
      expect(idOf(await waiting)).toBe('a');
      for (const eventId of events) free(eventId);
      // These events have no inventory: their outcome is `unknown-event`.
      expect((await stuck).every(({ status }) => status === 'fulfilled')).toBe(true);
    });

    it('gives the lane to an event whose last wait did not time out', async () => {
      const { hold, free, timeOut, batches, allocation } = createFakeDatabase();
      hold('concert');
      hold('play');
      const allocator = start(allocation, { heldLanesMax: 1 });
      const first = ['a', 'b'].map((id) => allocator.submit(concert(id)));
      const second = allocator.submit(play('c'));
      // The lane waits for the event with more requests first.
      await vi.waitFor(() => expect(batches.flat()).toContain('c'));
      timeOut('concert');
      await vi.waitFor(() => expect(batches.flat().filter((id) => id === 'a').length).toBeGreaterThan(1));
      free('play');
      expect(idOf(await second)).toBe('c');
      free('concert');
      expect((await Promise.all(first)).map(idOf)).toEqual(['a', 'b']);
    });

    it('shares the queue between the locked events, so that one event cannot fill it alone', async () => {
      const { hold, free, allocation } = createFakeDatabase();
      for (const eventId of ['concert', 'play']) hold(eventId);
      const roomLog = { failed: vi.fn(), succeeded: vi.fn() };
      const allocator = start(allocation, { queueMax: 10, roomLog });
      const waiting: Promise<string>[] = [];
      const submit = async (request: BookRequest) => {
        waiting.push(allocator.submit(request).then(idOf, () => 'refused'));
        // One request at a time, so that none is refused because the main queue is full.
        await allocator.submit(ofEvent('match')(`after-${request.bookingId}`));
      };
      for (let index = 0; index < 12; index += 1) await submit(concert(`c${index}`));
      for (let index = 0; index < 6; index += 1) await submit(play(`p${index}`));
      free('concert');
      free('play');
      const outcomes = await Promise.all(waiting);
      const booked = (name: string) => outcomes.filter((outcome) => outcome.startsWith(name)).length;
      expect([booked('c'), booked('p')]).toEqual([10, 5]);
      expect(roomLog.failed).toHaveBeenCalledTimes(3);
    });

    it('answers the requests of a lane that lost its connection during the commit', async () => {
      const { hold, free, hooks, allocation, availableSeats } = createFakeDatabase();
      hold('concert');
      const allocator = start(allocation);
      const waiting = allocator.submit(concert('a'));
      await allocator.submit(play('b'));
      let lost = false;
      hooks.after = async () => {
        if (lost) return;
        lost = true;
        throw failure(LOST_CONNECTION);
      };
      free('concert');
      expect(await waiting).toMatchObject({ booking: { id: 'a' }, replayed: false });
      expect(availableSeats()).toBe(999);
    });
  });
});
