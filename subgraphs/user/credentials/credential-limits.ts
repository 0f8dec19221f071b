import { createHash } from 'node:crypto';
import type { CreateRateLimiter } from '#platform/redis/rate-limiter.ts';

/** A sign-in attempt: the account by its e-mail, and the address that the client connects from. */
export interface SignInAttempt {
  readonly email: string;
  readonly clientAddress: string;
}

/** Rate limits against password guessing and bulk registration. */
export type CredentialLimits = ReturnType<typeof createCredentialLimits>;

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
/** The number of mails with a token that one account gets within an hour. */
const MAILS_MAX = 5;
/** The number of consecutive failures, within an hour, that cause no waiting time. */
const FREE_FAILURES = 5;
const BACKOFF_S_MAX = 60;
const ADDRESS_KNOWN_S = 14 * DAY_S;

/**
 * Limits sign-in attempts and registrations per client address. Also counts failed sign-ins per account, whether the
 * account exists or not. After five failures in a row, each further attempt must wait: 1 s, then twice as long each
 * time, up to 60 s. An attacker could use this to lock the owner out. An address that signed in to the account within
 * the last 14 days therefore has its own count, which other addresses do not affect.
 *
 * Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies. The address replaces the cookie.
 */
export function createCredentialLimits(
  createRateLimiter: CreateRateLimiter,
  { signInsPerMinute, signUpsPerHour }: { signInsPerMinute: number; signUpsPerHour: number },
) {
  const signIns = createRateLimiter({ name: 'sign-in', points: signInsPerMinute, windowS: MINUTE_S });
  const signUps = createRateLimiter({ name: 'sign-up', points: signUpsPerHour, windowS: HOUR_S });
  const mails = createRateLimiter({ name: 'account-mails', points: MAILS_MAX, windowS: HOUR_S });
  const failures = createRateLimiter({ name: 'sign-in-failures', points: FREE_FAILURES, windowS: HOUR_S });
  const backoff = createRateLimiter({ name: 'sign-in-backoff', points: 1, windowS: BACKOFF_S_MAX });
  const known = createRateLimiter({ name: 'sign-in-known', points: 1, windowS: ADDRESS_KNOWN_S });

  /** The key of an attempt's failure count: one per known address, and one for all unknown addresses of the account. */
  async function scopeOf({ email, clientAddress }: SignInAttempt): Promise<string> {
    const own = keyOf(email, clientAddress);
    return (await known.peek(own)) > 0 ? own : keyOf(email);
  }

  return {
    /** Counts a sign-in attempt. Call it before the password is checked. @throws RATE_LIMITED */
    async admitSignIn(attempt: SignInAttempt): Promise<void> {
      await signIns.consume(attempt.clientAddress);
      const scope = await scopeOf(attempt);
      // Counted before the password is checked, so that parallel attempts cannot bypass the limit.
      const count = await failures.count(scope);
      if (count > FREE_FAILURES) await backoff.consume(scope, { windowS: backoffS(count - FREE_FAILURES) });
    },
    /** Records a successful sign-in: resets the failure count and marks the address as known for this account. */
    async rememberSuccess(attempt: SignInAttempt): Promise<void> {
      const scope = await scopeOf(attempt);
      await Promise.all([
        failures.reset(scope),
        backoff.reset(scope),
        known.renew(keyOf(attempt.email, attempt.clientAddress)),
      ]);
    },
    /** Counts an attempt with a token from a mail, like a sign-in from this address. @throws RATE_LIMITED */
    admitToken: (clientAddress: string): Promise<void> => signIns.consume(clientAddress),
    /** Counts a request for a mail with a token, whether the account exists or not. @throws RATE_LIMITED */
    async admitMail({ email, clientAddress }: SignInAttempt): Promise<void> {
      await signIns.consume(clientAddress);
      await mails.consume(keyOf(email));
    },
    /** Counts a registration. @throws RATE_LIMITED */
    admitSignUp: (clientAddress: string): Promise<void> => signUps.consume(clientAddress),
  };
}

/** Applies no limits. Used when RATE_LIMITS is off. */
export const noCredentialLimits: CredentialLimits = {
  admitSignIn: async () => undefined,
  rememberSuccess: async () => undefined,
  admitToken: async () => undefined,
  admitMail: async () => undefined,
  admitSignUp: async () => undefined,
};

const backoffS = (attempt: number) => Math.min(2 ** (attempt - 1), BACKOFF_S_MAX);

/** Hashed, so that the counters contain no e-mail addresses. */
const keyOf = (...parts: readonly string[]) => createHash('sha256').update(parts.join(' ')).digest('base64url');
