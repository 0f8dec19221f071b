import { Pool } from 'undici';
import { expect } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import type { Buyer } from './buyers.ts';
import type { Client, Answer as ClientAnswer } from './client.ts';

const TIMEOUT_MS = 30_000;

/** The answer of a booking process. It is 'unknown' if there was no answer or an answer without data. */
export type Answer =
  | { outcome: 'booked'; bookingId: string; seatCount: number; replayed: boolean }
  | { outcome: 'refused'; code: string }
  | { outcome: 'unknown' };

/** A client of one booking process. It sends requests as the gateway does. */
export interface BookingProcess {
  book(buyer: Buyer, input: { eventId: string; seatCount: number; idempotencyKey: string }): Promise<Answer>;
  /** Resolves to true when the answer confirms the cancellation, otherwise to false. */
  cancel(buyer: Buyer, bookingId: string): Promise<boolean>;
  close(): Promise<void>;
}

const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) {
    ... on CreateBookingPayload { replayed booking { id seatCount } }
    ... on DomainError { code }
  }
}`;
const CANCEL = `mutation Cancel($input: CancelBookingInput!) {
  cancelBooking(input: $input) { ... on CancelBookingPayload { booking { status } } ... on DomainError { code } }
}`;

export function createBookingProcess(url: string, proof: string): BookingProcess {
  const pool = new Pool(url, { connections: 256, pipelining: 1 });

  async function send<Data>(buyer: Buyer, query: string, input: object): Promise<Data | null | undefined> {
    const { authorization } = buyer;
    const answer = await pool.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, [GATEWAY_PROOF_HEADER]: proof },
      body: JSON.stringify({ query, variables: { input } }),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    return ((await answer.body.json()) as { data?: Data | null }).data;
  }

  return {
    async book(buyer, input) {
      type Data = {
        createBooking: { code: string } | { replayed: boolean; booking: { id: string; seatCount: number } };
      };
      const data = await send<Data>(buyer, BOOK, input).catch(() => undefined);
      if (!data) return { outcome: 'unknown' };
      if ('code' in data.createBooking) return { outcome: 'refused', code: data.createBooking.code };
      const { booking, replayed } = data.createBooking;
      return { outcome: 'booked', bookingId: booking.id, seatCount: booking.seatCount, replayed };
    },
    async cancel(buyer, id) {
      type Data = { cancelBooking: { booking?: { status: string } } };
      const data = await send<Data>(buyer, CANCEL, { id }).catch(() => undefined);
      return data?.cancelBooking.booking?.status === 'CANCELLED';
    },
    close: () => pool.destroy(),
  };
}

/** There was no answer, or it was SERVICE_UNAVAILABLE. A mutation may have happened. */
export class NoAnswerError extends Error {}

/**
 * A client of the booking process at an address, which sends requests as the gateway does.
 * @throws NoAnswerError, and other errors when the answer has errors
 */
export const clientAt = (url: string, { proof, buyer }: { proof: string; buyer: Buyer }): Client => ({
  userId: buyer.userId,
  accessToken: buyer.authorization.replace('Bearer ', ''),
  async send(query, variables = {}) {
    const { authorization } = buyer;
    const headers = { 'content-type': 'application/json', authorization, [GATEWAY_PROOF_HEADER]: proof };
    const body = JSON.stringify({ query, variables });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const sent = fetch(`${url}/graphql`, { method: 'POST', headers, body, signal });
    const answer = await sent
      .then(async (response) => ({
        status: response.status,
        ...((await response.json()) as { data: never; errors?: ClientAnswer<unknown>['errors'] }),
      }))
      .catch((cause) => {
        throw new NoAnswerError('no answer', { cause });
      });
    const errors = answer.errors ?? [];
    if (errors.some(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE')) throw new NoAnswerError('refused');
    expect(errors, 'the answer has no errors').toEqual([]);
    return { ...answer, errors: undefined };
  },
});
