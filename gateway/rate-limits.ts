import type { Caller } from '#platform/identity.ts';
import type { CreateRateLimiter } from '#platform/rate-limiter.ts';

const WINDOW_S = 60;

/** Budgets of operations a minute, drawn on before an operation is parsed. Both @throw RATE_LIMITED. */
export interface RateLimits {
  /** For each client address; what comes with a bad token counts, too. */
  admitAddress(address: string): Promise<void>;
  /** For each signed-in user, from wherever it asks. */
  admitUser(caller: Caller | null): Promise<void>;
}

export function createRateLimits(
  createRateLimiter: CreateRateLimiter,
  { userPoints, addressPoints }: { userPoints: number; addressPoints: number },
): RateLimits {
  const users = createRateLimiter({ name: 'user', points: userPoints, windowS: WINDOW_S });
  const addresses = createRateLimiter({ name: 'address', points: addressPoints, windowS: WINDOW_S });
  return {
    admitAddress: (address) => addresses.consume(address),
    admitUser: async (caller) => (caller === null ? undefined : users.consume(caller.userId)),
  };
}

/** Admits everybody. */
export const noRateLimits: RateLimits = { admitAddress: async () => undefined, admitUser: async () => undefined };
