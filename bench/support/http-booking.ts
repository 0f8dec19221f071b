import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { Result } from './load.ts';

const ANSWER_TIMEOUT_MS = 30_000;

/** Creates an HTTP client for one server. It keeps its connections open and reads every answer completely. */
export function createPoster(url: string, connections: number) {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  return {
    async post(body: unknown, headers: Record<string, string> = {}): Promise<{ statusCode: number; text: string }> {
      const answer = await pool.request({
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        headersTimeout: ANSWER_TIMEOUT_MS,
        bodyTimeout: ANSWER_TIMEOUT_MS,
      });
      return { statusCode: answer.statusCode, text: await answer.body.text() };
    },
    async get(path: string): Promise<{ statusCode: number; text: string }> {
      const timeouts = { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS };
      const answer = await pool.request({ path, method: 'GET', ...timeouts });
      return { statusCode: answer.statusCode, text: await answer.body.text() };
    },
    close: () => pool.close(),
  };
}

const CREATE_BOOKING = `mutation CreateBooking($input: CreateBookingInput!) {
  createBooking(input: $input) {
    __typename
    ... on CreateBookingPayload { replayed booking { id status seatCount } }
    ... on DomainError { code }
  }
}`;

/** Returns the createBooking mutation for one seat. */
export const bookingOperation = (eventId: string) => ({
  query: CREATE_BOOKING,
  variables: { input: { eventId, seatCount: 1, idempotencyKey: randomUUID() } },
});

/** Returns the result of createBooking in a GraphQL answer. */
export function resultOf({ statusCode, text }: { statusCode: number; text: string }): Result {
  if (statusCode !== 200 || text.includes('"errors"')) return 'failed';
  return text.includes('"__typename":"CreateBookingPayload"') ? 'confirmed' : 'refused';
}

const EVENT_PAGE = `query EventPage($id: ID!) {
  event(id: $id) { id name venue startsAt status totalSeats availableSeats organizer { name } }
}`;

/** Returns the query for the page of one event: facts, seats and organizer, from three subgraphs. */
export const eventPageOperation = (id: string) => ({ query: EVENT_PAGE, variables: { id } });

const OWN_BOOKINGS = `query OwnBookings {
  bookings(first: 20) {
    nodes { id seatCount status createdAt event { id name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Returns the query for the 20 newest bookings of the signed-in user, with the names of their events. */
export const ownBookingsOperation = () => ({ query: OWN_BOOKINGS });
