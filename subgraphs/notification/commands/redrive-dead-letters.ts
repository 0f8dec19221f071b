import { unavailable } from '#platform/errors/errors.ts';
import type { RedriveDeadLettersRequest } from '../domain/bulk-input.ts';
import { findWaitingDeadLetters, markRedriven } from '../store/dead-letters.ts';
import type { NotificationDependencies } from './dependencies.ts';
import { putBack } from './redrive-dead-letter.ts';

/** The number of payloads that are in memory at once. */
const CHUNK = 10;

/**
 * Redrives dead letters that were never redriven, oldest first and at most `limit`. Returns their number, and whether
 * there are more. If the broker starts to refuse messages, it returns the number so far.
 * @throws SERVICE_UNAVAILABLE when the broker accepts none of them
 */
export async function redriveDeadLetters(
  dependencies: Pick<NotificationDependencies, 'database' | 'broker' | 'newId'>,
  { filter, limit }: RedriveDeadLettersRequest,
): Promise<{ redrivenCount: number; hasMore: boolean }> {
  const { database } = dependencies;
  let redrivenCount = 0;
  while (true) {
    const size = Math.min(CHUNK, limit - redrivenCount);
    const [letters, hasMore] = await findWaitingDeadLetters(database, { filter, limit: size });
    const outcomes = await Promise.allSettled(letters.map((letter) => putBack(dependencies, letter)));
    const done = letters.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    // After a crash before this line, these dead letters are not marked as redriven and may be redriven again.
    await markRedriven(
      database,
      done.map(({ id }) => id),
    );
    redrivenCount += done.length;
    if (done.length < letters.length) {
      if (redrivenCount === 0) throw unavailable();
      return { redrivenCount, hasMore: true };
    }
    if (!hasMore || redrivenCount >= limit) return { redrivenCount, hasMore };
  }
}
