import { randomBytes } from 'node:crypto';
import { hash as argon2Hash, verify as argon2Verify, type Options } from '@node-rs/argon2';
import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import { unavailable } from '#platform/errors/errors.ts';

/** Password hashes in PHC string format. Both methods @throw SERVICE_UNAVAILABLE when too many wait already. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** Whether the hash was made from this password. Without a hash: false, after the same time. */
  verify(hash: string | null, password: string): Promise<boolean>;
}

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id */
const PARAMETERS: Options = {
  // Argon2id; the package's enum does not exist at run time for isolated modules.
  algorithm: 2,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/** Half of libuv's threads: signing and verifying tokens needs them too. The last in the queue waits a second or two. */
const LIMITS = { atOnceMax: 2, waitingMax: 64 };

/** Hashes with argon2id, 19 MiB each, a bounded number at once. */
export async function createPasswords({ atOnceMax, waitingMax } = LIMITS): Promise<Passwords> {
  const limit = bulkhead(atOnceMax, waitingMax);
  const nobodysHash = await argon2Hash(randomBytes(32), PARAMETERS);

  async function limited<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await limit.execute(work);
    } catch (error) {
      throw error instanceof BulkheadRejectedError ? unavailable(error) : error;
    }
  }

  return {
    hash: (password) => limited(() => argon2Hash(password, PARAMETERS)),
    async verify(hash, password) {
      const matches = await limited(() => argon2Verify(hash ?? nobodysHash, password));
      return matches && hash !== null;
    },
  };
}
