import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Transact } from '../database/transactions.ts';

const CHUNK = 1_000;

/**
 * Puts back every message of an outbox that was published at `since` or later, until now, for its relays to publish
 * once more; answers how many. Relays may run meanwhile: what they publish from here on is not put back again. An
 * error leaves the rest as it was, and doing it all again is harmless.
 */
export async function replayOutbox(transact: Transact, since: Date): Promise<number> {
  const until = await transact(async (transaction) => {
    const [row] = await transaction.$queryRaw<{ now: Date }[]>(sql`SELECT CURRENT_TIMESTAMP(3) AS now`);
    return row?.now;
  });
  for (let total = 0; ; ) {
    const count = await transact(
      async (transaction) =>
        await transaction.$executeRaw(sql`
          UPDATE outbox SET published_at = NULL, refused_at = NULL
          WHERE published_at >= ${since} AND published_at < ${until} LIMIT ${CHUNK}`),
    );
    total += count;
    if (count < CHUNK) return total;
  }
}
