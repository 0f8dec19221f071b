import { GraphQLError } from 'graphql';
import type { LiveSettings } from '../config.ts';

const RETRY_AFTER_S = 5;

function refusal(code: string, status: number, message: string): GraphQLError {
  const http = { status, headers: new Map([['retry-after', String(RETRY_AFTER_S)]]) };
  const extensions: Record<string, unknown> = { code, reason: 'streams', retryAfter: RETRY_AFTER_S, http };
  return new GraphQLError(message, { extensions });
}

/**
 * Counts the open streams of this process, of each address and of each user. `take` returns the function that gives the
 * place back, to be called once.
 */
export function createStreamLimits(settings: LiveSettings) {
  const counts = new Map<string, number>();
  const add = (key: string, by: number) => {
    const count = (counts.get(key) ?? 0) + by;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    /** @throws RATE_LIMITED for too many streams of an address or a user, SERVICE_UNAVAILABLE for a full process */
    take(address: string, userId: string | undefined): () => void {
      const maxima = new Map([
        ['', settings.LIVE_STREAMS_MAX],
        [`address ${address}`, settings.LIVE_STREAMS_ADDRESS_MAX],
        ...(userId === undefined ? [] : [[`user ${userId}`, settings.LIVE_STREAMS_USER_MAX] as const]),
      ]);
      for (const [key, max] of maxima) {
        if ((counts.get(key) ?? 0) < max) continue;
        if (key === '') throw refusal('SERVICE_UNAVAILABLE', 503, 'The service is busy or unreachable; try again.');
        throw refusal('RATE_LIMITED', 429, 'Too many subscriptions are open; close one of them.');
      }
      for (const key of maxima.keys()) add(key, 1);
      return () => {
        for (const key of maxima.keys()) add(key, -1);
      };
    },
  };
}
