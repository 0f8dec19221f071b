import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { anonymous, book, type Client, createEvent, holdSeats, signUp, signUpAdmin } from './support/client.ts';
import { openTestSystem, type RunningSystem } from './support/system.ts';

const CREATE_EVENT = `mutation CreateEvent($input: CreateEventInput!) {
  createEvent(input: $input) { ... on CreateEventPayload { event { id version totalSeats availableSeats } } }
}`;
const EVENT = 'query Event($id: ID!) { event(id: $id) { name version cached totalSeats availableSeats } }';
const UPDATE_EVENT = `mutation UpdateEvent($input: UpdateEventInput!) {
  updateEvent(input: $input) {
    __typename
    ... on UpdateEventPayload { event { name version } }
    ... on VersionConflictError { currentVersion }
  }
}`;
const BOOKING = `query Booking($id: ID!) {
  booking(id: $id) { status event { name } user { name } notifications { kind status } }
}`;

const DAY_MS = 86_400_000;
const SOON = { timeout: 10_000, interval: 50 };

describe('the whole system, used through the gateway', () => {
  let system: RunningSystem;
  let ada: Client;

  beforeAll(async () => {
    system = await openTestSystem();
    ada = await signUp(system.graphqlUrl, 'Ada Lovelace');
  });
  afterAll(() => system?.stop());

  it('creates, changes and books an event, cancels the booking, and notifies the user of both', async () => {
    const startsAt = new Date(Date.now() + 86_400_000).toISOString();
    const created = await ada.send(CREATE_EVENT, { input: { name: 'Chamber Music', startsAt, totalSeats: 100 } });
    expect(created.data.createEvent.event).toMatchObject({ version: 1, totalSeats: 100, availableSeats: 100 });
    const { id } = created.data.createEvent.event;
    const readEvent = async () => (await ada.send(EVENT, { id })).data.event;
    expect(await readEvent()).toMatchObject({ name: 'Chamber Music', cached: false, totalSeats: 100 });
    const readCached = (expected: object) =>
      vi.waitFor(async () => expect(await readEvent()).toMatchObject({ ...expected, cached: true }));
    await readCached({ name: 'Chamber Music' });

    const update = async (expectedVersion: number, name: string) =>
      (await ada.send(UPDATE_EVENT, { input: { id, expectedVersion, name } })).data.updateEvent;
    expect(await update(1, 'Chamber Music II')).toMatchObject({ event: { name: 'Chamber Music II', version: 2 } });
    expect(await update(1, 'Too late')).toEqual({ __typename: 'VersionConflictError', currentVersion: 2 });
    expect(await readEvent()).toMatchObject({ name: 'Chamber Music II', cached: false, version: 2 });
    await readCached({ name: 'Chamber Music II', version: 2 });

    const key = { seatCount: 2, idempotencyKey: 'the-tour-of-ada' };
    const booked = await book(ada, id, key);
    expect(booked).toMatchObject({ replayed: false, booking: { status: 'CONFIRMED', event: { availableSeats: 98 } } });
    expect(await readEvent()).toMatchObject({ availableSeats: 98 });

    const readBooking = async () => (await ada.send(BOOKING, { id: booked.booking.id })).data.booking;
    await vi.waitFor(
      async () =>
        expect(await readBooking()).toEqual({
          status: 'CONFIRMED',
          event: { name: 'Chamber Music II' },
          user: { name: 'Ada Lovelace' },
          notifications: [{ kind: 'BOOKING_CONFIRMED', status: 'SENT' }],
        }),
      { timeout: 2_000, interval: 50 },
    );

    expect(await book(ada, id, key)).toMatchObject({ replayed: true, booking: { id: booked.booking.id } });

    const cancelled = await ada.send(
      `mutation Cancel($id: ID!) {
        cancelBooking(input: { id: $id }) { ... on CancelBookingPayload { booking { status event { availableSeats } } } }
      }`,
      { id: booked.booking.id },
    );
    expect(cancelled.data.cancelBooking.booking).toEqual({ status: 'CANCELLED', event: { availableSeats: 100 } });
    await vi.waitFor(
      async () =>
        expect((await readBooking()).notifications).toEqual([
          { kind: 'BOOKING_CONFIRMED', status: 'SENT' },
          { kind: 'BOOKING_CANCELLED', status: 'SENT' },
        ]),
      { timeout: 5_000, interval: 50 },
    );
  });

  it('sells the last seat to one of fifty concurrent bookings and sends one notification', async () => {
    const eventId = await createEvent(ada, { totalSeats: 1 });
    const results = await Promise.all(Array.from({ length: 50 }, () => book(ada, eventId)));
    const won = results.filter(({ __typename }) => __typename === 'CreateBookingPayload');
    expect(won).toHaveLength(1);
    expect(results.filter(({ __typename }) => __typename === 'SoldOutError')).toHaveLength(49);

    const notifications = async () => {
      const query = `query Mine($bookingId: ID!) { notifications(filter: { bookingId: $bookingId }) { nodes { status } } }`;
      return (await ada.send(query, { bookingId: won[0].booking.id })).data.notifications.nodes;
    };
    await vi.waitFor(async () => expect(await notifications()).toEqual([{ status: 'SENT' }]), { timeout: 5_000 });
    const bookings = await ada.send(
      'query Bookings($id: ID!) { event(id: $id) { bookings { nodes { notifications { status } } } } }',
      { id: eventId },
    );
    expect(bookings.data.event.bookings.nodes).toEqual([{ notifications: [{ status: 'SENT' }] }]);
  });

  it('cancels the bookings of a cancelled event, notifies their owners and refuses new bookings', async () => {
    const eventId = await createEvent(ada);
    const bob = await signUp(system.graphqlUrl, 'Bob');
    await book(ada, eventId, { seatCount: 3 });
    await book(bob, eventId, { seatCount: 2 });
    const { data } = await ada.send(
      `mutation CancelEvent($id: ID!) {
        cancelEvent(input: { id: $id, expectedVersion: 1 }) { ... on UpdateEventPayload { event { status version } } }
      }`,
      { id: eventId },
    );
    expect(data.cancelEvent.event).toEqual({ status: 'CANCELLED', version: 2 });
    const bookingsOf = async (client: Client) => {
      const query = `query Mine($eventId: ID!) {
        bookings(filter: { eventId: $eventId }) { nodes { status notifications { kind status } } }
      }`;
      return (await client.send(query, { eventId })).data.bookings.nodes;
    };
    for (const client of [ada, bob]) {
      await vi.waitFor(
        async () =>
          expect(await bookingsOf(client)).toMatchObject([
            { status: 'CANCELLED', notifications: [{}, { kind: 'BOOKING_CANCELLED', status: 'SENT' }] },
          ]),
        { timeout: 10_000, interval: 100 },
      );
    }
    expect(await book(bob, eventId)).toMatchObject({ __typename: 'EventNotBookableError', code: 'EVENT_CANCELLED' });
  });

  it('lets the organizer rename a started event, but not cancel or reschedule it', async () => {
    const eventId = await createEvent(ada, { startsAt: new Date(Date.now() + 1_000).toISOString() });
    await vi.waitFor(async () => expect(await book(ada, eventId)).toMatchObject({ code: 'EVENT_STARTED' }), {
      timeout: 5_000,
      interval: 100,
    });
    const revise = async (field: 'cancelEvent' | 'updateEvent', changes: Record<string, unknown> = {}) => {
      const type = field === 'cancelEvent' ? 'CancelEventInput' : 'UpdateEventInput';
      const { data } = await ada.send(
        `mutation Revise($input: ${type}!) { ${field}(input: $input) {
          __typename ... on UpdateEventPayload { event { name status } } ... on EventStartedError { code }
        } }`,
        { input: { id: eventId, expectedVersion: 1, ...changes } },
      );
      return data[field];
    };
    const started = { __typename: 'EventStartedError', code: 'EVENT_STARTED' };
    expect(await revise('cancelEvent')).toEqual(started);
    expect(await revise('updateEvent', { startsAt: '2090-06-01T19:30:00Z' })).toEqual(started);
    expect(await revise('updateEvent', { startsAt: '2020-06-01T19:30:00Z' })).toEqual(started);
    expect(await revise('updateEvent', { name: 'The Concert' })).toMatchObject({
      event: { name: 'The Concert', status: 'SCHEDULED' },
    });
  });

  it('sells seats only within the sales window, and tells others its times', async () => {
    const [startsAt, later, earlier] = [2, 1, -1].map((days) => new Date(Date.now() + days * DAY_MS).toISOString());
    const eventId = await createEvent(ada, { startsAt, salesStartAt: later });
    const key = { idempotencyKey: 'the-key-of-an-early-bird' };
    expect(await book(ada, eventId, key)).toMatchObject({
      __typename: 'SalesNotStartedError',
      code: 'SALES_NOT_STARTED',
      salesStartAt: later,
    });
    const update = async (expectedVersion: number, changes: Record<string, unknown>) => {
      const { data } = await ada.send(
        `mutation Sale($input: UpdateEventInput!) { updateEvent(input: $input) {
          ... on UpdateEventPayload { event { salesStartAt salesEndAt maxSeatsPerUser } }
          ... on InvalidInputError { field message }
        } }`,
        { input: { id: eventId, expectedVersion, ...changes } },
      );
      return data.updateEvent;
    };
    const open = { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null };
    expect(await update(1, { salesStartAt: null })).toEqual({ event: open });
    // The booking subgraph learns of the change from a message.
    const booked = await vi.waitUntil(async () => {
      const result = await book(ada, eventId, key);
      return result.__typename === 'CreateBookingPayload' && result;
    }, SOON);

    expect(await update(2, { salesStartAt: startsAt })).toEqual({
      field: 'input.salesStartAt',
      message: 'input.salesStartAt must be before startsAt.',
    });
    expect(await update(2, { salesEndAt: earlier })).toEqual({ event: { ...open, salesEndAt: earlier } });
    await vi.waitFor(
      async () =>
        expect(await book(ada, eventId)).toMatchObject({
          __typename: 'SalesEndedError',
          code: 'SALES_ENDED',
          salesEndAt: earlier,
        }),
      SOON,
    );
    expect(await book(ada, eventId, key)).toMatchObject({ replayed: true, booking: { id: booked.booking.id } });
  });

  it('never gives a user more seats than the event allows, and counts cancelled bookings no more', async () => {
    const eventId = await createEvent(ada, { maxSeatsPerUser: 5 });
    const [bob, cleo] = [await signUp(system.graphqlUrl, 'Bob'), await signUp(system.graphqlUrl, 'Cleo')];
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) => book(index % 2 ? bob : cleo, eventId, { seatCount: 1 + (index % 3) })),
    );
    const seatsOf = async (client: Client) => {
      const { data } = await client.send(
        `query Own($eventId: ID!) { bookings(filter: { eventId: $eventId, status: CONFIRMED }) {
          nodes { id seatCount }
        } }`,
        { eventId },
      );
      const nodes: { id: string; seatCount: number }[] = data.bookings.nodes;
      return { nodes, seats: nodes.reduce((sum, { seatCount }) => sum + seatCount, 0) };
    };
    expect(results.filter(({ code }) => code === 'USER_LIMIT_REACHED').length).toBeGreaterThan(20);
    for (const client of [bob, cleo]) expect((await seatsOf(client)).seats).toBe(5);
    expect(await book(bob, eventId)).toMatchObject({
      __typename: 'UserLimitReachedError',
      code: 'USER_LIMIT_REACHED',
      maxSeatsPerUser: 5,
      seatsLeft: 0,
    });
    const [first] = (await seatsOf(bob)).nodes;
    await bob.send('mutation Cancel($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', { id: first?.id });
    expect(await book(bob, eventId, { seatCount: 9 })).toMatchObject({ seatsLeft: first?.seatCount });
    expect(await book(bob, eventId, { seatCount: first?.seatCount })).toMatchObject({ replayed: false });
    expect((await seatsOf(bob)).seats).toBe(5);
  });

  it('lets users cancel until the deadline and admins at any time, and passes the reasons on to those who booked', async () => {
    const [admin, bob] = [await signUpAdmin(system), await signUp(system.graphqlUrl, 'Bob')];
    const cancellationDeadline = new Date(Date.now() - 1_000).toISOString();
    const eventId = await createEvent(ada, { cancellationDeadline });
    const [first, second] = [(await book(bob, eventId)).booking.id, (await book(bob, eventId)).booking.id];
    const cancel = async (client: Client, id: string, reason?: string) => {
      const { data } = await client.send(
        `mutation Cancel($input: CancelBookingInput!) {
          cancelBooking(input: $input) {
            ... on CancelBookingPayload { booking { status cancellationReason } }
            ... on DomainError { code }
            ... on CancellationClosedError { cancellationDeadline }
            ... on InvalidInputError { field }
          }
        }`,
        { input: { id, reason } },
      );
      return data.cancelBooking;
    };
    expect(await cancel(bob, first)).toEqual({ code: 'CANCELLATION_CLOSED', cancellationDeadline });
    expect(await cancel(bob, first, ' ')).toEqual({ code: 'INVALID_INPUT', field: 'input.reason' });
    const cancelled = { booking: { status: 'CANCELLED', cancellationReason: 'She is ill' } };
    expect(await cancel(admin, first, ' She is ill ')).toEqual(cancelled);
    expect(await cancel(bob, first, 'Another reason')).toEqual(cancelled);

    const update = `mutation Extend($input: UpdateEventInput!) {
      updateEvent(input: $input) { ... on UpdateEventPayload { event { version cancellationDeadline } } }
    }`;
    const extended = { id: eventId, expectedVersion: 1, cancellationDeadline: null };
    expect((await ada.send(update, { input: extended })).data.updateEvent).toEqual({
      event: { version: 2, cancellationDeadline: null },
    });
    const third = (await book(bob, eventId)).booking.id;
    await vi.waitFor(async () => expect(await cancel(bob, third)).toMatchObject({ booking: { status: 'CANCELLED' } }));
    const cancelEvent = `mutation CancelEvent($input: CancelEventInput!) {
      cancelEvent(input: $input) { ... on UpdateEventPayload { event { status cancellationReason } } }
    }`;
    const input = { id: eventId, expectedVersion: 2, reason: 'Storm 🌩' };
    expect((await ada.send(cancelEvent, { input })).data.cancelEvent).toEqual({
      event: { status: 'CANCELLED', cancellationReason: 'Storm 🌩' },
    });
    const reasonOf = 'query Reason($id: ID!) { booking(id: $id) { status cancellationReason } }';
    await vi.waitFor(
      async () =>
        expect((await bob.send(reasonOf, { id: second })).data.booking).toEqual({
          status: 'CANCELLED',
          cancellationReason: 'Storm 🌩',
        }),
      SOON,
    );
  });

  it('shows the organizer and admins how an event sells, in total and by day in its time zone', async () => {
    const [admin, bob] = [await signUpAdmin(system), await signUp(system.graphqlUrl, 'Bob')];
    const eventId = await createEvent(ada, { timeZone: 'Pacific/Kiritimati' });
    await book(bob, eventId, { seatCount: 2 });
    const cancelled = (await book(bob, eventId, { seatCount: 3 })).booking.id;
    await bob.send('mutation Cancel($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', { id: cancelled });
    await holdSeats(bob, eventId, { seatCount: 4 });
    const read = async (client: Client, range: object) => {
      const { data, errors } = await client.send(
        `query Statistics($id: ID!, $from: String!, $to: String!) { event(id: $id) { statistics {
          soldSeats heldSeats waitingSeats checkedInSeats cancelledSeats confirmedBookings cancelledBookings
          byDay(from: $from, to: $to) { date soldSeats cancelledSeats confirmedBookings cancelledBookings }
        } } }`,
        { id: eventId, ...range },
      );
      return errors === undefined ? data.event.statistics : errors;
    };
    const dateIn = (days: number) =>
      new Intl.DateTimeFormat('sv-SE', { timeZone: 'Pacific/Kiritimati' }).format(Date.now() + days * DAY_MS);
    const counts = { soldSeats: 2, cancelledSeats: 3, confirmedBookings: 1, cancelledBookings: 1 };
    const none = { soldSeats: 0, cancelledSeats: 0, confirmedBookings: 0, cancelledBookings: 0 };
    for (const client of [ada, admin]) {
      expect(await read(client, { from: dateIn(-1), to: dateIn(0) })).toEqual({
        ...counts,
        heldSeats: 4,
        waitingSeats: 0,
        checkedInSeats: 0,
        byDay: [
          { date: dateIn(-1), ...none },
          { date: dateIn(0), ...counts },
        ],
      });
    }
    expect(await read(bob, { from: dateIn(0), to: dateIn(0) })).toBeNull();
    expect(await read(ada, { from: dateIn(0), to: dateIn(366) })).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });

  it('creates one event per user and idempotency key, even for concurrent requests', async () => {
    const bob = await signUp(system.graphqlUrl, 'Bob');
    const startsAt = new Date(Date.now() + 86_400_000).toISOString();
    const create = async (client: Client, change: Record<string, unknown> = {}) => {
      const input = { name: 'Once', startsAt, totalSeats: 5, idempotencyKey: 'the-key-of-an-event', ...change };
      const { data } = await client.send(
        `mutation Once($input: CreateEventInput!) { createEvent(input: $input) {
          ... on CreateEventPayload { replayed event { id availableSeats } } ... on DomainError { code }
        } }`,
        { input },
      );
      return data.createEvent;
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(ada)));
    expect(new Set(answers.map(({ event }) => event.id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await create(ada, { totalSeats: 6 })).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const bobs = await create(bob);
    expect(bobs).toMatchObject({ replayed: false, event: { availableSeats: 5 } });
    expect(bobs.event.id).not.toBe(answers[0].event.id);
  });

  it('lets only the organizer change the capacity, not below the booked seats and not of a cancelled event', async () => {
    const eventId = await createEvent(ada, { totalSeats: 10 });
    const bob = await signUp(system.graphqlUrl, 'Bob');
    await book(bob, eventId, { seatCount: 4 });
    const setCapacity = (client: Client, totalSeats: number) =>
      client.send(
        `mutation SetCapacity($input: SetEventCapacityInput!) {
          setEventCapacity(input: $input) {
            ... on SetEventCapacityPayload { event { name totalSeats availableSeats } }
            ... on CapacityBelowBookedError { bookedSeats }
            ... on EventNotBookableError { code }
            ... on InvalidInputError { field }
          }
        }`,
        { input: { eventId, totalSeats } },
      );
    expect((await setCapacity(ada, 3)).data.setEventCapacity).toEqual({ bookedSeats: 4 });
    expect((await setCapacity(ada, 0)).data.setEventCapacity).toEqual({ field: 'input.totalSeats' });
    expect((await setCapacity(ada, 5)).data.setEventCapacity.event).toMatchObject({ totalSeats: 5, availableSeats: 1 });
    expect((await setCapacity(bob, 500)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);

    const cancel = `mutation CancelEvent($id: ID!) { cancelEvent(input: { id: $id, expectedVersion: 1 }) { __typename } }`;
    await ada.send(cancel, { id: eventId });
    // The booking subgraph learns of the cancellation from a message. Until then this request changes nothing.
    await vi.waitFor(async () =>
      expect((await setCapacity(ada, 5)).data.setEventCapacity).toEqual({ code: 'EVENT_CANCELLED' }),
    );
    expect((await setCapacity(ada, 50)).data.setEventCapacity).toEqual({ code: 'EVENT_CANCELLED' });
    expect((await ada.send(EVENT, { id: eventId })).data.event).toMatchObject({ totalSeats: 5 });
    expect((await setCapacity(bob, 500)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it('lets an admin book for another user, with idempotency keys that belong to the admin', async () => {
    const [admin, bob] = [await signUpAdmin(system), await signUp(system.graphqlUrl, 'Bob')];
    const eventId = await createEvent(ada);
    const key = { idempotencyKey: 'the-key-of-both' };
    const forBob = await book(admin, eventId, { ...key, userId: bob.userId });
    expect(forBob).toMatchObject({ replayed: false, booking: { status: 'CONFIRMED' } });
    expect(await book(admin, eventId, { ...key, userId: bob.userId })).toMatchObject({ replayed: true });
    expect(await book(admin, eventId, key)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const bobsOwn = await book(bob, eventId, key);
    expect(bobsOwn).toMatchObject({ replayed: false });
    const { data } = await bob.send('{ bookings { nodes { id user { name } } } }');
    expect(data.bookings.nodes).toEqual([
      { id: bobsOwn.booking.id, user: { name: 'Bob' } },
      { id: forBob.booking.id, user: { name: 'Bob' } },
    ]);
    const input = { eventId, seatCount: 1, idempotencyKey: 'for-somebody-else', userId: ada.userId };
    const refused = await bob.send(
      'mutation Book($input: CreateBookingInput!) { createBooking(input: $input) { __typename } }',
      { input },
    );
    expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect((await admin.send('{ users { nodes { id } } deadLetters { nodes { id } } }')).errors).toBeUndefined();
  });

  it('refuses a booking that an admin makes for an unknown user', async () => {
    const admin = await signUpAdmin(system);
    const eventId = await createEvent(ada);
    const input = { eventId, seatCount: 1, idempotencyKey: 'for-nobody', userId: randomUUID() };
    const query = `mutation Book($input: CreateBookingInput!) {
      createBooking(input: $input) { __typename ... on InvalidInputError { code field } }
    }`;
    const refusal = { __typename: 'InvalidInputError', code: 'USER_NOT_FOUND', field: 'input.userId' };
    expect((await admin.send(query, { input })).data.createBooking).toEqual(refusal);
    // Other users get FORBIDDEN, which does not reveal whether the user exists.
    expect((await ada.send(query, { input })).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    // The refusal is not stored under the idempotency key.
    const change = { idempotencyKey: 'for-nobody', userId: ada.userId };
    expect(await book(admin, eventId, change)).toMatchObject({
      replayed: false,
      booking: { event: { availableSeats: 99 } },
    });
  });

  it('hides bookings, notifications and e-mail addresses from users without access', async () => {
    const [bob, eve] = await Promise.all([signUp(system.graphqlUrl, 'Bob'), signUp(system.graphqlUrl, 'Eve')]);
    const eventId = await createEvent(ada);
    const { booking } = await book(bob, eventId);
    const readBooking = async (client: Client) => (await client.send(BOOKING, { id: booking.id })).data.booking;
    await vi.waitFor(async () => expect((await readBooking(bob)).notifications).toHaveLength(1), { timeout: 5_000 });
    // The organizer sees the booking, but not the notifications of its owner.
    expect(await readBooking(ada)).toMatchObject({ user: { name: 'Bob' }, notifications: null });
    expect(await readBooking(eve)).toBeNull();
    expect(await readBooking(anonymous(system.graphqlUrl))).toBeNull();

    const profile = `query Profile($id: ID!) { event(id: $id) { organizer { name email bookings { nodes { id } } }
      bookings { nodes { id } } } }`;
    const seen = async (client: Client) => (await client.send(profile, { id: eventId })).data.event;
    expect(await seen(eve)).toEqual({
      organizer: { name: 'Ada Lovelace', email: null, bookings: null },
      bookings: null,
    });
    expect((await seen(ada)).organizer.email).toContain('@example.com');

    for (const list of ['users { nodes { id } }', 'deadLetters { nodes { id } }']) {
      expect((await eve.send(`{ ${list} }`)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    }
    expect((await eve.send('query User($id: ID!) { user(id: $id) { id } }', { id: bob.userId })).data.user).toBeNull();
  });
});
