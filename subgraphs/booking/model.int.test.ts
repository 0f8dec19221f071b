import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProxy, type StoppingPoint } from '#platform/testing/proxy.ts';
import { closeNextEvent } from './commands/close-events.ts';
import type { SeatRequest } from './domain/seat-requests.ts';
import { EVENTS, Model, SEATS, type Window } from './domain/testing-model.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { type EventSnapshot, saveEventSnapshots } from './store/inventories.ts';
import {
  bookRequest,
  cancelRequest,
  checkInRequest,
  createBookingTestDatabase,
  createTestAllocator,
  holdRequest,
  joinRequest,
  makeEvent,
} from './testing.ts';

const USERS = [
  '00000000-0000-7000-8000-000000000001',
  '00000000-0000-7000-8000-000000000002',
  '00000000-0000-7000-8000-000000000003',
] as const;
const KEYS = ['key-number-1', 'key-number-2', 'key-number-3', 'key-number-4'] as const;
const HOUR_MS = 3_600_000;
/** The sales windows of the events, relative to now. */
const WINDOWS = {
  open: [-HOUR_MS, HOUR_MS],
  'sales-not-started': [HOUR_MS, null],
  'sales-ended': [null, -HOUR_MS],
} as const satisfies Record<Window, readonly (number | null)[]>;
const TTL_SECONDS = 3_600;

/** The points of a transaction at which a test cuts its connection. `said` is what the process has sent before. */
const CUTS = {
  'while it reads': {
    from: 'server',
    isReached: (_, said) => said.lastIndexOf('FOR UPDATE') > said.lastIndexOf('COMMIT;'),
  },
  'before its commit': { from: 'client', isReached: (chunk) => chunk.includes('COMMIT;') },
  'after its commit': { from: 'server', isReached: (_, said) => said.endsWith('COMMIT;SET autocommit = 1') },
} as const satisfies Record<string, StoppingPoint>;

const PROCESSES = 3;

/** How a request is sent: to which process, and where this process then loses its connections or is killed. */
interface Way {
  readonly process: number;
  readonly fault: { readonly at: keyof typeof CUTS; readonly isKill: boolean } | null;
}

const anyWay: fc.Arbitrary<Way> = fc.record({
  process: fc.nat(PROCESSES - 1),
  fault: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        at: fc.constantFrom(...(Object.keys(CUTS) as (keyof typeof CUTS)[])),
        isKill: fc.boolean(),
      }),
    },
  ),
});

const describeWay = ({ process, fault }: Way): string =>
  `by ${process}${fault === null ? '' : `, ${fault.isKill ? 'killed' : 'disconnected'} ${fault.at}`}`;

/** The ids in the real database. Their positions are the numbers that the model uses. */
interface Real {
  eventIds: string[];
  bookingIds: string[];
  holdIds: string[];
  entryIds: string[];
  /** The way of the next request. */
  way: Way;
}

/** The run makes several thousand commits, one after another. */
const RUN_TIMEOUT_MS = 120_000;
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 100_000);

describe(`random commands on the real database and on a model (TEST_SEED=${SEED})`, () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;
  let processes: Awaited<ReturnType<typeof startProcess>>[];

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    database = test.connect().database;
    processes = await Promise.all(Array.from({ length: PROCESSES }, startProcess));
  });
  afterAll(async () => {
    await test.remove();
    for (const { proxy } of processes) proxy.close();
  });

  async function startProcess() {
    const proxy = await createProxy(test.url);
    const { pool, end } = test.connect(proxy.url);
    return { proxy, end, allocator: createTestAllocator(pool) };
  }

  /** Sends a request. The client of a process that is killed sends it again to another one. */
  async function submit<Request extends SeatRequest>({ process, fault }: Way, request: Request) {
    const { proxy, end, allocator } = processes[process] as (typeof processes)[0];
    const reached = fault && proxy.stopAt(CUTS[fault.at]);
    const answer = allocator.submit(request);
    if (fault === null) return answer;
    await reached;
    proxy.cut();
    if (!fault.isKill) {
      proxy.restore();
      return answer;
    }
    answer.catch(() => undefined);
    proxy.close();
    await end();
    processes[process] = await startProcess();
    const other = processes[(process + 1) % PROCESSES] as (typeof processes)[0];
    return other.allocator.submit(request);
  }

  /** Enters the holds of the offers at the positions that the model gave them. */
  async function expectSameEntries(model: Model, { eventIds, holdIds, entryIds }: Real): Promise<void> {
    const rows = await database.waitlistEntry.findMany({ where: { eventId: { in: eventIds } } });
    expect(rows).toHaveLength(model.entries.length);
    for (const [index, { status, hold }] of model.entries.entries()) {
      const row = rows.find(({ id }) => id === entryIds[index]);
      expect(row?.status).toBe(status);
      expect(row?.holdId === null).toBe(hold === null);
      if (hold !== null) holdIds[hold] = row?.holdId ?? '';
    }
  }

  async function expectSame(model: Model, real: Real): Promise<void> {
    await expectSameEntries(model, real);
    const { eventIds, bookingIds, holdIds } = real;
    const inventories = await database.inventory.findMany({ where: { eventId: { in: eventIds } } });
    const seats = eventIds.map((id) => {
      const one = inventories.find(({ eventId }) => eventId === id);
      const { totalSeats, availableSeats, heldSeats, waitingSeats, checkedInSeats } = one ?? {};
      return { totalSeats, availableSeats, heldSeats, waitingSeats, checkedInSeats };
    });
    expect(seats).toEqual(
      model.events.map(({ total }, event) => ({
        totalSeats: total,
        availableSeats: model.free(event),
        heldSeats: model.held(event),
        waitingSeats: model.waiting(event).reduce((sum, { seats }) => sum + seats, 0),
        checkedInSeats: model.checkedIn(event),
      })),
    );
    const holds = await database.hold.findMany({ where: { eventId: { in: eventIds } } });
    expect(holdIds.map((id) => holds.find((one) => one.id === id)?.status)).toEqual(
      model.holds.map(({ status }) => status),
    );
    expect(holds).toHaveLength(model.holds.length);
    const bookings = await database.booking.findMany({ where: { eventId: { in: eventIds } } });
    const rows = bookingIds.map((id) => {
      const row = bookings.find((one) => one.id === id);
      const event = eventIds.indexOf(row?.eventId ?? '');
      const confirmed = row?.status === 'CONFIRMED';
      const { userId: user, seatCount: seats, cancellationReason: reason, checkedInSeats: checkedIn } = row ?? {};
      return { event, user, seats, confirmed, reason, checkedIn };
    });
    expect(rows).toEqual(model.bookings);
    expect(bookings).toHaveLength(model.bookings.length);
  }

  type Command = fc.AsyncCommand<Model, Real>;
  const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
    check: () => true,
    async run(model, real) {
      await run(model, real);
      await expectSame(model, real);
    },
    toString: () => name,
  });

  const event = fc.nat(EVENTS - 1);
  const book = fc
    .record({
      event,
      user: fc.constantFrom(...USERS),
      seats: fc.integer({ min: 1, max: 5 }),
      key: fc.constantFrom(...KEYS),
    })
    .map(({ event, user, seats, key }) =>
      command(`book(${event}, ${user.slice(-1)}, ${seats}, ${key.slice(-1)})`, async (model, real) => {
        const expected = model.book(event, user, seats, key);
        const eventId = real.eventIds[event] ?? '';
        // Keys stay in the database after a run, so each run uses its own keys.
        const idempotencyKey = `${key}-of-${real.eventIds[0]}`;
        const outcome = await submit(
          real.way,
          bookRequest({ eventId, userId: user, seatCount: seats, idempotencyKey }),
        );
        if (outcome.outcome === 'user-limit-reached')
          return expect(`user-limit-reached ${outcome.seatsLeft}`).toBe(expected);
        if (outcome.outcome !== 'booked') return expect(outcome.outcome).toBe(expected);
        if (!outcome.replayed) real.bookingIds.push(outcome.booking.id);
        const number = real.bookingIds.indexOf(outcome.booking.id);
        expect(outcome.replayed ? `replayed ${number}` : 'booked').toBe(expected);
      }),
    );
  const hold = fc
    .record({
      event,
      user: fc.constantFrom(...USERS),
      seats: fc.integer({ min: 1, max: 3 }),
      key: fc.constantFrom(...KEYS),
    })
    .map(({ event, user, seats, key }) =>
      command(`hold(${event}, ${user.slice(-1)}, ${seats}, ${key.slice(-1)})`, async (model, real) => {
        const expected = model.hold(event, user, seats, key);
        const eventId = real.eventIds[event] ?? '';
        const idempotencyKey = `${key}-of-${real.eventIds[0]}`;
        const outcome = await submit(
          real.way,
          holdRequest({ eventId, userId: user, seatCount: seats, idempotencyKey, ttlSeconds: TTL_SECONDS }),
        );
        if (outcome.outcome === 'user-limit-reached')
          return expect(`user-limit-reached ${outcome.seatsLeft}`).toBe(expected);
        if (outcome.outcome !== 'held') return expect(outcome.outcome).toBe(expected);
        const number = real.holdIds.indexOf(outcome.hold.id);
        if (outcome.replayed) return expect(`replayed ${number} ${outcome.hold.status}`).toBe(expected);
        expect(expected).toMatch(/^held /);
        real.holdIds[Number(expected.slice('held '.length))] = outcome.hold.id;
      }),
    );
  const anyHold = fc.nat(5);
  const aboutHold = (real: Real, model: Model, hold: number) => ({
    holdId: real.holdIds[hold] ?? newId(),
    eventId: real.eventIds[model.holds[hold]?.event ?? 0] ?? '',
    requestId: 'test',
  });
  const confirm = anyHold.map((hold) =>
    command(`confirm(${hold})`, async (model, real) => {
      const about = aboutHold(real, model, hold);
      if (real.holdIds[hold] === undefined) model.sweep(0);
      const expected = model.confirm(hold);
      // A retry after the commit finds the booking of the first attempt.
      const answer =
        expected === 'confirmed' && real.way.fault?.at === 'after its commit' ? 'confirmed again' : expected;
      const outcome = await submit(real.way, { kind: 'confirm-hold', ...about });
      if (outcome.outcome === 'hold-ended') return expect(`hold-ended ${outcome.hold.status}`).toBe(expected);
      if (outcome.outcome !== 'confirmed') return expect(outcome.outcome).toBe(expected);
      if (expected === 'confirmed') real.bookingIds.push(outcome.booking.id);
      expect(outcome.booking.id).toBe(about.holdId);
      expect(outcome.replayed ? 'confirmed again' : 'confirmed').toBe(answer);
    }),
  );
  const release = anyHold.map((hold) =>
    command(`release(${hold})`, async (model, real) => {
      const about = aboutHold(real, model, hold);
      if (real.holdIds[hold] === undefined) model.sweep(0);
      const expected = model.release(hold);
      const outcome = await submit(real.way, { kind: 'release-hold', ...about });
      expect(outcome.outcome === 'released' ? `released ${outcome.hold.status}` : outcome.outcome).toBe(expected);
    }),
  );
  /** Moves the expiry of a hold into the past. The event notices it with the next request. */
  const passTime = anyHold.map((hold) =>
    command(`passTime(${hold})`, async (model, real) => {
      const [one, id] = [model.holds[hold], real.holdIds[hold]];
      if (one === undefined || id === undefined) return;
      one.isOver = true;
      const expiresAt = new Date(Date.now() - HOUR_MS);
      await database.hold.update({ where: { id }, data: { expiresAt } });
      await database.inventory.updateMany({
        where: { eventId: real.eventIds[one.event] ?? '', nextHoldExpiresAt: { not: null } },
        data: { nextHoldExpiresAt: expiresAt },
      });
    }),
  );
  const sweep = event.map((event) =>
    command(`sweep(${event})`, async (model, real) => {
      model.sweep(event);
      const outcome = await submit(real.way, { kind: 'expire-holds', eventId: real.eventIds[event] ?? '' });
      expect(outcome).toEqual({ outcome: 'holds-expired', isDue: false });
    }),
  );
  const join = fc
    .record({ event, user: fc.constantFrom(...USERS), seats: fc.integer({ min: 1, max: 5 }) })
    .map(({ event, user, seats }) =>
      command(`join(${event}, ${user.slice(-1)}, ${seats})`, async (model, real) => {
        const expected = model.join(event, user, seats);
        const eventId = real.eventIds[event] ?? '';
        const outcome = await submit(real.way, joinRequest({ eventId, userId: user, seatCount: seats }));
        if (outcome.outcome === 'user-limit-reached')
          return expect(`user-limit-reached ${outcome.seatsLeft}`).toBe(expected);
        if (outcome.outcome !== 'joined') return expect(outcome.outcome).toBe(expected);
        if (!outcome.replayed) real.entryIds.push(outcome.entry.id);
        expect(outcome.replayed ? `replayed ${real.entryIds.indexOf(outcome.entry.id)}` : 'joined').toBe(expected);
      }),
    );
  const leave = fc.nat(5).map((entry) =>
    command(`leave(${entry})`, async (model, real) => {
      const entryId = real.entryIds[entry] ?? newId();
      const eventId = real.eventIds[model.entries[entry]?.event ?? 0] ?? '';
      if (real.entryIds[entry] === undefined) model.sweep(0);
      const expected = model.leave(entry);
      const outcome = await submit(real.way, { kind: 'leave-waitlist', entryId, eventId });
      expect(outcome.outcome === 'left' ? `left ${outcome.entry.status}` : outcome.outcome).toBe(expected);
    }),
  );
  const reason = fc.constantFrom(null, 'ill', 'Straße 🎟');
  const cancel = fc.record({ booking: fc.nat(9), isAdmin: fc.boolean(), reason }).map(({ booking, ...by }) =>
    command(`cancel(${booking}, ${by.isAdmin ? 'admin' : 'user'}, ${by.reason})`, async (model, real) => {
      const bookingId = real.bookingIds[booking];
      if (bookingId === undefined) return;
      const eventId = real.eventIds[model.bookings[booking]?.event ?? 0] ?? '';
      const expected = model.cancel(booking, by);
      const request = cancelRequest({ bookingId, eventId, hasDeadline: !by.isAdmin, reason: by.reason });
      expect((await submit(real.way, request)).outcome).toBe(expected);
    }),
  );
  const checkIn = fc
    .record({ booking: fc.nat(9), seats: fc.integer({ min: 1, max: 3 }), key: fc.constantFrom(...KEYS) })
    .map(({ booking, seats, key }) =>
      command(`checkIn(${booking}, ${seats}, ${key.slice(-1)})`, async (model, real) => {
        const bookingId = real.bookingIds[booking];
        if (bookingId === undefined) return;
        const eventId = real.eventIds[model.bookings[booking]?.event ?? 0] ?? '';
        const expected = model.checkIn(booking, seats, key);
        const outcome = await submit(real.way, checkInRequest({ bookingId, eventId, seats, deviceKey: key }));
        if (outcome.outcome === 'too-many-seats') return expect(`too-many-seats ${outcome.seatsLeft}`).toBe(expected);
        if (outcome.outcome !== 'checked-in') return expect(outcome.outcome).toBe(expected);
        expect(outcome.checkIn.seats).toBe(seats);
        expect(outcome.replayed ? 'replayed' : 'checked-in').toBe(expected);
      }),
    );
  const setCapacity = fc.record({ event, total: fc.integer({ min: 1, max: 12 }) }).map(({ event, total }) =>
    command(`setCapacity(${event}, ${total})`, async (model, real) => {
      const expected = model.setCapacity(event, total);
      const eventId = real.eventIds[event] ?? '';
      const { outcome } = await submit(real.way, { kind: 'set-capacity', eventId, totalSeats: total });
      expect(outcome).toBe(expected);
    }),
  );
  async function saveFacts(eventId: string, version: number, changes: Partial<EventSnapshot>): Promise<void> {
    const { status, ...facts } = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    const snapshot = { ...facts, status: status as EventSnapshot['status'], version, initialSeats: SEATS };
    await saveEventSnapshots(database, [{ ...snapshot, ...changes }]);
  }
  const setSale = fc
    .record({
      event,
      window: fc.constantFrom<Window>('open', 'open', 'sales-not-started', 'sales-ended'),
      limit: fc.option(fc.integer({ min: 1, max: SEATS })),
      isCancellationOver: fc.boolean(),
    })
    .map(({ event, window, limit, isCancellationOver }) =>
      command(`setSale(${event}, ${window}, ${limit}, ${isCancellationOver})`, async (model, real) => {
        model.setSale(event, { window, limit, isCancellationOver });
        const [salesStartAt, salesEndAt] = WINDOWS[window].map((ms) =>
          ms === null ? null : new Date(Date.now() + ms),
        );
        const cancellationDeadline = new Date(Date.now() + (isCancellationOver ? -HOUR_MS : HOUR_MS));
        const rules = { salesStartAt, salesEndAt, maxSeatsPerUser: limit, cancellationDeadline };
        await saveFacts(real.eventIds[event] ?? '', model.events[event]?.version ?? 0, rules);
      }),
    );
  const close = fc.record({ event, reason }).map(({ event, reason }) =>
    command(`close(${event}, ${reason})`, async (model, real) => {
      model.close(event, reason);
      const facts = { status: 'CANCELLED', cancellationReason: reason } as const;
      await saveFacts(real.eventIds[event] ?? '', model.events[event]?.version ?? 0, facts);
      const relay = { nudge: () => undefined, requireRoom: () => undefined };
      while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
    }),
  );

  const inAnyWay = (commands: fc.Arbitrary<Command>): fc.Arbitrary<Command> =>
    fc.tuple(commands, anyWay).map(([command, way]) => ({
      check: () => true,
      run: (model, real) => command.run(model, Object.assign(real, { way })),
      toString: () => `${command} ${describeWay(way)}`,
    }));

  it(
    'have the same result after every step, whichever process gets it and wherever its connections break',
    async () => {
      const ofBookings = [book, book, book, cancel, checkIn, checkIn, setCapacity, setSale, close];
      const ofHolds = [hold, hold, hold, confirm, release, passTime, sweep];
      const ofWaitlists = [join, join, join, leave];
      const all = [...ofBookings, ...ofHolds, ...ofWaitlists].map(inAnyWay);
      const commands = fc.commands(all, { maxCommands: 60, size: 'max' });
      await fc.assert(
        fc.asyncProperty(commands, async (steps) => {
          const events = await Promise.all(
            Array.from({ length: EVENTS }, () => makeEvent(database, { initialSeats: SEATS })),
          );
          const real: Real = {
            eventIds: events.map(({ eventId }) => eventId),
            bookingIds: [],
            holdIds: [],
            entryIds: [],
            way: { process: 0, fault: null },
          };
          await fc.asyncModelRun(() => ({ model: new Model(), real }), steps);
        }),
        { numRuns: 30, endOnFailure: false, seed: SEED },
      );
    },
    RUN_TIMEOUT_MS,
  );
});
