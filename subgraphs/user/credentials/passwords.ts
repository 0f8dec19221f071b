import { randomBytes } from 'node:crypto';
import { hash as argon2Hash, verify as argon2Verify, type Options } from '@node-rs/argon2';
import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import { unavailable } from '#platform/errors/errors.ts';

export type Passwords = Awaited<ReturnType<typeof createPasswords>>;

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id */
const PARAMETERS: Options = {
  // Argon2id. The package exports a const enum, which isolated modules cannot use at run time.
  algorithm: 2,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/** Half of libuv's default of 4 threads: signing and verifying tokens also uses them. A full queue takes 1 to 2 s. */
const LIMITS = { atOnceMax: 2, waitingMax: 64 };

/**
 * Hashes passwords with argon2id, which takes 19 MiB each, and limits how many are hashed at once. Both methods throw
 * SERVICE_UNAVAILABLE when too many calls are already waiting.
 */
export async function createPasswords({ atOnceMax, waitingMax } = LIMITS) {
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
    /** Returns a hash in PHC string format. */
    hash: (password: string) => limited(() => argon2Hash(password, PARAMETERS)),
    /** True if the hash was made from this password. Without a hash it returns false, after the same time. */
    async verify(hash: string | null, password: string): Promise<boolean> {
      const matches = await limited(() => argon2Verify(hash ?? nobodysHash, password));
      return matches && hash !== null;
    },
  };
}
