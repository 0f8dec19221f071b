import { createHash } from 'node:crypto';
import type { CreateRateLimiter } from '#platform/redis/rate-limiter.ts';

/** Who tries to sign in as whom. */
export interface SignInAttempt {
  readonly email: string;
  readonly clientAddress: string;
}

/** Slows down whoever guesses passwords or registers in bulk. */
export interface CredentialLimits {
  /** Counts an attempt to sign in, before its password is looked at. @throws RATE_LIMITED */
  admitSignIn(attempt: SignInAttempt): Promise<void>;
  /** Forgets the failures before a success, and from now on knows the address as one of this account's. */
  rememberSuccess(attempt: SignInAttempt): Promise<void>;
  /** Counts a registration. @throws RATE_LIMITED */
  admitSignUp(clientAddress: string): Promise<void>;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
/** Failures in a row, within an hour, that cost nothing but themselves. */
const FREE_FAILURES = 5;
const BACKOFF_S_MAX = 60;
const ADDRESS_KNOWN_S = 14 * DAY_S;

/**
 * Attempts are limited for each address. Failures are counted for each account, whether it exists or not: after five in
 * a row every further attempt has to wait, 1 s at first and twice as long each time, up to a minute. That would let
 * anybody keep an account's owner out; so an address that has signed in to the account lately is counted by itself, and
 * strangers cannot slow it down.
 *
 * Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies, with the address in the cookie's place.
 */
export function createCredentialLimits(
  createRateLimiter: CreateRateLimiter,
  { signInsPerMinute, signUpsPerHour }: { signInsPerMinute: number; signUpsPerHour: number },
): CredentialLimits {
  const signIns = createRateLimiter({ name: 'sign-in', points: signInsPerMinute, windowS: MINUTE_S });
  const signUps = createRateLimiter({ name: 'sign-up', points: signUpsPerHour, windowS: HOUR_S });
  const failures = createRateLimiter({ name: 'sign-in-failures', points: FREE_FAILURES, windowS: HOUR_S });
  const backoff = createRateLimiter({ name: 'sign-in-backoff', points: 1, windowS: BACKOFF_S_MAX });
  const known = createRateLimiter({ name: 'sign-in-known', points: 1, windowS: ADDRESS_KNOWN_S });

  /** Whose failures an attempt belongs to: those of a known address, or of all strangers to the account. */
  async function scopeOf({ email, clientAddress }: SignInAttempt): Promise<string> {
    const own = keyOf(email, clientAddress);
    return (await known.peek(own)) > 0 ? own : keyOf(email);
  }

  return {
    async admitSignIn(attempt) {
      await signIns.consume(attempt.clientAddress);
      const scope = await scopeOf(attempt);
      // Counted before the password is checked: of many attempts at once, only the first few get that far.
      const count = await failures.count(scope);
      if (count > FREE_FAILURES) await backoff.consume(scope, { windowS: backoffS(count - FREE_FAILURES) });
    },
    async rememberSuccess(attempt) {
      const scope = await scopeOf(attempt);
      await Promise.all([
        failures.reset(scope),
        backoff.reset(scope),
        known.renew(keyOf(attempt.email, attempt.clientAddress)),
      ]);
    },
    admitSignUp: (clientAddress) => signUps.consume(clientAddress),
  };
}

/** Limits nothing. */
export const noCredentialLimits: CredentialLimits = {
  admitSignIn: async () => undefined,
  rememberSuccess: async () => undefined,
  admitSignUp: async () => undefined,
};

const backoffS = (attempt: number) => Math.min(2 ** (attempt - 1), BACKOFF_S_MAX);

/** No e-mail leaves the database for the counters. */
const keyOf = (...parts: readonly string[]) => createHash('sha256').update(parts.join(' ')).digest('base64url');
