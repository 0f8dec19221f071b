import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { createClient } from '#client/client.ts';
import type { Session } from '#client/sessions.ts';
import { connectTo } from './invariants.ts';
import type { RunningSystem } from './system.ts';

const REQUEST_TIMEOUT_MS = 20_000;
const DAY_MS = 86_400_000;

export interface Answer<Data> {
  status: number;
  data: Data;
  errors: { message: string; path?: (string | number)[]; extensions: { code: string } }[] | undefined;
}

/** A GraphQL client of the gateway, with the token of a user if one is signed in. */
export interface Client {
  readonly userId: string;
  readonly accessToken: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its answer
  send<Data = any>(query: string, variables?: Record<string, unknown>): Promise<Answer<Data>>;
}

/** Creates a client without a token. */
export const anonymous = (graphqlUrl: string): Client => clientWith(graphqlUrl);

/** The password of all users that these functions register. */
export const PASSWORD = 'correct horse battery';

/** Registers and signs in a new user. */
export async function signUp(graphqlUrl: string, name = 'Ada Lovelace'): Promise<Client> {
  const email = `${randomUUID()}@example.com`;
  return clientOf(graphqlUrl, await createClient({ url: graphqlUrl }).signUp({ name, email, password: PASSWORD }));
}

/** Registers a new user, makes them an admin, and signs them in again. */
export async function signUpAdmin({ graphqlUrl, databaseUrls }: RunningSystem): Promise<Client> {
  const email = `${randomUUID()}@example.com`;
  const client = createClient({ url: graphqlUrl });
  await client.signUp({ name: 'Grace Hopper', email, password: PASSWORD });
  const connection = await connectTo(databaseUrls.user);
  await connection.query("UPDATE users SET role = 'ADMIN' WHERE email = ?", [email]);
  await connection.end();
  return clientOf(graphqlUrl, await client.signIn({ email, password: PASSWORD }));
}

function clientOf(graphqlUrl: string, result: { __typename: string } & Partial<Session>): Client {
  const { accessToken, user } = result;
  if (accessToken === undefined) throw new Error(`not signed in: ${JSON.stringify(result)}`);
  return clientWith(graphqlUrl, { accessToken, userId: user?.id ?? '' });
}

/** Creates a client with the access token of a user, or without one. */
export function clientWith(
  graphqlUrl: string,
  { accessToken, userId = '' }: { accessToken?: string; userId?: string } = {},
): Client {
  return {
    userId,
    accessToken,
    async send(query, variables = {}) {
      const response = await fetch(graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const { data, errors } = (await response.json()) as Omit<Answer<never>, 'status'>;
      return { status: response.status, data, errors };
    },
  };
}

/** Creates an event that starts tomorrow. Returns its id. */
export async function createEvent(client: Client, change: Record<string, unknown> = {}): Promise<string> {
  const input = { name: 'Concert', startsAt: new Date(Date.now() + DAY_MS).toISOString(), totalSeats: 100, ...change };
  const { data } = await client.send(
    `mutation CreateEvent($input: CreateEventInput!) {
      createEvent(input: $input) { ... on CreateEventPayload { event { id } } ... on DomainError { code message } }
    }`,
    { input },
  );
  return data.createEvent.event.id;
}

const CREATE_BOOKING = `mutation CreateBooking($input: CreateBookingInput!) {
  createBooking(input: $input) {
    __typename
    ... on CreateBookingPayload { replayed booking { id seatCount status event { availableSeats } } }
    ... on DomainError { code message }
    ... on SalesNotStartedError { salesStartAt }
    ... on SalesEndedError { salesEndAt }
    ... on UserLimitReachedError { maxSeatsPerUser seatsLeft }
    ... on QueuedError { place position comeBackAt }
  }
}`;

/** Books one seat with a new idempotency key. `change` overrides the input. Returns the result of createBooking. */
export async function book(client: Client, eventId: string, change: Record<string, unknown> = {}) {
  const input = { eventId, seatCount: 1, idempotencyKey: randomUUID(), ...change };
  const { data } = await client.send(CREATE_BOOKING, { input });
  return data.createBooking;
}

const HOLD_SEATS = `mutation HoldSeats($input: HoldSeatsInput!) {
  holdSeats(input: $input) {
    __typename
    ... on HoldSeatsPayload {
      replayed hold { id seatCount status createdAt expiresAt endedAt booking { id } event { availableSeats heldSeats } }
    }
    ... on DomainError { code message }
    ... on SoldOutError { availableSeats }
    ... on UserLimitReachedError { maxSeatsPerUser seatsLeft }
    ... on QueuedError { place position comeBackAt }
  }
}`;

/** Holds one seat with a new idempotency key. `change` overrides the input. Returns the result of holdSeats. */
export async function holdSeats(client: Client, eventId: string, change: Record<string, unknown> = {}) {
  const input = { eventId, seatCount: 1, idempotencyKey: randomUUID(), ...change };
  const { data } = await client.send(HOLD_SEATS, { input });
  return data.holdSeats;
}

/** Returns the result of confirmHold. */
export async function confirmHold(client: Client, id: string) {
  const { data } = await client.send(
    `mutation ConfirmHold($input: ConfirmHoldInput!) {
      confirmHold(input: $input) {
        __typename
        ... on ConfirmHoldPayload { replayed booking { id seatCount status event { availableSeats } } }
        ... on DomainError { code }
        ... on HoldEndedError { endedAt }
      }
    }`,
    { input: { id } },
  );
  return data.confirmHold;
}

/** Returns the result of releaseHold. */
export async function releaseHold(client: Client, id: string) {
  const { data } = await client.send(
    `mutation ReleaseHold($input: ReleaseHoldInput!) {
      releaseHold(input: $input) {
        __typename
        ... on ReleaseHoldPayload { hold { id status endedAt event { availableSeats } } }
        ... on DomainError { code }
        ... on HoldConfirmedError { bookingId }
      }
    }`,
    { input: { id } },
  );
  return data.releaseHold;
}

const ENTRY = 'entry { id seatCount status entriesAhead createdAt endedAt hold { id status expiresAt } }';

/** Joins the waiting list of an event. Returns the result of joinWaitlist. */
export async function joinWaitlist(client: Client, eventId: string, seatCount = 1) {
  const { data } = await client.send(
    `mutation JoinWaitlist($input: JoinWaitlistInput!) {
      joinWaitlist(input: $input) {
        __typename
        ... on JoinWaitlistPayload { replayed ${ENTRY} }
        ... on DomainError { code }
        ... on SeatsAvailableError { availableSeats }
        ... on AlreadyWaitingError { entryId seatCount }
        ... on UserLimitReachedError { maxSeatsPerUser seatsLeft }
        ... on InvalidInputError { field }
      }
    }`,
    { input: { eventId, seatCount } },
  );
  return data.joinWaitlist;
}

/** Returns the result of leaveWaitlist. */
export async function leaveWaitlist(client: Client, id: string) {
  const { data } = await client.send(
    `mutation LeaveWaitlist($input: LeaveWaitlistInput!) {
      leaveWaitlist(input: $input) {
        __typename
        ... on LeaveWaitlistPayload { ${ENTRY} }
        ... on DomainError { code }
        ... on SeatsOfferedError { holdId }
      }
    }`,
    { input: { id } },
  );
  return data.leaveWaitlist;
}

/** Returns the current name and version of an event, which may come from the cache. */
export async function readEvent(client: Client, id: string): Promise<{ name: string; version: number }> {
  const { data } = await client.send('query Read($id: ID!) { event(id: $id) { name version } }', { id });
  return data.event;
}

/** Renames an event as its organizer or an admin. @throws when the event is not renamed */
export async function renameEvent(client: Client, id: string, name: string): Promise<void> {
  const { version: expectedVersion } = await readEvent(client, id);
  const { data } = await client.send(
    `mutation Rename($input: UpdateEventInput!) {
      updateEvent(input: $input) { ... on UpdateEventPayload { event { name } } ... on DomainError { code } }
    }`,
    { input: { id, expectedVersion, name } },
  );
  expect(data.updateEvent).toEqual({ event: { name } });
}

/** Returns the code of a booking's ticket. */
export async function ticketCodeOf(client: Client, bookingId: string): Promise<string> {
  const { data } = await client.send('query Ticket($id: ID!) { booking(id: $id) { ticket { code } } }', {
    id: bookingId,
  });
  return data.booking.ticket.code;
}

/** Checks in one seat with a new device key, except for the given input. Returns the result of checkIn. */
export async function checkIn(client: Client, input: { eventId: string; code: string } & Record<string, unknown>) {
  const { data } = await client.send(
    `mutation CheckIn($input: CheckInInput!) {
      checkIn(input: $input) {
        __typename
        ... on CheckInPayload {
          seats checkedInAt replayed booking { id seatCount checkedInSeats user { name } event { checkedInSeats } }
        }
        ... on DomainError { code }
        ... on TooManySeatsError { seatsLeft }
        ... on TicketCancelledError { cancelledAt }
        ... on WrongEventError { eventId }
        ... on InvalidInputError { field }
      }
    }`,
    { input: { seats: 1, deviceKey: randomUUID(), ...input } },
  );
  return data.checkIn;
}
