import { Pool } from 'undici';
import { KEEP_ALIVE_MS } from '#platform/clients/graphql-client.ts';
import type { Outcome, Request } from './history.ts';

/** Longer than the time limit of an operation at the gateway, so that a late answer shows as late. */
const TIMEOUT_MS = 40_000;
const CONNECTIONS_MAX = 4_000;

const DOCUMENTS: Record<Request['kind'], string> = {
  book: `mutation Book($input: CreateBookingInput!) {
    createBooking(input: $input) {
      ... on CreateBookingPayload { replayed booking { id seatCount } }
      ... on DomainError { code }
    }
  }`,
  cancel: `mutation Cancel($input: CancelBookingInput!) {
    cancelBooking(input: $input) { ... on CancelBookingPayload { booking { status } } ... on DomainError { code } }
  }`,
  page: `query Page($id: ID!) {
    event(id: $id) { name availableSeats organizer { name } }
    me {
      name
      bookings(first: 3) { nodes { seatCount event { name } } }
      notifications(first: 3) { nodes { status } }
    }
  }`,
};

interface Answer {
  data?: {
    createBooking?: { code: string } | { replayed: boolean; booking: { id: string; seatCount: number } };
    cancelBooking?: { code: string } | { booking: { status: string } };
    event?: { name: string } | null;
  } | null;
  errors?: { path?: (string | number)[]; extensions?: { code?: string } }[];
}

/** A client of the gateway that reports every outcome as a value. */
export interface GatewayClient {
  send(request: Request): Promise<Outcome>;
  close(): Promise<void>;
}

export function createGatewayClient(graphqlUrl: string): GatewayClient {
  const { origin, pathname } = new URL(graphqlUrl);
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    // Idle connections end before a stopping gateway closes them, as with a well-configured ingress.
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  return {
    async send(request) {
      try {
        const response = await pool.request({
          path: pathname,
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: request.buyer.authorization },
          body: JSON.stringify({ query: DOCUMENTS[request.kind], variables: variablesOf(request) }),
        });
        return outcomeOf((await response.body.json()) as Answer);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        return { outcome: 'unknown', reason: code ?? message };
      }
    },
    close: () => pool.destroy(),
  };
}

function variablesOf({ kind, eventId, seatCount, key }: Request): object {
  if (kind === 'page') return { id: eventId };
  return { input: kind === 'cancel' ? { id: key } : { eventId, seatCount, idempotencyKey: key } };
}

function outcomeOf(answer: Answer): Outcome {
  const { data, errors = [] } = answer;
  const isExcused = errors.length > 0 && errors.every(({ extensions }) => extensions?.code === 'SERVICE_UNAVAILABLE');
  const payload = data?.createBooking ?? data?.cancelBooking;
  if (payload !== undefined && errors.length === 0) {
    if ('code' in payload) return { outcome: 'refused', code: payload.code };
    if ('replayed' in payload) {
      const { replayed, booking } = payload;
      return { outcome: 'booked', bookingId: booking.id, seatCount: booking.seatCount, replayed };
    }
    if (payload.booking.status === 'CANCELLED') return { outcome: 'cancelled' };
  }
  if (data?.event !== undefined && (errors.length === 0 || isExcused)) {
    const lacking = errors.map(({ path = [] }) => path.filter((part) => typeof part === 'string').join('.'));
    if (errors.length > 0) return { outcome: 'incomplete', lacking, data };
    if (data.event !== null) return { outcome: 'read', eventName: data.event.name };
  }
  return isExcused ? { outcome: 'unavailable' } : { outcome: 'wrong', answer };
}
