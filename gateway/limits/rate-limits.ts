import type { Caller } from '#platform/identity/identity.ts';
import type { CreateRateLimiter } from '#platform/redis/rate-limiter.ts';

const WINDOW_S = 60;
/**
 * The additional cost of a document that is not in the cache: parsing, validation and planning take 10 times an
 * operation.
 */
const NEW_DOCUMENT_POINTS = 10;

/** Budgets of operations per minute, drawn on before an operation is parsed. */
export interface RateLimits {
  /** Counts an operation of a client address, also one with a bad token. @throws RATE_LIMITED */
  admitAddress(address: string): Promise<void>;
  /** Counts an operation of a signed-in user, from any address; nothing for null. @throws RATE_LIMITED */
  admitUser(caller: Caller | null): Promise<void>;
  /**
   * Draws on the address's budget for a new document. It does not throw: with the budget used up, the next operation is
   * refused.
   */
  chargeDocument(address: string): Promise<void>;
}

export function createRateLimits(
  createRateLimiter: CreateRateLimiter,
  { userPoints, addressPoints }: { userPoints: number; addressPoints: number },
): RateLimits {
  const users = createRateLimiter({ name: 'user', points: userPoints, windowS: WINDOW_S });
  const addresses = createRateLimiter({ name: 'address', points: addressPoints, windowS: WINDOW_S });
  return {
    admitAddress: (address) => addresses.consume(address),
    chargeDocument: (address) => addresses.consume(address, { points: NEW_DOCUMENT_POINTS }).catch(() => undefined),
    admitUser: async (caller) => (caller === null ? undefined : users.consume(caller.userId)),
  };
}

/** Admits every request. */
export const noRateLimits: RateLimits = {
  admitAddress: async () => undefined,
  admitUser: async () => undefined,
  chargeDocument: async () => undefined,
};
