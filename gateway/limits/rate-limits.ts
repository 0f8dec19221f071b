import type { Caller } from '#platform/identity/identity.ts';
import type { CreateRateLimiter } from '#platform/redis/rate-limiter.ts';

const WINDOW_S = 60;
/** What a document that nobody sent lately costs: it is parsed, validated and planned, which takes 10 times an operation. */
const NEW_DOCUMENT_POINTS = 10;

/** Budgets of operations a minute, drawn on before an operation is parsed. */
export interface RateLimits {
  /** For each client address; what comes with a bad token counts, too. @throws RATE_LIMITED */
  admitAddress(address: string): Promise<void>;
  /** For each signed-in user, from wherever it asks. @throws RATE_LIMITED */
  admitUser(caller: Caller | null): Promise<void>;
  /** Draws on the address's budget for a new document; once that is used up, the next operation is refused. */
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

/** Admits everybody. */
export const noRateLimits: RateLimits = {
  admitAddress: async () => undefined,
  admitUser: async () => undefined,
  chargeDocument: async () => undefined,
};
