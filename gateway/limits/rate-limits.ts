import type { Caller } from '#platform/identity/identity.ts';
import type { CreateRateLimiter } from '#platform/redis/rate-limiter.ts';

const WINDOW_S = 60;
/**
 * The additional cost of a document that is not in the cache: parsing, validation and planning take 10 times an
 * operation.
 */
const NEW_DOCUMENT_POINTS = 10;

export type RateLimits = ReturnType<typeof createRateLimits>;

/** Creates budgets of operations per minute, drawn on before an operation is parsed. */
export function createRateLimits(
  createRateLimiter: CreateRateLimiter,
  { userPoints, addressPoints }: { userPoints: number; addressPoints: number },
) {
  const users = createRateLimiter({ name: 'user', points: userPoints, windowS: WINDOW_S });
  const addresses = createRateLimiter({ name: 'address', points: addressPoints, windowS: WINDOW_S });
  return {
    /** Counts an operation of a client address, also one with a bad token. @throws RATE_LIMITED */
    admitAddress: (address: string) => addresses.consume(address),
    /** Counts an operation of a signed-in user, from any address; nothing for null. @throws RATE_LIMITED */
    admitUser: async (caller: Caller | null) => (caller === null ? undefined : users.consume(caller.userId)),
    /** Draws on the address's budget for a new document. Never throws: without points the next operation is refused. */
    chargeDocument: (address: string) =>
      addresses.consume(address, { points: NEW_DOCUMENT_POINTS }).catch(() => undefined),
  };
}

/** Admits every request. */
export const noRateLimits: RateLimits = {
  admitAddress: async () => undefined,
  admitUser: async () => undefined,
  chargeDocument: async () => undefined,
};
