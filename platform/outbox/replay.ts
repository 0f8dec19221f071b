import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Transact } from '../database/transactions.ts';

const CHUNK = 1_000;

/**
 * Marks every message of an outbox that was published between `since` and now as unpublished, so that relays publish it
 * again. Returns the number of messages. Relays may run at the same time: messages that they publish after the start of
 * the call are not marked. After an error some messages may be marked and others not; it is safe to call the function
 * again.
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
